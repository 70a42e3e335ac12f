// The one way to wait: a Waiter on the fiber's stack, and a suspended context.

#include "scheduler/algorithm.hpp"
#include "scheduler/home.hpp"
#include "scheduler/stall.hpp"

#include <boost/fiber/context.hpp>

#include <stdexcept>

namespace frond::inline v0::detail {

Fiber& Home::current_fiber() const noexcept { return *fiber_of(*boost::fibers::context::active()); }

bool Home::may_wait() const noexcept {
    auto const kind = current_fiber().kind;
    return kind != FiberKind::reactor && kind != FiberKind::dispatcher;
}

void Home::check_may_wait() const {
    if (!may_wait())
        throw std::logic_error("frond: a call that waits inside an I/O handler; spawn a task instead");
}

void Home::park(Waiter& w, Clock::time_point deadline) {
    Fiber& f = current_fiber();
    w.fiber = &f;
    if (deadline != Clock::time_point::max()) {
        w.fire = [](Timer& t, Home& h) noexcept { h.wake(static_cast<Waiter&>(t), WakeReason::timeout); };
        try {
            timers.arm(w, deadline);
        } catch (...) {
            w.unlist();
            throw;
        }
    }
    f.waiting = &w;
    TaskNode* const task = f.task;
    if (task) task->state.store(TaskState::waiting, std::memory_order_relaxed);
    f.suspended_by_us = true;
    f.context->suspend();
    f.suspended_by_us = false;
    if (f.home->abandoned_) f.home->jump_to_exit();
    if (task) task->state.store(TaskState::running, std::memory_order_relaxed);
}

void Home::wake(Waiter& w, WakeReason reason) noexcept {
    timers.disarm(w);
    w.unlist();
    w.reason = reason;
    w.fiber->waiting = nullptr;
    make_ready(*w.fiber);
    TaskNode* const task = w.fiber->task;
    if (task && task->lent) reclaim_slot(*task);
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
