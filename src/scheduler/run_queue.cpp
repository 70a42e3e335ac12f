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
    } else {
        make_ready(f);
    }
}

bool Home::has_ready_fibers() const noexcept {
    return !ready_.empty() || !yielded_.empty() || !patient_.empty() || can_start();
}

/// In the order in which they became ready; but a fiber that yielded, or whose wait is patient, after as many
/// starts as it waits for.
Fiber* Home::pop_ready() noexcept {
    if (yielded_.empty() && patient_.empty()) return ready_.empty() ? nullptr : &ready_.pop();
    FiberQueue* first = ready_.empty() ? nullptr : &ready_;
    for (FiberQueue* const q : {&yielded_, &patient_}) {
        Fiber const* const f = q->head;
        if (!f || (can_start() && starts_ < f->yield_until)) continue;
        if (!first || f->ready_order < first->head->ready_order) first = q;
    }
    return first ? &first->pop() : nullptr;
}

bool Home::is_anybody_ready() const noexcept {
    auto const is_due = [this](FiberQueue const& q) { return !q.empty() && starts_ >= q.head->yield_until; };
    return !ready_.empty() || is_due(yielded_) || is_due(patient_);
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
    // These wait for starts that cannot happen for want of a stack: let them go.
    for (FiberQueue* const q : {&patient_, &yielded_})
        if (!q->empty()) return &q->pop();
    return nullptr;
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
    if (!patient_.empty()) patient_.head->yield_until = starts_; // its patience is at most a turn's
    boost_woke_.store(false, std::memory_order_relaxed);
    while (Timer* const t = timers.pop_due(now)) t->fire(*t, *this);
    hear();
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
