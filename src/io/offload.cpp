#include <frond/blocking.hpp>

#include "scheduler/home.hpp"
#include "scheduler/home_registry.hpp"
#include "scheduler/inbox.hpp"
#include "scheduler/remote.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <unistd.h>

namespace frond::inline v0::detail {

namespace {

std::size_t thread_count() noexcept {
    return std::min<std::size_t>(32, std::thread::hardware_concurrency() + 4);
}

/// Never destroyed: at the process's end its threads may still be inside somebody's blocking call. A forked
/// child has none of the threads and makes its own.
boost::asio::thread_pool& threads() {
    static std::mutex lock;
    static boost::asio::thread_pool* pool = nullptr;
    static pid_t owner = 0;
    std::lock_guard const guard{lock};
    if (!pool || owner != ::getpid()) {
        HomeRegistry::instance().idle_helpers.fetch_add(thread_count());
        pool = new boost::asio::thread_pool{thread_count()};
        owner = ::getpid();
    }
    return *pool;
}

/// The caller's fiber always waits for the end of the call, so all of this can live on its stack.
struct OffloadedCall : Message {
    void (*work)(void*);
    void* argument;
    Home* home;
    Waiter* waiter;
};

} // namespace

void offload(void (*work)(void*), void* argument) {
    Home& h = Home::current();
    h.check_may_wait();
    Waiter w{WaitKind::offload};
    OffloadedCall call{{}, work, argument, &h, &w};
    call.deliver = [](Message& m, Home& home) noexcept {
        --home.offloaded;
        home.wake(*static_cast<OffloadedCall&>(m).waiter, WakeReason::done);
    };
    boost::asio::post(threads(), [&call] {
        auto& idle = HomeRegistry::instance().idle_helpers;
        idle.fetch_sub(1);
        call.work(call.argument);
        idle.fetch_add(1);
        call.home->post(call);
    });
    ++h.offloaded;
    h.park(w);
}

} // namespace frond::inline v0::detail
