#include <frond/blocking.hpp>

#include "scheduler/home.hpp"
#include "scheduler/home_registry.hpp"
#include "scheduler/inbox.hpp"
#include "scheduler/stop_chain.hpp"
#include "scheduler/waiter.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <stop_token>
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

/// Given up in the queue, it belongs to the offload thread that comes across it; else to the fiber.
struct OffloadedCall : Message {
    enum class Stage : std::uint8_t { queued, running, ended, given_up };

    OffloadedCall(void (*w)(void*), void* a, Home& h) noexcept : work{w}, argument{a}, home{h} {
        deliver = [](Message& m, Home&) noexcept { static_cast<OffloadedCall&>(m).finish(); };
    }

    /// @return false: the other side was faster
    bool leave_queue(Stage to) noexcept {
        auto expected = Stage::queued;
        return stage.compare_exchange_strong(expected, to, std::memory_order_acq_rel);
    }

    /// On the offload thread.
    void run() noexcept {
        if (!leave_queue(Stage::running)) {
            delete this;
            return;
        }
        auto& idle = HomeRegistry::instance().idle_helpers;
        idle.fetch_sub(1);
        work(argument);
        idle.fetch_add(1);
        stage.store(Stage::ended, std::memory_order_release);
        home.post(*this);
    }
    /// On the fiber's thread. A cancellation may have woken it in this very turn.
    void finish() noexcept {
        --home.offloaded;
        done = true;
        if (waiter && waiter->fiber->waiting == waiter) home.wake(*waiter, WakeReason::done);
    }

    void (*const work)(void*);
    void* const argument;
    Home& home;
    std::atomic<Stage> stage{Stage::queued};
    // the fiber's thread's
    Waiter* waiter = nullptr; ///< while the fiber is suspended
    bool done = false;
};

enum class CutShort : std::uint8_t { no, by_stop, by_lack_of_memory };

/// Until the call has ended, or is given up.
CutShort wait_for(std::unique_ptr<OffloadedCall>& call, std::stop_source* stop) noexcept {
    Home& home = call->home;
    auto cut_short = CutShort::no;
    bool told = false;
    while (!call->done) {
        Waiter w{WaitKind::offload};
        w.shielded = told;
        call->waiter = &w;
        try {
            home.park(w);
        } catch (std::bad_alloc const&) {
            // No timer for a deadline: better too early than never. A shielded wait needs none.
            cut_short = CutShort::by_lack_of_memory;
            w.reason = WakeReason::cancelled;
        }
        call->waiter = nullptr;
        if (call->done || w.reason != WakeReason::cancelled) continue;
        told = true;
        if (call->stage.load(std::memory_order_acquire) == OffloadedCall::Stage::ended) {
            cut_short = CutShort::no; // the news is on its way
            continue;
        }
        if (cut_short == CutShort::no) cut_short = CutShort::by_stop;
        if (call->leave_queue(OffloadedCall::Stage::given_up)) {
            --home.offloaded;
            [[maybe_unused]] auto* const left = call.release(); // the offload thread deletes it
            break;
        }
        if (stop) stop->request_stop();
    }
    return cut_short;
}

} // namespace

void offload(void (*work)(void*), void* argument, std::stop_source* stop) {
    Home& h = Home::current();
    Fiber& f = h.check_may_wait();
    if (must_stop_now(f)) throw_cancelled(f);
    auto call = std::make_unique<OffloadedCall>(work, argument, h);
    boost::asio::post(threads(), [c = call.get()] { c->run(); });
    ++h.offloaded;
    auto const cut_short = wait_for(call, stop);
    if (cut_short == CutShort::no) return;
    if (cut_short == CutShort::by_lack_of_memory && !must_stop_now(f)) throw std::bad_alloc{};
    throw_cancelled(f);
}

} // namespace frond::inline v0::detail
