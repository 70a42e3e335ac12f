// The one way to wait: a Waiter on the fiber's stack, and a suspended context.

#include "scheduler/algorithm.hpp"
#include "scheduler/guard.hpp"
#include "scheduler/stall.hpp"
#include "scheduler/stop_chain.hpp"

#include <boost/fiber/context.hpp>

#include <algorithm>
#include <mutex>
#include <stdexcept>

namespace frond::inline v0::detail {

void Home::throw_may_not_wait() {
    throw std::logic_error("frond: a call that waits inside an I/O handler; spawn a task instead");
}

void Home::park(Waiter& w, Clock::time_point deadline) {
    if (prepare(w, current_fiber(), deadline)) suspend(w);
}

void Home::arm(Waiter& w, Clock::time_point deadline) {
    w.fire = [](Timer& t, Home& h) noexcept {
        auto& waiter = static_cast<Waiter&>(t);
        end_late(h, waiter, waiter.stops ? WakeReason::cancelled : WakeReason::timeout);
    };
    try {
        timers.arm(w, deadline);
    } catch (...) {
        unprepare(w);
        throw;
    }
}

bool Home::prepare_stoppable(Waiter& w, Fiber& f) {
    auto const stop = StopChain::of_running(f).moment();
    if (stop != Clock::time_point::max() && stop <= Clock::now()) {
        w.reason = WakeReason::cancelled;
        unprepare(w);
        return false;
    }
    w.stops = stop <= w.deadline;
    auto const end = std::min(stop, w.deadline);
    if (end != Clock::time_point::max()) arm(w, end);
    return true;
}

void Home::reach(TaskNode& t) noexcept {
    if (is_final(t.state.load(std::memory_order_relaxed))) return;
    Waiter* const w = t.fiber->waiting;
    if (!w || w->shielded) return;
    auto const stop = StopChain::of_suspended(*t.fiber).moment();
    if (stop <= Clock::now()) {
        end_late(*this, *w, WakeReason::cancelled);
    } else if (stop < w->deadline) { // a shield comes to its end
        timers.disarm(*w);
        w->stops = true;
        try {
            arm(*w, stop);
        } catch (std::bad_alloc const&) {
            end_late(*this, *w, WakeReason::cancelled); // better too early than never
        }
    }
}

/// As `context::suspend`, which would ask Boost's scheduler, and that our algorithm, for what is known here.
void Home::give_way(Fiber& running) noexcept { switch_to(*pick(running), running); }

void Home::switch_to(Fiber& next, Fiber& running) noexcept {
    swap_exceptions(running, next);
    next.context->resume();
}

void Home::suspend(Waiter& w) noexcept {
    Fiber& f = *w.fiber;
    f.waiting = &w;
    f.wait_kind.store(w.kind, std::memory_order_relaxed);
    TaskNode* const task = f.task;
    if (task) task->state.store(TaskState::waiting, std::memory_order_release);
    if constexpr (!swaps_exception_state)
        f.exceptions.uncaught = static_cast<unsigned>(std::uncaught_exceptions());
    f.suspended_by_us = true;
    give_way(f);
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
    if (w.lock) {
        {
            std::lock_guard const guard{*w.lock};
            if (!w.list) return;
            w.unlist();
        }
        h.wake(w, reason);
        return;
    }
    if (!w.keeper) {
        h.wake(w, reason);
        return;
    }
    Guard guard{*w.keeper};
    if (w.list) guard.wake(w, reason);
}

void Home::yield() {
    Fiber& f = check_may_wait();
    if (must_stop_now(f)) [[unlikely]]
        throw_cancelled(f);
    Fiber& next = *pick(f); // itself last, by way of the dispatcher
    f.wait_for_starts(starts_ + starts_a_yield, ++fibers_readied_);
    yielded_.push(f);
    f.suspended_by_us = true;
    switch_to(next, f);
    f.suspended_by_us = false;
    if (f.home->abandoned_) f.home->jump_to_exit();
}

} // namespace frond::inline v0::detail
