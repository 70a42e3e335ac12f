#include "ownership/lifecycle.hpp"

#include "admission/slots.hpp"
#include "scheduler/remote.hpp"
#include "scheduler/task_extras.hpp"

#include <atomic>
#include <memory>
#include <utility>

namespace frond::inline v0::detail {

namespace {

constexpr std::uint32_t errors_kept_at_most = 64;

TaskError describe_error(TaskNode const& t) {
    return {
        .error = t.error, .id = t.id, .name = std::string{name_of_task(t)}, .spawned_at = t.site, .more = 0};
}

void keep_error(GroupCore& g, TaskNode& t) noexcept {
    if (g.on_error == OnError::report) {
        try {
            report_unhandled(describe_error(t));
        } catch (...) {
            report_unhandled({.error = t.error, .id = t.id, .name = {}, .spawned_at = t.site, .more = 0});
        }
        return;
    }
    if (g.errors_kept == errors_kept_at_most) {
        ++g.errors_dropped;
        return;
    }
    ++g.errors_kept;
    ++t.refs;
    t.in_errors = true;
    g.errors.push_back(t);
}

/// The common end of tasks that ran and tasks that did not.
///
/// The order matters: the slot finds its next holder before anybody is woken, so that nobody is admitted in
/// between; the result is visible before the waiters; the group may die as soon as its joiners run.
void finish(Home& h, TaskNode& t, TaskState outcome, std::exception_ptr const& error) noexcept {
    GroupCore& g = *t.group;
    PoolCore* const p = g.pool;
    g.live.erase(t);
    --g.size;
    --h.live_tasks;
    if (t.counted_active) --g.active;
    bool const group_ended = is_quiescent(g);
    std::construct_at(&t.error, error);
    if (outcome == TaskState::failed) keep_error(g, t);
    t.state.store(outcome, std::memory_order_release);
    if (p) {
        if (t.counted_active) ++p->completed;
        --p->live;
        if (t.has_slot) pass_slot_on(*p, t, group_ended);
    }
    while (t.waiters) notify(h, *t.waiters, WakeReason::done);
    if (outcome == TaskState::failed && g.on_error == OnError::cancel && !group_ended && !g.dropping) {
        g.dropping = true;
        drop_backlog(g);
    }
    if (group_ended) check_quiescence(h, g);
    if (p) {
        pump(*p);
        if (p->live.get() == 0)
            while (p->enders) notify(h, *p->enders, WakeReason::done);
    }
    if (h.live_tasks == 0 && h.last_task_waiter) h.wake(*h.last_task_waiter, WakeReason::done);
    drop_ref_at_home(t);
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
    t.born_ms = h.now_ms;
    ++h.objects;
    ++h.live_tasks;
    ++g.size;
    g.live.push_back(t);
    if (g.pool) {
        ++g.unboosted;
        ++g.pool->live;
    }
}

void count_as_active(TaskNode& t) noexcept {
    t.counted_active = true;
    ++t.group->active;
}

void discard(TaskNode& t) noexcept {
    ++t.home->objects; // destroy_node takes it off again
    t.ops->drop_callable(t);
    std::construct_at(&t.error);
    t.state.store(TaskState::cancelled, std::memory_order_release);
    drop_ref_at_home(t);
}

void task_ended(Home& h, TaskNode& t, TaskState outcome, std::exception_ptr const& error) noexcept {
    finish(h, t, outcome, error);
}

void task_dropped(Home& h, TaskNode& t, TaskState outcome, std::exception_ptr const& error) noexcept {
    if (t.group->pool && !t.boosted) --t.group->unboosted;
    t.ops->drop_callable(t);
    finish(h, t, outcome, error);
}

void drop_backlog(GroupCore& g) noexcept {
    Home& h = *g.home;
    TaskQueue dropped;
    for (TaskNode* t = g.live.head; t; t = t->live_next) {
        if (t->in_pool_queue) {
            dequeue(*g.pool, *t);
            dropped.push_back(*t);
        } else if (t->delayed) {
            t->delayed = false;
            h.timers.disarm(*t->extras);
            dropped.push_back(*t);
        } else if (t->in_run_queue) {
            t->drop = true;
        }
    }
    // Callables may do anything in their destructors, so they die when the lists are in order again.
    while (TaskNode* const t = dropped.pop_front()) task_dropped(h, *t, TaskState::cancelled, nullptr);
}

void check_quiescence(Home& h, GroupCore& g) noexcept {
    if (!is_quiescent(g)) return;
    g.dropping = false;
    if (!g.joiners) return;
    TaskNode* const first = first_error(g);
    std::exception_ptr const error = first ? first->error : nullptr;
    bool seen = false;
    while (g.joiners) {
        bool const throws = !g.joiners->destructor;
        seen = notify(h, *g.joiners, WakeReason::done, error) && throws ? true : seen;
    }
    if (first && seen) forget_error(*first);
}

TaskNode* first_error(GroupCore& g) noexcept {
    for (TaskNode* t = g.errors.head; t; t = t->live_next)
        if (!t->old_error) return t;
    return g.errors.head;
}

std::exception_ptr take_error(GroupCore& g) noexcept {
    TaskNode* const t = first_error(g);
    if (!t) return nullptr;
    std::exception_ptr error = t->error;
    forget_error(*t);
    return error;
}

void forget_error(TaskNode& t) noexcept {
    if (!t.in_errors) return;
    t.in_errors = false;
    t.group->errors.erase(t);
    --t.group->errors_kept;
    drop_ref_at_home(t);
}

std::vector<TaskError> take_errors(GroupCore& g) {
    std::vector<TaskError> all;
    all.reserve(g.errors_kept);
    for (TaskNode* t = g.errors.head; t; t = t->live_next) all.push_back(describe_error(*t));
    while (g.errors.head) forget_error(*g.errors.head);
    if (!all.empty()) all.back().more = std::exchange(g.errors_dropped, 0);
    return all;
}

} // namespace frond::inline v0::detail
