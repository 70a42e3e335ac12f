#include "ownership/lifecycle.hpp"

#include "admission/slots.hpp"
#include "ownership/results.hpp"
#include "scheduler/remote.hpp"
#include "scheduler/task_extras.hpp"

#include <atomic>
#include <memory>
#include <utility>

namespace frond::inline v0::detail {

namespace {

constexpr std::uint32_t errors_kept_at_most = 64;

void drop_callable(TaskNode& t) noexcept {
    t.ops->drop_callable(t);
    if (extras_if_any(t)) drop_values(t);
}

/// A timer is disarmed on its own thread, and the task ends there.
void drop_delayed(Guard& guard, TaskNode& t) noexcept {
    TaskExtras& x = *extras_if_any(t);
    if (x.arming) return; // it ends when that message comes
    if (x.timer_home->is_here()) {
        x.timer_home->timers.disarm(x);
        guard.drop_unstarted(t);
        return;
    }
    x.deliver = [](Message& m, Home& h) noexcept {
        auto& extras = static_cast<TaskExtras&>(m);
        h.timers.disarm(extras);
        task_dropped(*extras.task, TaskState::cancelled, nullptr);
    };
    x.timer_home->post(x);
}

void keep_error(GroupCore& g, TaskNode& t) noexcept {
    if (g.errors_kept == errors_kept_at_most) {
        ++g.errors_dropped;
        return;
    }
    ++g.errors_kept;
    if (g.shared)
        t.foreign_refs.fetch_add(1, std::memory_order_relaxed);
    else
        ++t.refs;
    t.in_errors = true;
    g.errors.push_back(t);
}

/// Whether the end of a task of `g` may concern more than its own home: who has lent a slot, or will for a
/// task that is let in, or waits for the end of a whole runtime, is found elsewhere.
bool ends_widely(Home const& h, GroupCore const& g) noexcept {
    return (g.pool && (g.pool->lent.get() > 0 || g.pool->submitters || g.pool->held > 0)) ||
           h.state.load(std::memory_order_relaxed) != HomeState::live;
}

void last_task_ended(Guard& guard) noexcept {
    Home& h = guard.home;
    if (h.last_task_waiter && h.is_here()) h.wake(*h.last_task_waiter, WakeReason::done);
    if (!h.team || !guard.is_wide() || h.team->live_tasks() != 0) return;
    while (h.team->enders) notify(guard, *h.team->enders, WakeReason::done);
}

/// A member that has cancelled the others is left alone.
void check_others(Guard& guard, GroupCore& g) noexcept {
    if (g.size.get() > 1 || g.incoming.load(std::memory_order_acquire) != 0) return;
    while (g.cancellers) notify(guard, *g.cancellers, WakeReason::done);
}

/// A task that never ran has no exception to tell why.
std::exception_ptr with_reason(TaskNode const& t) noexcept {
    Guard const guard{*t.home};
    if (t.group->cancel_reason.empty()) return nullptr;
    try {
        return std::make_exception_ptr(Cancelled{t.group->cancel_reason});
    } catch (...) {
        return nullptr; // for want of memory it goes without
    }
}

/// What is to come after `t` gets its slot, unless somebody who waits for `t` has lent one, or the pool is
/// above its limit: then it is first in line. Nothing is admitted in between.
void start_follower(Guard& guard, TaskNode& t) noexcept {
    TaskNode* const next = std::exchange(extras_if_any(t)->follower, nullptr);
    if (!next) return;
    extras_if_any(*next)->before = nullptr;
    PoolCore* const p = t.group->pool;
    if (p && t.has_slot && p->active.get() <= p->limit.get() && !has_lender(guard, *p, t.waiters)) {
        t.has_slot = false;
        next->has_slot = next->counted_active = true;
        ++next->group->active;
        ++p->admitted;
        guard.make_runnable(*next, true);
    } else {
        place_late(guard, *next, false);
    }
    move_up(guard, *next);
}

/// The common end of tasks that ran and tasks that did not.
///
/// The order matters: the slot finds its next holder before anybody is woken, so that nobody is admitted in
/// between; the result is visible before the waiters; the group may die as soon as its joiners run.
/// Nobody but the task holds its exception once others may see it: they let go of it before they let go of
/// the task.
void finish(TaskNode& t, TaskState outcome, std::exception_ptr error) noexcept {
    Home& h = *t.home;
    GroupCore& g = *t.group;
    bool const failed = outcome == TaskState::failed;
    if (failed && g.on_error == OnError::report) report_unhandled(describe_error(t, error));
    {
        Guard guard{h};
        bool const stops_others = failed && g.on_error == OnError::cancel;
        if (g.shared && (stops_others || ends_widely(h, g) || t.is_marked(TaskNode::continued) ||
                         has_held(g))) [[unlikely]]
            guard.widen();
        PoolCore* const p = g.pool;
        g.live.erase(t);
        --g.size;
        --h.live_tasks;
        if (t.counted_active) --g.active;
        bool const group_ended = is_quiescent(g);
        std::construct_at(&t.error, std::move(error));
        if (g.results)
            end_item(g, item_of(t), outcome);
        else if (failed && g.on_error != OnError::report)
            keep_error(g, t);
        t.state.store(outcome, std::memory_order_release);
        if (t.is_marked(TaskNode::continued)) [[unlikely]]
            start_follower(guard, t);
        if (p) {
            if (t.counted_active && needs_slot(t)) ++p->completed;
            --p->live;
            if (t.has_slot) pass_slot_on(guard, *p, t, group_ended);
        }
        while (t.waiters) notify(guard, *t.waiters, WakeReason::done);
        if (stops_others && !group_ended && (!g.cancelled || g.spares)) cancel_tasks(guard, g);
        if (g.results) after_change(guard, g);
        if (has_no_tasks(g) || g.cancellers) check_quiescence(guard, g);
        if (p) {
            pump(guard, *p);
            if (p->live.get() == 0)
                while (p->enders) notify(guard, *p->enders, WakeReason::done);
        }
        if (h.live_tasks == 0) [[unlikely]]
            last_task_ended(guard);
    }
    drop_own_ref(t);
}

} // namespace

std::uint64_t next_task_id() noexcept {
    static std::atomic<std::uint64_t> blocks{0};
    constexpr std::uint64_t block = 1024;
    thread_local std::uint64_t next = 0;
    thread_local std::uint64_t end = 0;
    if (next == end) {
        next = blocks.fetch_add(block, std::memory_order_relaxed) + 1;
        end = next + block;
    }
    return next++;
}

void begin_life(TaskNode& t) noexcept {
    GroupCore& g = *t.group;
    Home& h = *g.home;
    if (g.size.get() == 0 && !g.errors.empty())
        for (TaskNode* e = g.errors.head; e; e = e->live_next) e->old_error = true;
    if (t.id == 0) t.id = next_task_id();
    t.born_ms = (g.shared && this_home ? *this_home : h).now_ms.load(std::memory_order_relaxed);
    h.add_object();
    ++h.live_tasks;
    ++g.size;
    g.live.push_back(t);
    if (g.results) [[unlikely]]
        begin_item(g, item_of(t));
    if (g.pool) {
        g.unboosted.add(g.shared);
        ++g.pool->live;
        if (g.pool->task_timeout != forever && needs_slot(t))
            t.marks.fetch_or(TaskNode::limited, std::memory_order_relaxed);
    }
}

TaskError describe_error(TaskNode const& t, std::exception_ptr error) noexcept {
    TaskError e{.error = std::move(error), .id = t.id, .name = {}, .spawned_at = t.site, .more = 0};
    try {
        e.name = name_of_task(t);
    } catch (...) {
        e.name.clear(); // for want of memory the report does without
    }
    return e;
}

void count_as_active(TaskNode& t) noexcept {
    t.counted_active = true;
    ++t.group->active;
}

void discard(TaskNode& t) noexcept {
    t.home->add_object(); // destroy_node takes it off again
    drop_callable(t);
    std::construct_at(&t.error);
    t.state.store(TaskState::cancelled, std::memory_order_release);
    drop_own_ref(t);
}

void task_ended(TaskNode& t, TaskState outcome, std::exception_ptr error) noexcept {
    finish(t, outcome, std::move(error));
}

void task_dropped(TaskNode& t, TaskState outcome, std::exception_ptr error) noexcept {
    if (t.group->pool && !t.boosted) t.group->unboosted.take(t.group->shared);
    drop_callable(t);
    finish(t, outcome, outcome == TaskState::cancelled ? with_reason(t) : std::move(error));
}

/// First the mark, then the look at its state: see Home::announce_wait.
void cancel_task(Guard& guard, TaskNode& t) noexcept {
    if ((t.marks.fetch_or(TaskNode::cancelled, std::memory_order_seq_cst) & TaskNode::cancelled) != 0) return;
    if (is_continuation(t) && t.state.load(std::memory_order_relaxed) == TaskState::queued) {
        // It will run whatever comes, to see that its source was cancelled. A chain may be long: no
        // recursion. Where nothing comes before it any more it may be about to start on another thread, and
        // then the handle to its source dies with its callable.
        TaskNode* next = &t;
        while (extras_if_any(*next)->before) {
            TaskNode* const source = extras_if_any(*next)->source;
            auto const state = source->state.load(std::memory_order_relaxed);
            if (is_final(state)) return;
            if (!is_continuation(*source) || state != TaskState::queued) return cancel_task(guard, *source);
            auto const marks = source->marks.fetch_or(TaskNode::cancelled, std::memory_order_seq_cst);
            if ((marks & TaskNode::cancelled) != 0) return;
            next = source;
        }
        return;
    }
    if (t.group->results && item_of(t).held) {
        drop_held(*t.group->results, item_of(t));
        guard.drop_unstarted(t);
        return;
    }
    if (t.in_pool_queue) {
        dequeue(*t.group->pool, t);
        guard.drop_unstarted(t);
    } else if (t.delayed) {
        t.delayed = false;
        drop_delayed(guard, t);
    } else if (t.state.load(std::memory_order_seq_cst) != TaskState::queued) {
        // What it waits for may come before the news arrives on its thread: with all locks it cannot.
        Waiter* const w = guard.home.team && guard.is_wide() ? t.fiber->task_wait : nullptr;
        if (w && w->list && !w->exempt) guard.wake(*w, WakeReason::cancelled);
        guard.stop(t);
    } // else it is in a run queue: who takes it out finds the mark
}

std::size_t cancel_tasks(Guard& guard, GroupCore& g, TaskNode const* spared) noexcept {
    std::size_t reached = g.incoming.load(std::memory_order_acquire);
    g.cancelled = true;
    g.spares = spared != nullptr;
    for (TaskNode* t = g.live.head; t; t = t->live_next) {
        if (t == spared) continue;
        ++reached;
        cancel_task(guard, *t);
    }
    auto const is_ours = [&](Waiter& w) {
        if (w.cargo->group != &g) return false;
        w.unlist();
        let_in(guard, *w.cargo); // only to end cancelled
        notify(guard, w, WakeReason::done);
        return true;
    };
    while (g.pool && any_waiter(g.pool->submitters, is_ours)) ++reached;
    return reached;
}

std::size_t cancel_group(Guard& guard, GroupCore& g, std::string_view reason,
                         TaskNode const* spared) noexcept {
    guard.widen();
    bool const for_good = g.stopped || g.expired;
    if (!for_good && has_no_tasks(g) && !(g.pool && g.pool->submitters)) return 0;
    if (!g.cancelled) {
        try {
            g.cancel_reason = reason;
        } catch (...) {
            g.cancel_reason.clear(); // for want of memory it goes without
        }
    }
    auto const reached = cancel_tasks(guard, g, spared);
    if (has_no_tasks(g)) g.cancelled = for_good; // nothing but submitters
    return reached;
}

/// What is on its way counts as incoming, so that the group outlives it.
void request_cancel(GroupCore& g, std::string_view reason, bool for_good) noexcept {
    Home& h = *g.home;
    if (h.state.load(std::memory_order_acquire) == HomeState::forked) return;
    if (h.is_reachable()) {
        Guard guard{h};
        if (for_good) g.stopped = true;
        cancel_group(guard, g, reason);
        return;
    }
    g.incoming.fetch_add(1, std::memory_order_relaxed);
    bool is_sent = false;
    try {
        is_sent = send_to(h, [&g, text = std::string{reason}, for_good](Guard& guard) {
            g.incoming.fetch_sub(1, std::memory_order_relaxed);
            if (for_good) g.stopped = true;
            cancel_group(guard, g, text);
            check_quiescence(guard, g);
        });
    } catch (...) { // no memory for the text
        is_sent = false;
    }
    if (!is_sent) g.incoming.fetch_sub(1, std::memory_order_relaxed);
}

void check_quiescence(Guard& guard, GroupCore& g) noexcept {
    if (!has_no_tasks(g)) {
        if (g.cancellers) check_others(guard, g);
        return;
    }
    g.cancelled = g.stopped || g.expired;
    if (!g.cancelled && !g.cancel_reason.empty()) g.cancel_reason.clear();
    if (!is_quiescent(g)) {
        // Who cancels waits for tasks, and not for holds.
        while (any_waiter(g.joiners, [&](Waiter& w) {
            bool const cancels = w.cancels;
            if (cancels) notify(guard, w, WakeReason::done);
            return cancels;
        })) {
        }
        return;
    }
    if (g.results)
        while (g.results->readers) notify(guard, *g.results->readers, WakeReason::done);
    if (!g.joiners) return;
    std::exception_ptr const error = next_error(guard, g);
    bool seen = false;
    while (g.joiners) {
        bool const throws = !g.joiners->blind;
        seen = notify(guard, *g.joiners, WakeReason::done, error) && throws ? true : seen;
    }
    if (error && seen) forget_next_error(guard, g);
}

TaskNode* first_error(GroupCore& g) noexcept {
    for (TaskNode* t = g.errors.head; t; t = t->live_next)
        if (!t->old_error) return t;
    return g.errors.head;
}

std::exception_ptr group_timeout() noexcept {
    return std::make_exception_ptr(TimedOut{"frond: the group's deadline has passed"});
}

std::exception_ptr next_error(Guard& guard, GroupCore& g) noexcept {
    if (g.timed_out) return group_timeout();
    forget_seen(guard, g);
    TaskNode* const t = first_error(g);
    return t ? t->error : nullptr;
}

void forget_next_error(Guard& guard, GroupCore& g) noexcept {
    if (!std::exchange(g.timed_out, false)) forget_error(guard, *first_error(g));
}

std::exception_ptr take_error(Guard& guard, GroupCore& g) noexcept {
    std::exception_ptr error = next_error(guard, g);
    if (error) forget_next_error(guard, g);
    return error;
}

void forget_error(Guard& guard, TaskNode& t) noexcept {
    if (!t.in_errors) return;
    t.in_errors = false;
    t.group->errors.erase(t);
    --t.group->errors_kept;
    guard.bury(t);
}

void forget_seen(Guard& guard, GroupCore& g) noexcept {
    for (TaskNode* t = g.errors.head; t;) {
        TaskNode& each = *std::exchange(t, t->live_next);
        if (each.is_marked(TaskNode::taken)) forget_error(guard, each);
    }
}

std::vector<TaskError> take_errors(Guard& guard, GroupCore& g) {
    forget_seen(guard, g);
    std::vector<TaskError> all;
    all.reserve(g.errors_kept);
    for (TaskNode* t = g.errors.head; t; t = t->live_next) all.push_back(describe_error(*t, t->error));
    while (g.errors.head) forget_error(guard, *g.errors.head);
    if (!all.empty()) all.back().more = std::exchange(g.errors_dropped, 0);
    return all;
}

} // namespace frond::inline v0::detail
