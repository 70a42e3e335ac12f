// The life of a home: first use, messages, sleep, thread end, fork, exit from inside a task.

#include "scheduler/home.hpp"

#include "scheduler/algorithm.hpp"
#include "scheduler/guard.hpp"
#include "scheduler/home_registry.hpp"
#include "scheduler/node_memory.hpp"
#include "scheduler/overflow_handler.hpp"
#include "scheduler/stack_arena.hpp"
#include "scheduler/stall.hpp"

#include <frond/errors.hpp>

#include <boost/fiber/context.hpp>
#include <boost/fiber/type.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <linux/futex.h>
#include <pthread.h>
#include <stdexcept>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

namespace frond::inline v0::detail {

namespace bf = boost::fibers;

constinit thread_local Home* this_home = nullptr;
constinit thread_local Home* own_home = nullptr;

namespace {

/// How long a single task stays with a thread that computes before another takes it.
constexpr std::chrono::milliseconds watch_interval{1};

thread_local constinit bool thread_is_over = false;
thread_local constinit void* signal_stack = nullptr;

/// Its destructor is the thread's end for us. Made after Boost's own thread-local, so that it runs before it.
struct ThreadEnd {
    bool armed = false;
    ~ThreadEnd() {
        if (this_home) this_home->thread_end();
        thread_is_over = true;
        release_node_cache();
        detach_signal_stack(signal_stack);
    }
};

void arm_thread_end() {
    thread_local ThreadEnd guard;
    guard.armed = true;
}

void before_fork() { HomeRegistry::instance().lock(); }
void in_parent() { HomeRegistry::instance().unlock(); }
void in_child() {
    auto& registry = HomeRegistry::instance();
    registry.forget_parent();
    registry.unlock();
    if (this_home) this_home->after_fork_in_child();
}

void once_per_process() {
    static bool const done = [] {
        pthread_atfork(before_fork, in_parent, in_child);
        install_overflow_handler(&describe_stack_owner);
        return true;
    }();
    (void)done;
}

} // namespace

bool thread_may_wait() noexcept { return !thread_is_over; }

Home& Home::current() {
    if (this_home) return *this_home;
    if (thread_is_over) throw Closed("frond: this thread's scheduler has ended");
    return start(nullptr, 0);
}

Home& Home::start_in(Team& team, std::size_t place) { return start(&team, place); }

Home& Home::start(Team* joined, std::size_t place) {
    bf::context::active();
    arm_thread_end();
    once_per_process();
    if (!signal_stack) signal_stack = attach_signal_stack();
    Home& h = HomeRegistry::instance().acquire();
    h.reset(joined, place);
    install_algorithm(h);
    h.running_ = fiber_of(*bf::context::active());
    h.adopt(*h.running_);
    this_home = &h;
    own_home = joined ? nullptr : &h;
    h.turn();
    return h;
}

void Home::reset(Team* joined, std::size_t place) noexcept {
    inbox_.reopen();
    team = joined;
    team_place = place;
    thread_id = static_cast<pid_t>(::syscall(SYS_gettid));
    exceptions_ = thread_exception_state();
    default_stack = static_cast<std::uint8_t>(default_stack_class());
    main_fiber = reactor_fiber_ = nullptr;
    idle_for_ever.store(0, std::memory_order_relaxed);
    sleeping_.store(awake, std::memory_order_relaxed);
    reactor_.store(nullptr, std::memory_order_relaxed);
    abandoned_ = retiring_ = main_is_parents_ = false;
    batch_begun_ = keeps_watch_ = false;
    state.store(HomeState::live, std::memory_order_release);
}

void Home::adopt(Fiber& f) noexcept {
    if (f.home == this) return;
    f.home = this;
    fibers.push_back(f);
    if (f.kind == FiberKind::main) main_fiber = &f;
}

void Home::disown(Fiber& f) noexcept { fibers.erase(f); }

// --- messages and sleep ---------------------------------------------------------------------------------

bool Home::post(Message& m) noexcept {
    auto const pushed = inbox_.push(m);
    if (pushed == Inbox::Push::was_empty) interrupt();
    return pushed != Inbox::Push::closed;
}

void Home::notify_from_boost() noexcept {
    boost_woke_.store(true, std::memory_order_seq_cst);
    interrupt();
}

void Home::interrupt() noexcept {
    auto expected = asleep;
    if (sleeping_.compare_exchange_strong(expected, awake, std::memory_order_seq_cst)) wake_sleeper();
}

void Home::wake_sleeper() noexcept {
    if (Reactor* const r = reactor())
        r->interrupt();
    else
        ::syscall(SYS_futex, &sleeping_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

void Home::block_until(Clock::time_point boost_deadline) noexcept {
    auto const now = Clock::now();
    trim_idle(now);
    if (!ready_.empty() || abandoned_) return;
    if (team && steal(1)) return;
    sleep_deadline_ = std::min({boost_deadline, timers.next(), next_trim_});
    nothing_due_ = std::min(boost_deadline, timers.next()) == Clock::time_point::max();
    if (reactor_fiber_)
        reactor_may_sleep_ = true; // pick_for_dispatcher sends the reactor fiber to sleep
    else
        sleep();
}

/// On the dispatcher, or on the reactor fiber if there is one. Two fences: either the sender sees that we
/// sleep, or we see its message.
void Home::sleep() noexcept {
    Reactor* const r = reactor();
    bool const may_stall = nothing_due_ && offloaded == 0 && may_wait_for_ever() && !(r && r->has_work());
    auto const until =
        may_stall ? std::min(sleep_deadline_, Clock::now() + stall_patience_) : sleep_deadline_;
    sleeping_.store(asleep, std::memory_order_seq_cst);
    if (team)
        sleep_in_team(until, may_stall);
    else
        sleep_soundly(until, may_stall);
    sleeping_.store(awake, std::memory_order_seq_cst);
}

/// What `should_announce` asks for is settled here: first we are counted, then we look.
void Home::sleep_in_team(Clock::time_point until, bool may_stall) noexcept {
    auto const asleep_now = team->sleepers.fetch_add(1, std::memory_order_seq_cst) + 1;
    bool late = false;
    if (!something_was_put()) {
        keeps_watch_ = asleep_now < team->homes.size() && !team->watched.exchange(true);
        if (keeps_watch_) until = std::min(until, Clock::now() + watch_interval);
        sleep_soundly(until, may_stall && !keeps_watch_);
        late = keeps_watch_ && Clock::now() >= until;
    }
    bool const woken = sleeping_.exchange(awake, std::memory_order_seq_cst) == to_search;
    team->sleepers.fetch_sub(1, std::memory_order_seq_cst);
    if (woken) team->waking.store(false, std::memory_order_release);
    bool const watched = std::exchange(keeps_watch_, false);
    if (watched) team->watched.store(false, std::memory_order_seq_cst);
    if (late)
        steal(0);
    else if (woken || watched)
        steal(1);
    pass_watch_on();
}

void Home::sleep_soundly(Clock::time_point until, bool may_stall) noexcept {
    Reactor* const r = reactor();
    if (!inbox_.empty() || boost_woke_.load(std::memory_order_seq_cst)) return;
    ++sleeps_;
    idle_for_ever.store(may_stall ? sleeps_ : 0, std::memory_order_seq_cst);
    if (r)
        r->wait_until(until);
    else
        futex_sleep(until);
    // Handlers have run: they may have woken fibers, spawned tasks or started operations.
    bool const undisturbed = may_stall && sleeping_.load(std::memory_order_relaxed) == asleep &&
                             inbox_.empty() && !has_ready_fibers() && !(r && r->has_work());
    stall_patience_ =
        undisturbed ? std::min(stall_patience_ * 4, longest_stall_patience) : first_stall_patience;
    if (undisturbed && Clock::now() >= until && check_for_stall(*this))
        stall_patience_ = first_stall_patience;
    idle_for_ever.store(0, std::memory_order_seq_cst);
}

void Home::futex_sleep(Clock::time_point deadline) noexcept {
    timespec at{};
    timespec* limit = nullptr;
    if (deadline != Clock::time_point::max()) {
        auto const ns =
            std::chrono::duration_cast<std::chrono::nanoseconds>(deadline.time_since_epoch()).count();
        at.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
        at.tv_nsec = static_cast<long>(ns % 1'000'000'000);
        limit = &at;
    }
    ::syscall(SYS_futex, &sleeping_, FUTEX_WAIT_BITSET_PRIVATE, asleep, limit, nullptr,
              FUTEX_BITSET_MATCH_ANY);
}

// --- I/O ---------------------------------------------------------------------------------------------------

void Home::install_reactor(Reactor& r) {
    reactor_fiber_ = &make_fiber(FiberKind::reactor, StackClass::kib256);
    reactor_.store(&r, std::memory_order_release);
}

/// Picked by the dispatcher alone: to poll once a turn, and to sleep when nothing else can run.
void Home::reactor_loop(Fiber& self) {
    while (!retiring_) {
        Reactor& r = *reactor();
        if (std::exchange(reactor_may_sleep_, false))
            sleep();
        else
            r.poll();
        give_way(self);
    }
}

// --- ends --------------------------------------------------------------------------------------------------

/// The thread is over: no more spawns, what lives here ends first, then the carriers, then Boost's scheduler.
void Home::thread_end() noexcept {
    if (!bf::context::active()->is_context(bf::type::main_context)) {
        abandon_for_exit();
        return;
    }
    state.store(HomeState::ending, std::memory_order_release);
    wait_for_last_task(*this);
    main_fiber->values.reset();
    {
        Guard const guard{*this};
        for (GroupCore* g = groups.head; g; g = g->home_next)
            g->closed.store(true, std::memory_order_relaxed);
    }
    retire_carriers();
    std::lock_guard const lock{ended_lock};
    drain(inbox_.close());
    timers.clear();
    state.store(HomeState::ended, std::memory_order_seq_cst);
    if (Reactor* const r = reactor_.exchange(nullptr)) r->thread_ended();
    this_home = own_home = nullptr;
}

void Home::scheduler_gone() noexcept {
    // A home whose process was forked away, or left in the middle, stays as it is.
    if (state.load(std::memory_order_acquire) != HomeState::ended) return;
    std::unique_lock lock{ended_lock};
    // Boost destroys the main context later still, when the home may already serve another thread.
    while (Fiber* const f = fibers.pop_front()) f->home = nullptr;
    scheduler_is_gone_ = true;
    bool const unused = objects_.load(std::memory_order_seq_cst) == 0;
    lock.unlock();
    if (unused) recycle_if_unused();
}

void Home::recycle_if_unused() noexcept {
    {
        std::lock_guard const lock{ended_lock};
        if (!scheduler_is_gone_ || objects_.load(std::memory_order_acquire) != 0) return;
        scheduler_is_gone_ = false;
    }
    if (team)
        team->home_is_unused();
    else
        HomeRegistry::instance().recycle(*this);
}

void Home::refuse_forked(char const* text) const {
    if (team && team->abandoned.load(std::memory_order_acquire) && thread_may_wait())
        for (;;) ::pause();
    throw std::logic_error(text);
}

/// `std::exit` was called inside a task: its thread-local destructors run on the task's stack, and Boost's
/// will want the main context, with no fiber left. So the main fiber is resumed, jumps straight back here,
/// and the rest of the exit runs on this stack as the main context. All other fibers stay behind, suspended.
void Home::abandon_for_exit() noexcept {
    abandoned_ = true;
    if (!main_fiber || !main_fiber->suspended_by_us) {
        std::fputs("frond: std::exit inside a task while the main fiber waits outside frond; ending now\n",
                   stderr);
        std::fflush(nullptr);
        std::_Exit(EXIT_FAILURE);
    }
    state.store(HomeState::forked, std::memory_order_release); // nobody may use what lives here any more
    this_home = own_home = nullptr;
    if (team) {
        team->abandoned.store(true, std::memory_order_release);
        // The exit destroys what the tasks refer to: no thread may start another one.
        for (Home* h : team->homes) {
            std::lock_guard const lock{h->state_lock};
            h->forget_unstarted();
        }
    } else {
        forget_unstarted();
    }
    forget_started();
    reactor_fiber_ = nullptr;
    if (__builtin_setjmp(exit_jump_) == 0) main_fiber->context->resume();
    leave_fibers_behind(nullptr);
}

// Everything that was to run stays where it is for ever.

void Home::forget_started() noexcept {
    ready_ = yielded_ = patient_ = {};
    timers.clear();
}

void Home::forget_unstarted() noexcept {
    batch_ = local_ = fifo_ = {};
    queued_.set(0);
    pinned_.set(0);
    oldest_ = nullptr;
}

[[noreturn]] void Home::jump_to_exit() noexcept { __builtin_longjmp(exit_jump_, 1); }

/// Takes the suspended fibers out of Boost's books, so that its scheduler does not wait for them.
void Home::leave_fibers_behind(Fiber const* spared) noexcept {
    for (Fiber* f = fibers.head; f;) {
        Fiber* const next = f->all_next;
        if (f != spared && f->kind != FiberKind::main && f->kind != FiberKind::dispatcher) {
            if (f->context->sleep_is_linked()) f->context->sleep_unlink();
            f->context->detach();
            fibers.erase(*f);
            f->home = nullptr;
        }
        f = next;
    }
}

/// The child has one thread, ours, and none of the parent's tasks. Its fibers are left where they are; the
/// running one goes on under a new home, and every group and pool it inherited refuses to be used.
void Home::after_fork_in_child() noexcept {
    Fiber& running = *fiber_of(*bf::context::active());
    leave_fibers_behind(&running);
    forget_unstarted();
    forget_started();
    Home& own = HomeRegistry::instance().acquire();
    own.reset(nullptr, 0);
    own.main_is_parents_ = running.kind != FiberKind::main;
    own.dispatcher_ = dispatcher_;
    own.running_ = &running;
    while (Fiber* const f = fibers.pop_front()) own.adopt(*f);
    install_algorithm(own);
    this_home = own_home = &own;
}

} // namespace frond::inline v0::detail
