#pragma once

#include "scheduler/home.hpp"

#include <frond/detail/group_core.hpp>
#include <frond/detail/pool_core.hpp>

namespace frond::inline v0::detail {

// Who waits for whom, among the fibers of one home. Edges: a task waits for a task or for all tasks of a
// group or a pool. The walks need no memory: what is still to be visited is linked through the fibers.

/// Visits the tasks that, directly or through others, wait for something; each once.
class WalkUp {
public:
    explicit WalkUp(Home& h) noexcept : mark_{++h.walks} {}

    void add_all(Waiter* waiters) noexcept {
        any_waiter(waiters, [this](Waiter& w) {
            if (w.fiber && w.fiber->task) add(*w.fiber);
            return false;
        });
    }
    /// Those that wait for `t`, its group or its pool.
    void add_waiters_of(TaskNode& t) noexcept;
    /// The next task; those above it are visited later. nullptr: all were visited.
    TaskNode* next() noexcept;

private:
    void add(Fiber& f) noexcept;

    std::uint64_t mark_;
    Fiber* todo_ = nullptr;
};

/// Whether what `w` waits for, directly or through a chain of waits, is a task queued in `p`.
bool needs_slot_of(PoolCore& p, Waiter const& w) noexcept;

/// To be called before a wait begins: rejects circles, moves up what has not started, and has slots lent up
/// the chain where that lets something start. `me`: the waiting task, nullptr outside tasks.
/// @throws Deadlock
void prepare_wait(Home& h, Waiter& w, TaskNode* me, bool moves_up);

/// The wait itself, in the list of what it waits for. @throws as Home::park
void wait_for_tasks(Home& h, Waiter& w, Waiter*& list, TaskNode* me,
                    Clock::time_point deadline = Clock::time_point::max());

/// A task was queued in a group for which others already wait: their slots serve it from now on.
void lend_for_new_task(TaskNode& queued) noexcept;

} // namespace frond::inline v0::detail
