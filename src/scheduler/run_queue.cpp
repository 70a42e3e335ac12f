// What runs next: ready fibers, tasks that can start, the dispatcher.

#include "scheduler/home.hpp"

#include <utility>

namespace frond::inline v0::detail {

void Home::run_first(TaskNode& t) noexcept {
    fifo_.erase(t);
    t.first_of_batch = true;
    local_.push_front(t);
}

void Home::flush_begun_batch() noexcept {
    batch_begun_ = false;
    if (team) state_lock.lock();
    if (!batch_.empty()) { // others may have taken it
        batch_.head->first_of_batch = true;
        local_.splice_front(batch_);
    }
    if (team) state_lock.unlock();
}

void Home::became_ready(Fiber& f) noexcept {
    if (f.kind == FiberKind::dispatcher) {
        dispatcher_ = &f;
    } else if (f.yielding) {
        f.yielding = false;
        f.ready_order = ++fibers_readied_;
        yielded_.push(f);
    } else {
        make_ready(f);
    }
}

bool Home::has_ready_fibers() const noexcept { return !ready_.empty() || !yielded_.empty() || can_start(); }

/// A fiber that yielded comes after those that were ready before it and after `starts_a_yield` starts.
Fiber* Home::pop_ready() noexcept {
    Fiber* const y = yielded_.head;
    bool const yielder_may_go = y && (!can_start() || starts_ >= y->yield_until);
    if (yielder_may_go && (ready_.empty() || y->ready_order < ready_.head->ready_order))
        return &yielded_.pop();
    return ready_.empty() ? nullptr : &ready_.pop();
}

Fiber* Home::take_dispatcher() noexcept {
    Fiber* const d = dispatcher_;
    dispatcher_ = nullptr;
    return d;
}

bool Home::woken_from_outside() const noexcept {
    return !inbox_.looks_empty() || boost_woke_.load(std::memory_order_relaxed);
}

/// Ready fibers come first, which keeps the number of stacks small; every 61st choice starts a task instead,
/// so that neither side starves.
Fiber* Home::choose() noexcept {
    auto*& idle = idle_[default_stack];
    auto const carrier = [&] {
        Fiber& f = *idle;
        idle = f.ready_next;
        if (--idle_count_ < idle_low_) idle_low_ = idle_count_;
        return &f;
    };
    if (can_start() && idle && ++turns_ >= turn_length) {
        turns_ = 0;
        start_one_ = true;
        return carrier();
    }
    if (Fiber* const f = pop_ready()) return f;
    if (can_start() && idle) return carrier();
    // A yielder waits for starts that cannot happen for want of a stack: let it go.
    return yielded_.empty() ? nullptr : &yielded_.pop();
}

Fiber* Home::pick(Fiber& from) noexcept {
    flush_batch();
    Fiber* to;
    if (from.kind == FiberKind::dispatcher) {
        to = pick_for_dispatcher();
    } else {
        bool const turn_is_due = turn_due_ || ++picks_ >= turn_length || woken_from_outside();
        to = turn_is_due && dispatcher_ ? take_dispatcher() : choose();
        if (!to) to = take_dispatcher();
        if (to->kind == FiberKind::dispatcher && from.kind != FiberKind::reactor) reactor_polled_ = false;
    }
    // Only now: a carrier that gives way must not be chosen as the one to go on.
    if (going_idle_) push_idle(*std::exchange(going_idle_, nullptr));
    if (to) running_ = to;
    return to;
}

/// The dispatcher is the one place from which nothing is held: timers, messages and I/O are seen to here.
Fiber* Home::pick_for_dispatcher() noexcept {
    turn();
    if (reactor_fiber_ && !reactor_polled_ && !abandoned_) {
        reactor_polled_ = true;
        return reactor_fiber_;
    }
    Fiber* const to = choose();
    if (to || !reactor_may_sleep_) {
        reactor_may_sleep_ = false;
        return to;
    }
    return reactor_fiber_;
}

void Home::turn() noexcept {
    auto const now = Clock::now();
    turn_began_ = now;
    auto const since_boot = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
    now_ms.store(static_cast<std::uint32_t>(since_boot.count()), std::memory_order_relaxed);
    picks_ = starts_this_turn_ = 0;
    turn_due_ = false;
    boost_woke_.store(false, std::memory_order_relaxed);
    while (Timer* const t = timers.pop_due(now)) t->fire(*t, *this);
    if (!inbox_.looks_empty()) drain(inbox_.take_all());
    flush_batch();
    if (can_start()) ensure_spare();
}

void Home::drain(Message* m) noexcept {
    while (m) {
        Message* const next = m->next;
        m->deliver(*m, *this);
        m = next;
    }
}

} // namespace frond::inline v0::detail
