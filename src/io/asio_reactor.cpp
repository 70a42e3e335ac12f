#include "io/asio_reactor.hpp"

#include "ownership/lifecycle.hpp"
#include "scheduler/home.hpp"

#include <frond/asio.hpp>
#include <frond/errors.hpp>

#include <exception>
#include <sched.h>
#include <unistd.h>
#include <utility>

#include <boost/asio/post.hpp>

namespace frond::inline v0 {

namespace detail {

namespace {

/// How many handlers run before the fibers get their turn. As many as Asio takes from the kernel at once;
/// more would only let handlers that start each other starve the fibers.
constexpr int handlers_a_turn = 128;

/// Left by ended threads. The list is taken whole, and given back but for one, so that its nodes need no
/// counters.
std::atomic<AsioReactor*> idle_reactors{nullptr};

/// Held by one who takes from the list; another one would find it empty meanwhile, and each time the process
/// would have a context more for ever. A forked child does not wait for a holder that stayed in the parent.
class TakerLock {
public:
    TakerLock() noexcept {
        pid_t const process = ::getpid();
        for (pid_t seen = 0; !holder.compare_exchange_weak(seen, process, std::memory_order_acquire);) {
            if (seen != process) continue; // nobody, or somebody in another process
            ::sched_yield();
            seen = 0;
        }
    }
    TakerLock(TakerLock const&) = delete;
    TakerLock& operator=(TakerLock const&) = delete;
    ~TakerLock() { holder.store(0, std::memory_order_release); }

private:
    static inline std::atomic<pid_t> holder{0};
};

/// A handler with memory of its own, so that the reactor's own operations never fail for want of any.
template <class F>
struct WithMemory {
    using allocator_type = HandlerAllocator<void>;

    HandlerMemory* memory;
    F f;

    allocator_type get_allocator() const noexcept { return allocator_type{*memory}; }
    template <class... A>
    void operator()(A&&... args) {
        f(std::forward<A>(args)...);
    }
};
template <class F>
WithMemory(HandlerMemory*, F) -> WithMemory<F>;

} // namespace

AsioReactor::AsioReactor() : process_{::getpid()} { count_work(); }

AsioReactor& AsioReactor::acquire() {
    AsioReactor* reactor = take_idle();
    if (!reactor) reactor = new AsioReactor;
    std::lock_guard const lock{reactor->probe_lock_};
    reactor->owner_ = std::this_thread::get_id();
    return *reactor;
}

AsioReactor* AsioReactor::take_idle() noexcept {
    TakerLock const lock;
    AsioReactor* const first = idle_reactors.exchange(nullptr, std::memory_order_acquire);
    if (!first) return nullptr;
    if (first->process_ != ::getpid()) {
        // Inherited over a fork, with the parent's epoll and descriptors. Kept where leak checkers find it.
        static std::atomic<AsioReactor*> inherited{nullptr};
        inherited.store(first, std::memory_order_relaxed);
        return nullptr;
    }
    for (AsioReactor* other = std::exchange(first->next_idle_, nullptr); other;)
        std::exchange(other, other->next_idle_)->thread_ended();
    return first;
}

void AsioReactor::thread_ended() noexcept {
    {
        std::lock_guard const lock{probe_lock_};
        owner_ = {};
    }
    next_idle_ = idle_reactors.load(std::memory_order_relaxed);
    while (!idle_reactors.compare_exchange_weak(next_idle_, this, std::memory_order_release,
                                                std::memory_order_relaxed)) {
    }
}

// --- running -------------------------------------------------------------------------------------------

bool AsioReactor::run_guarded(std::size_t (boost::asio::io_context::*run)()) noexcept {
    try {
        return (context_.*run)() > 0;
    } catch (...) {
        TaskError error;
        error.error = std::current_exception();
        error.name = "asio handler";
        report_unhandled(error);
        return true;
    }
}

void AsioReactor::run_ready() {
    for (int n = 0; n < handlers_a_turn && run_guarded(&boost::asio::io_context::poll_one); ++n) {
    }
}

void AsioReactor::poll() {
    // `has_work`, and a user who calls `stop`, leave it stopped.
    if (context_.stopped()) context_.restart();
    run_ready();
}

void AsioReactor::wait_until(Clock::time_point deadline) {
    if (context_.stopped()) context_.restart();
    if (deadline != Clock::time_point::max()) {
        if (deadline <= Clock::now()) {
            run_ready();
            return;
        }
        set_alarm(deadline);
    }
    if (run_guarded(&boost::asio::io_context::run_one)) run_ready();
}

/// `run_one_until` would do without a timer, but epoll counts in milliseconds and Asio rounds up. An alarm
/// that rings before it is needed is left as it is: one early wake-up costs less than setting the timer each
/// time.
void AsioReactor::set_alarm(Clock::time_point when) {
    if (alarm_at_ <= when) return;
    alarm_at_ = when;
    alarm_.expires_at(when);
    alarm_.async_wait(WithMemory{&alarm_memory_, [this](boost::system::error_code const& error) {
                                     count_work(); // Asio takes it off again
                                     if (!error) alarm_at_ = Clock::time_point::max();
                                 }});
    uncount_work();
}

/// Asio has no way to end a wait from outside but a handler. One is enough, whoever asks for it.
void AsioReactor::interrupt() noexcept {
    if (interrupted_.exchange(true, std::memory_order_acq_rel)) return;
    boost::asio::post(context_, WithMemory{&interrupt_memory_, [this] {
                                               // Read, too: what came with a request that found one under way
                                               // must be visible to what the home does next.
                                               interrupted_.exchange(false, std::memory_order_acq_rel);
                                           }});
}

/// Asio does not tell how much work there is, but it stops when there is none. Another thread that asks
/// cannot restart it, because that is not allowed while the owner runs it; the owner does so at its next
/// turn.
bool AsioReactor::has_work() {
    std::lock_guard const lock{probe_lock_};
    if (context_.stopped()) {
        if (owner_ != std::this_thread::get_id()) return true; // cannot tell until then
        context_.restart();
    }
    uncount_work();
    bool const idle = context_.stopped();
    count_work();
    return !idle;
}

} // namespace detail

boost::asio::io_context& io_context() {
    auto& home = detail::Home::current();
    if (detail::Reactor* const r = home.reactor()) return static_cast<detail::AsioReactor*>(r)->context();
    auto& made = detail::AsioReactor::acquire();
    try {
        home.install_reactor(made);
    } catch (...) {
        made.thread_ended();
        throw;
    }
    return made.context();
}

} // namespace frond::inline v0
