#pragma once

#include "scheduler/fiber.hpp"
#include "scheduler/inbox.hpp"
#include "scheduler/reactor.hpp"
#include "scheduler/team.hpp"
#include "scheduler/timer_queue.hpp"
#include "scheduler/waiter.hpp"

#include <frond/detail/group_core.hpp>
#include <frond/detail/pool_core.hpp>
#include <frond/detail/spin_lock.hpp>
#include <frond/detail/task_node.hpp>
#include <frond/duration.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string>
#include <sys/types.h>

namespace frond::inline v0::detail {

using FiberList = IntrusiveList<Fiber, &Fiber::all_next, &Fiber::all_prev>;
using GroupList = IntrusiveList<GroupCore, &GroupCore::home_next, &GroupCore::home_prev>;

/// First in, first out, through `Fiber::ready_next`.
struct FiberQueue {
    Fiber* head = nullptr;
    Fiber* tail = nullptr;
    bool empty() const noexcept { return head == nullptr; }
    void push(Fiber& f) noexcept {
        f.ready_next = nullptr;
        (tail ? tail->ready_next : head) = &f;
        tail = &f;
    }
    Fiber& pop() noexcept {
        Fiber& f = *head;
        head = f.ready_next;
        if (!head) tail = nullptr;
        return f;
    }
};

/// How much the scheduler does of one thing before it looks at the others.
inline constexpr unsigned turn_length = 61;
inline constexpr unsigned starts_a_yield = 1000;
inline constexpr unsigned starts_a_result = 16;

enum class HomeState : std::uint8_t {
    live,
    ending, ///< its thread or runtime waits for the last task; no more spawns from outside
    ended,  ///< its thread is over: nothing runs, what is left is read under `ended_lock`
    forked  ///< belongs to the parent process
};

/// A thread's scheduler: what is ready, what can start, what is due, and what other threads send.
///
/// Invariants
/// 1. One thread touches everything but the block "any thread". In the home of a `Runtime` the blocks "what
///    lives here" and "run queue" belong to who holds `state_lock` instead. A thread's own home takes no
///    lock.
/// 2. Homes are recycled and never freed, so that a late wake-up from another thread always finds one.
/// 3. A fiber is in at most one of: running, `ready_`, `yielded_`, an idle list, suspended in a wait.
/// 4. While tasks can start, an idle carrier is at hand (`ensure_spare`), so that a fiber can block anywhere,
///    also under a spinlock of Boost.Fiber, and `pick_next` need not allocate.
class Home {
public:
    /// The calling thread's home; makes it at the first use. @throws Closed after the thread's end began
    static FROND_API Home& current();
    /// Makes the calling thread one of a runtime's, with a new home. @throws std::bad_alloc
    static Home& start_in(Team& team, std::size_t place);

    // --- what can run: by who may touch the run queue -----------------------------------------------------
    /// An admitted task: children of the running task first, in spawn order; FIFO for those of a pool.
    void put(TaskNode& t, bool fifo) noexcept {
        t.in_run_queue = true;
        if (fifo) {
            fifo_.push_back(t);
        } else {
            batch_.push_back(t);
            batch_begun_ = true;
        }
        ++queued_;
        if (team) [[unlikely]] {
            t.queued_at = this;
            if (t.pinned) ++pinned_;
        }
    }
    /// Moves a pool's task that has not started in front of everything that has not.
    void run_first(TaskNode& t) noexcept;
    /// How many tasks others may take, a little late.
    std::size_t startable() const noexcept { return queued_.get() - pinned_.get(); }

    void make_ready(Fiber& f) noexcept {
        f.ready_order = ++fibers_readied_;
        ready_.push(f);
    }

    // --- waiting ------------------------------------------------------------------------------------------
    /// Suspends the calling fiber until `wake` or the deadline. For waits that stand in no list.
    /// @pre check_may_wait(). @throws std::bad_alloc; then the fiber has not waited
    void park(Waiter& w, Clock::time_point deadline = Clock::time_point::max());
    /// A task that runs on this thread was cancelled: ends its wait, if it waits and nothing shields it.
    void reach(TaskNode& t) noexcept;
    /// Ends such a wait of a fiber of this home, on its thread.
    void wake(Waiter& w, WakeReason reason) noexcept;

    // In three steps, for those that do: `prepare`, enlist, let go of the guard, `suspend`.
    /// @throws std::bad_alloc
    /// @return false: its task was cancelled, or a deadline scope has expired. Then `w.reason` says so, and
    /// the wait must not begin.
    bool prepare(Waiter& w, Fiber& f, Clock::time_point deadline) {
        w.fiber = &f;
        w.deadline = deadline;
        if (team) [[unlikely]]
            announce_wait(w);
        if (f.may_be_stopped() && !w.shielded) [[unlikely]]
            return prepare_stoppable(w, f);
        if (deadline != Clock::time_point::max()) arm(w, deadline);
        return true;
    }
    /// The wait does not take place after all.
    void unprepare(Waiter& w) noexcept {
        if (w.armed()) timers.disarm(w);
        if (team) [[unlikely]]
            withdraw_wait(*w.fiber);
    }
    void suspend(Waiter& w) noexcept;
    /// The running fiber is in no queue: runs the next one.
    void give_way(Fiber& running) noexcept;
    void switch_to(Fiber& next, Fiber& running) noexcept;
    /// The second half of `Guard::wake`, on the fiber's thread.
    void resume(Waiter& w) noexcept {
        if (w.armed()) timers.disarm(w);
        Fiber& f = *w.fiber;
        f.waiting = nullptr;
        if (w.patient && w.reason == WakeReason::done) {
            f.wait_for_starts(starts_ + starts_a_result, ++fibers_readied_);
            patient_.push(f);
        } else {
            make_ready(f);
        }
    }
    void yield();
    /// The calling fiber. @throws std::logic_error where suspending is not allowed
    Fiber& check_may_wait() const {
        if (!running_->may_wait()) [[unlikely]]
            throw_may_not_wait();
        return *running_;
    }
    bool may_wait() const noexcept { return running_->may_wait(); }

    // --- the running fiber ---------------------------------------------------------------------------------
    Fiber& current_fiber() const noexcept { return *running_; }
    TaskNode* current_task() const noexcept { return running_->task; }

    // --- messages ------------------------------------------------------------------------------------------
    /// Any thread. @return false: the home has ended; the message was not taken
    bool post(Message& m) noexcept;
    void interrupt() noexcept;
    void notify_from_boost() noexcept;

    bool has_no_messages() const noexcept { return inbox_.empty(); }

    // --- for the algorithm, on the dispatcher or in pick_next --------------------------------------------
    Fiber* pick(Fiber& from) noexcept;
    /// The exceptions of one fiber give way to those of the other.
    void swap_exceptions(Fiber& from, Fiber& to) noexcept {
        switch_exception_state(from.exceptions, to.exceptions, exceptions_);
    }
    /// Boost has resumed a fiber that was not picked: one of the user's, with `launch::dispatch`.
    bool believes_running(Fiber const& f) const noexcept { return running_ == &f; }
    void resumed_unpicked(Fiber& f) noexcept { running_ = &f; }
    void became_ready(Fiber& f) noexcept;
    bool has_ready_fibers() const noexcept;
    void block_until(Clock::time_point boost_deadline) noexcept;
    void adopt(Fiber& f) noexcept;
    void disown(Fiber& f) noexcept;

    // --- I/O -----------------------------------------------------------------------------------------------
    FROND_API void install_reactor(Reactor& r);
    Reactor* reactor() const noexcept { return reactor_.load(std::memory_order_acquire); }

    // --- life ----------------------------------------------------------------------------------------------
    void thread_end() noexcept;
    void after_fork_in_child() noexcept;
    void scheduler_gone() noexcept; ///< Boost has dropped the algorithm: the home may be recycled
    /// Nodes and groups that refer to this home: it is recycled after the last one.
    void add_object() noexcept { change_objects(1); }
    void forget_object() noexcept { change_objects(static_cast<std::size_t>(-1)); }
    /// After the thread's end, without the lock: recycles the home once nothing refers to it.
    void recycle_if_unused() noexcept;
    /// For the stall: the main fiber's wait, if it is one that can end in Deadlock.
    Waiter* outermost_wait() const noexcept {
        return main_is_parents_ || !main_fiber || team ? nullptr : main_fiber->waiting;
    }
    /// Whether it may go to sleep for ever without its main fiber missing anything.
    bool may_wait_for_ever() const noexcept { return team || outermost_wait(); }
    /// The number of its present sleep, or of the last one. For its thread.
    std::uint64_t last_sleep() const noexcept { return sleeps_; }
    /// @throws std::logic_error with `text` in a forked child, whose parent's it is. Does not return where
    /// another thread's `std::exit` is ending the program.
    void check_not_forked(char const* text) const {
        if (state.load(std::memory_order_acquire) == HomeState::forked) [[unlikely]]
            refuse_forked(text);
    }
    bool is_here() const noexcept { return this == this_home; }
    /// On the thread whose own it is, with no guard: what others have sent before comes before what the
    /// caller is about to do. In a runtime they need not send.
    void hear() noexcept {
        if (!inbox_.looks_empty()) [[unlikely]]
            drain(inbox_.take_all());
    }
    /// Whether the calling thread may touch what lives here, under a Guard.
    bool is_reachable() const noexcept { return is_here() || team; }
    /// Whether `other` has its tasks in common with this home.
    bool is_fellow_of(Home const& other) const noexcept {
        return this == &other || (team && team == other.team);
    }
    /// A task that runs on the calling thread and may be waited for together with what lives here.
    TaskNode* current_fellow() const noexcept {
        return this_home && is_fellow_of(*this_home) ? this_home->current_task() : nullptr;
    }

    // --- what lives here
    GroupList groups;
    std::size_t live_tasks = 0;
    std::uint64_t walks = 0; ///< walks of the wait graph so far: the mark of the present one

    // --- this thread's
    TimerQueue timers;
    FiberList fibers;
    std::size_t offloaded = 0; ///< calls on offload threads that will wake a fiber here
    std::uint32_t number = 0;
    std::atomic<std::uint32_t> now_ms{0}; ///< a coarse clock, renewed every turn
    pid_t thread_id = 0;
    std::uint8_t default_stack = 0;     ///< StackClass of tasks that ask for none
    Fiber* main_fiber = nullptr;        ///< unknown while it waits in Boost.Fiber since before our first use
    Waiter* last_task_waiter = nullptr; ///< at the thread's end
    std::string stall_graph;            ///< who waited for what when the stall was found

    // --- any thread
    SpinLock state_lock;  ///< taken only where there is a team
    Team* team = nullptr; ///< the runtime; nullptr: a thread's own home
    std::size_t team_place = 0;
    std::atomic<HomeState> state{HomeState::ended}; ///< `start` makes it live
    /// Asleep with nothing of its own that could wake it: the number of that sleep; 0 otherwise.
    std::atomic<std::uint64_t> idle_for_ever{0};
    std::mutex ended_lock;

    // --- for Team
    /// What the last sleep may have missed. @return false: it was not asleep
    bool wake_to_search() noexcept;
    bool looks_asleep() const noexcept { return sleeping_.load(std::memory_order_relaxed) == asleep; }

private:
    friend class HomeRegistry;

    void arm(Waiter& w, Clock::time_point deadline);
    /// Who cancels the task from another thread looks at its state after having said so, and the task looks
    /// for that after having changed its state: one of them sees the other.
    static void announce_wait(Waiter& w) noexcept {
        Fiber const& f = *w.fiber;
        w.exempt = w.shielded || f.scopes || std::uncaught_exceptions() > 0;
        if (f.task) f.task->state.store(TaskState::waiting, std::memory_order_seq_cst);
    }
    static void withdraw_wait(Fiber const& f) noexcept {
        if (f.task) f.task->state.store(TaskState::running, std::memory_order_release);
    }
    [[noreturn]] static void throw_may_not_wait();
    [[noreturn]] void refuse_forked(char const* text) const;
    bool prepare_stoppable(Waiter& w, Fiber& f);

    static constexpr std::uint32_t awake = 0;
    static constexpr std::uint32_t asleep = 1;
    static constexpr std::uint32_t to_search = 2; ///< woken to take tasks from others

    static Home& start(Team* joined, std::size_t place);
    void change_objects(std::size_t by) noexcept {
        if (team)
            objects_.fetch_add(by, std::memory_order_seq_cst);
        else
            objects_.store(objects_.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
    }

    Fiber* pick_for_dispatcher() noexcept;
    Fiber* choose() noexcept;
    Fiber* pop_ready() noexcept;
    bool is_anybody_ready() const noexcept;
    Fiber* take_dispatcher() noexcept;
    void turn() noexcept;
    void flush_batch() noexcept {
        if (batch_begun_) flush_begun_batch();
    }
    void flush_begun_batch() noexcept;
    bool can_start() const noexcept { return queued_.get() != 0; }
    bool steal(std::size_t leave) noexcept;
    std::size_t take_from(Home& victim, std::size_t leave) noexcept;
    bool something_was_put() const noexcept;
    void pass_watch_on() noexcept;
    bool woken_from_outside() const noexcept;
    void sleep() noexcept;
    void sleep_soundly(Clock::time_point until, bool may_stall) noexcept;
    void sleep_in_team(Clock::time_point until, bool may_stall) noexcept;
    void wake_sleeper() noexcept;
    void futex_sleep(Clock::time_point deadline) noexcept;

    void kind_loop(Fiber& self);
    void carrier_loop(Fiber& self);
    void reactor_loop(Fiber& self);
    TaskNode* next_task(Fiber& self) noexcept;
    TaskNode* pop_task() noexcept;
    TaskNode* pop_task_in_team() noexcept;
    TaskNode* pop_newest_batch() noexcept;
    TaskNode* pop_oldest_batch() noexcept;
    void run(Fiber& self, TaskNode& t) noexcept;
    Fiber& make_fiber(FiberKind kind, StackClass klass);
    void push_idle(Fiber& f) noexcept;
    bool ensure_spare() noexcept;
    bool hand_to_other_stack(TaskNode& t) noexcept;
    void trim_idle(Clock::time_point now) noexcept;
    void retire_carriers() noexcept;
    void abandon_for_exit() noexcept;
    void forget_unstarted() noexcept;
    void forget_started() noexcept;
    [[noreturn]] void jump_to_exit() noexcept;
    void leave_fibers_behind(Fiber const* spared) noexcept;
    void drain(Message* m) noexcept;
    void reset(Team* joined, std::size_t place) noexcept;

    // --- run queue
    TaskQueue batch_;            ///< spawned by the running task since it last gave way
    TaskQueue local_;            ///< newest batch first
    TaskNode* oldest_ = nullptr; ///< first task of the last batch in local_; nullptr: look for it
    TaskQueue fifo_;             ///< admitted by pools and sent by other threads, oldest first
    Counter queued_;             ///< tasks in these queues
    Counter pinned_;             ///< those of them that others may not take

    // --- this thread's
    bool batch_begun_ = false; ///< something may be in batch_
    bool keeps_watch_ = false; ///< looks for forgotten tasks once a millisecond
    FiberQueue ready_;
    FiberQueue yielded_;
    FiberQueue patient_;                  ///< ready, but better off if some more starts come first
    Fiber* idle_[stack_class_count] = {}; ///< last in, first out: warm stacks
    Fiber* going_idle_ = nullptr;         ///< the carrier that is just leaving
    std::size_t idle_count_ = 0;
    std::size_t idle_low_ = 0;   ///< fewest idle carriers since the last trim
    std::size_t trim_quota_ = 0; ///< idle carriers still to be let go
    std::size_t carriers_ = 0;
    Clock::time_point next_trim_ = Clock::time_point::max();
    Fiber* running_ = nullptr;
    ExceptionState* exceptions_ = nullptr; ///< of the thread
    Fiber* dispatcher_ = nullptr;          ///< when it is ready; never in ready_
    Fiber* reactor_fiber_ = nullptr;
    std::uint64_t fibers_readied_ = 0;
    std::uint64_t starts_ = 0;
    std::uint64_t sleeps_ = 0;
    unsigned picks_ = 0;
    unsigned turns_ = 0;
    unsigned starts_this_turn_ = 0;
    Clock::time_point turn_began_{};
    Clock::time_point sleep_deadline_{};
    bool turn_due_ = false;
    bool start_one_ = false; ///< the next carrier starts a task although fibers are ready
    bool reactor_polled_ = false;
    bool reactor_may_sleep_ = false;
    bool retiring_ = false;
    bool abandoned_ = false;
    bool main_is_parents_ =
        false; ///< a child forked in a task: the main fiber belongs to the parent's program
    bool scheduler_is_gone_ = false;
    bool nothing_due_ = false;
    std::chrono::nanoseconds stall_patience_{std::chrono::milliseconds{10}};
    void* exit_jump_[5] = {};

    // any thread
    Inbox inbox_;
    std::atomic<bool> boost_woke_{false};
    std::atomic<std::uint32_t> sleeping_{awake}; ///< the futex word
    std::atomic<Reactor*> reactor_{nullptr};
    std::atomic<std::size_t> objects_{0};
};

/// Members of different pools wait crosswise: each for a task that is queued behind the other. The chains of
/// waits do not meet, so nobody has lent a slot. Called when nothing can run any more; has one of them lend.
/// @return false: nobody waits like that
bool lend_crosswise(Home& h) noexcept;

/// A lender goes on without having been handed a slot: takes one, if need be beyond the limit. Under the
/// task's home's guard.
void reclaim_slot(TaskNode& t) noexcept;

/// Waits, on the main fiber at its thread's end, until no task is live. A stall ends the program.
void wait_for_last_task(Home& h) noexcept;

/// A deadline, or the verdict that nothing can happen any more: ends a wait of a fiber of `h`, on its thread,
/// unless what it waits for has come.
void end_late(Home& h, Waiter& w, WakeReason reason) noexcept;

/// Writes which task runs on a stack: for the overflow message, so async-signal-safe.
void describe_stack_owner(void const* fiber, int fd) noexcept;

/// Whether the calling thread may still wait: not once its end has begun.
bool thread_may_wait() noexcept;

/// Destroys the `Local`s and `Inherited`s of a task that has extras. Supplied by the layer above.
void drop_values(TaskNode& t) noexcept;

/// Whether the results of its group have room for those of a task marked `gated`. If not, it waits there.
/// Supplied by the layer above.
bool may_start(TaskNode& t) noexcept;

/// What ends a task: hands on its slot, wakes who waits, tells its group. Supplied by the layer above.
void task_ended(TaskNode& t, TaskState outcome, std::exception_ptr error) noexcept;
/// Ends a task that never ran: destroys the callable first.
void task_dropped(TaskNode& t, TaskState outcome, std::exception_ptr error) noexcept;
/// One reference of the library's own less; the last one destroys the node. Any thread, without a guard,
/// where threads share the home; else its thread, or under the lock of an ended home.
inline void drop_own_ref(TaskNode& n) noexcept {
    if (n.home->team) [[unlikely]]
        drop_foreign_ref(n);
    else if (--n.refs == 0)
        settle_foreign_refs(n);
}

} // namespace frond::inline v0::detail
