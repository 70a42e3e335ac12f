// The one way to wait: a Waiter on the fiber's stack, and a suspended context.

#include "scheduler/algorithm.hpp"
#include "scheduler/guard.hpp"
#include "scheduler/stall.hpp"

#include <boost/fiber/context.hpp>

#include <stdexcept>

namespace frond::inline v0::detail {

Fiber& Home::current_fiber() const noexcept { return *fiber_of(*boost::fibers::context::active()); }

bool Home::may_wait() const noexcept { return current_fiber().may_wait(); }

Fiber& Home::check_may_wait() const {
    Fiber& f = current_fiber();
    if (!f.may_wait())
        throw std::logic_error("frond: a call that waits inside an I/O handler; spawn a task instead");
    return f;
}

void Home::park(Waiter& w, Clock::time_point deadline) {
    prepare(w, current_fiber(), deadline);
    suspend(w);
}

void Home::arm(Waiter& w, Clock::time_point deadline) {
    w.fire = [](Timer& t, Home& h) noexcept { end_late(h, static_cast<Waiter&>(t), WakeReason::timeout); };
    timers.arm(w, deadline);
}

void Home::suspend(Waiter& w) noexcept {
    Fiber& f = *w.fiber;
    f.waiting = &w;
    f.wait_kind.store(w.kind, std::memory_order_relaxed);
    TaskNode* const task = f.task;
    if (task) task->state.store(TaskState::waiting, std::memory_order_release);
    f.suspended_by_us = true;
    f.context->suspend();
    f.suspended_by_us = false;
    if (f.home->abandoned_) f.home->jump_to_exit();
    if (!task) return;
    task->state.store(TaskState::running, std::memory_order_release);
    if (!w.must_reclaim) return;
    Guard const guard{*task->home};
    if (task->lent) reclaim_slot(*task);
}

void Home::wake(Waiter& w, WakeReason reason) noexcept {
    w.reason = reason;
    resume(w);
}

/// Where the wait stands in a list that others may touch, one of them may have ended it a moment ago: then
/// the news is on its way, and counts.
void end_late(Home& h, Waiter& w, WakeReason reason) noexcept {
    if (!w.keeper) {
        h.wake(w, reason);
        return;
    }
    Guard guard{*w.keeper};
    if (w.list) guard.wake(w, reason);
}

void Home::yield() {
    check_may_wait();
    Fiber& f = current_fiber();
    f.yielding = true;
    f.yield_until = starts_ + starts_a_yield;
    f.suspended_by_us = true;
    f.context->yield();
    f.suspended_by_us = false;
    if (f.home->abandoned_) f.home->jump_to_exit();
}

} // namespace frond::inline v0::detail
