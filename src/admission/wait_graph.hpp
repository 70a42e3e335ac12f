#pragma once

#include "scheduler/guard.hpp"
#include "scheduler/home.hpp"

#include <frond/detail/group_core.hpp>
#include <frond/detail/pool_core.hpp>
#include <frond/detail/result_buffer.hpp>

namespace frond::inline v0::detail {

// Who waits for whom, among the fibers of one home, or of one runtime's homes. Edges: a task waits for a task
// or for all tasks of a group or a pool. The walks need no memory: what is still to be visited is linked
// through the fibers. They go from home to home, so in a runtime they need all its locks: a wide guard.

/// Whether `w` is the wait of a task that walks from `h` may visit.
inline bool is_waiting_fellow(Home const& h, Waiter const& w) noexcept {
    return w.fiber && w.fiber->home->is_fellow_of(h) && w.fiber->task;
}

/// Whether its task was cancelled and nothing is known to shield it: the news may still be on its way.
bool is_about_to_end(Waiter const& w) noexcept;

/// Visits the tasks that, directly or through others, wait for something; each once.
class WalkUp {
public:
    enum class Over : std::uint8_t {
        all_waits,
        lasting_waits, ///< not those that are about to end, nor those that any of several tasks can end
        plain_waits    ///< nor those of who has cancelled what it waits for
    };

    explicit WalkUp(Guard const& guard, Over over = Over::all_waits) noexcept
        : home_{guard.home}, mark_{guard.new_walk()}, over_{over} {}

    void add_all(Waiter* waiters, Waiter const* spared = nullptr) noexcept {
        any_waiter(waiters, [&](Waiter& w) {
            if (&w != spared && is_waiting_fellow(home_, w) && goes_over(w)) add(*w.fiber);
            return false;
        });
    }
    /// Those that wait for `t`, its group or its pool.
    void add_waiters_of(TaskNode& t) noexcept;
    /// The next task; those above it are visited later. nullptr: all were visited.
    TaskNode* next() noexcept;

private:
    bool goes_over(Waiter const& w) const noexcept {
        if (over_ == Over::all_waits) return true;
        if (w.kind == WaitKind::result) return false;
        return !is_about_to_end(w) && !(over_ == Over::plain_waits && w.cancels);
    }
    void add(Fiber& f) noexcept;

    Home const& home_;
    std::uint64_t mark_;
    Fiber* todo_ = nullptr;
    Over over_;
};

/// Whether what `w` waits for, directly or through a chain of waits, is a task queued in `p`.
bool needs_slot_of(Guard const& guard, PoolCore& p, Waiter const& w) noexcept;

/// To be called before a wait begins: rejects circles, moves up what has not started, and has slots lent up
/// the chain where that lets something start. `me`: the waiting task, nullptr outside tasks and for tasks of
/// homes that the walks do not reach.
/// @return false: it had to let go of the guard for a moment, so look again whether there is anything to wait
/// for
/// @throws Deadlock, having let go of the guard
bool prepare_wait(Guard& guard, Waiter& w, TaskNode* me, bool moves_up);

/// What must be in place before `prepare_wait` looks around, and goes again whatever comes of it: the
/// deadline, and the count of those in our group that wait, for the walks look no further where that is zero.
class WaitScope {
public:
    /// @throws as Home::prepare
    WaitScope(Home& here, Fiber& f, Waiter& w, TaskNode* me, Clock::time_point deadline)
        : here_{here}, w_{w}, me_{me} {
        may_begin_ = here.prepare(w, f, deadline);
        if (me) me->group->waiting_members.add(me->group->shared);
    }
    WaitScope(WaitScope const&) = delete;
    WaitScope& operator=(WaitScope const&) = delete;
    ~WaitScope() {
        here_.unprepare(w_);
        if (me_) me_->group->waiting_members.take(me_->group->shared);
    }
    /// false: the wait is cut short before it began.
    bool may_begin() const noexcept { return may_begin_; }

private:
    Home& here_;
    Waiter& w_;
    TaskNode* me_;
    bool may_begin_ = false;
};

/// The wait itself, in the list of what it waits for; lets go of the guard. `w` was prepared.
inline void stand_in(Waiter*& list, Guard& guard, Home& here, Waiter& w) noexcept {
    w.keeper = &guard.home;
    w.enlist(list);
    if (here.is_fellow_of(guard.home)) w.fiber->task_wait = &w; // no walk leads to another runtime
    guard.release();
    here.suspend(w);
}

/// Waits in `list` until told, unless `has_come()`. @param f the calling fiber. @return false: it had come;
/// else `w.reason` tells how the wait has ended, which may be before it began
template <class F>
bool wait_unless(F has_come, Guard& guard, Fiber& f, Waiter& w, Waiter*& list, TaskNode* me, bool moves_up,
                 Clock::time_point deadline = Clock::time_point::max()) {
    if (has_come()) return false;
    Home& here = *f.home;
    WaitScope const scope{here, f, w, me, deadline};
    if (!scope.may_begin()) return true;
    while (!prepare_wait(guard, w, me, moves_up) || guard.make_way())
        if (has_come()) return false;
    if (has_come()) return false; // a slot that was lent may have brought it
    stand_in(list, guard, here, w);
    return true;
}

/// A task was queued in a group for which others already wait: their slots serve it from now on.
/// @pre the guard is wide
void lend_for_new_task(Guard& guard, TaskNode& queued) noexcept;
/// Whether anybody already waits for a task that is about to be queued.
inline bool is_awaited(TaskNode const& t) noexcept {
    return t.waiters || t.is_marked(TaskNode::continued) || t.group->joiners || t.group->pool->enders ||
           (t.group->results && t.group->results->readers);
}

} // namespace frond::inline v0::detail
