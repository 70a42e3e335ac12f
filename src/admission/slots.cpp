#include "admission/slots.hpp"

#include "admission/wait_graph.hpp"
#include "scheduler/remote.hpp"
#include "scheduler/task_extras.hpp"

#include <frond/detail/result_buffer.hpp>

namespace frond::inline v0::detail {

namespace {

TaskQueue& queue_for(PoolCore& p, TaskNode const& t) noexcept {
    return p.order == Order::priority ? p.queues.find(priority_of(t))->second : p.queues.begin()->second;
}

TaskNode* front(PoolCore& p) noexcept {
    if (p.queued.get() == 0) return nullptr;
    for (auto& [priority, queue] : p.queues)
        if (!queue.empty()) return queue.head;
    return nullptr;
}

/// Only a lender that goes on can pass the limit; lowering the limit below what runs is no overdraft.
void note_overdraft(PoolCore& p) noexcept {
    p.active_peak.raise_to(p.active.get());
    if (p.active.get() > p.limit.get()) p.overdraft_peak.raise_to(p.active.get() - p.limit.get());
}

bool is_lender(PoolCore const& p, TaskNode const& t) noexcept { return t.group->pool == &p && t.lent; }

void give_slot(PoolCore& p, TaskNode& lender) noexcept {
    lender.lent = false;
    lender.has_slot = true;
    --p.lent;
}

bool has_lent(Guard const& guard, PoolCore const& p, Waiter const& w) noexcept {
    return is_waiting_fellow(guard.home, w) && is_lender(p, *w.fiber->task);
}

TaskNode* lender_among(Guard const& guard, PoolCore const& p, Waiter* waiters) noexcept {
    TaskNode* lender = nullptr;
    any_waiter(waiters, [&](Waiter& w) {
        if (has_lent(guard, p, w)) lender = w.fiber->task;
        return lender != nullptr;
    });
    return lender;
}

bool give_to_lender_among(Guard const& guard, PoolCore& p, Waiter* waiters) noexcept {
    TaskNode* const lender = lender_among(guard, p, waiters);
    if (lender) give_slot(p, *lender);
    return lender != nullptr;
}

/// Those who read results of the group, if the end of one of its tasks lets them go on.
Waiter* served_readers(GroupCore const& g, bool group_ended) noexcept {
    return g.results && (group_ended || is_readable(*g.results)) ? g.results->readers : nullptr;
}

/// Only the first of those who read gets the next result: another one would wait on, with a slot that what it
/// waits for may need.
bool give_to_first(Guard const& guard, PoolCore& p, Waiter const* readers) noexcept {
    if (!readers || !has_lent(guard, p, *readers)) return false;
    give_slot(p, *readers->fiber->task);
    return true;
}

/// Who reads what a relay yields goes on as soon as what the relay waits for has ended.
bool give_to_reader_of_relay(Guard const& guard, PoolCore& p, Waiter* waiters) noexcept {
    return any_waiter(waiters, [&](Waiter& w) {
        if (!is_waiting_fellow(guard.home, w)) return false;
        ResultBuffer* const r = w.fiber->task->group->results;
        if (!r || !r->rules.relays) return false;
        auto& relay = static_cast<ItemNode&>(*w.fiber->task);
        if (relay.is_feeder || !give_to_first(guard, p, r->readers)) return false;
        relay.served = true;
        ++r->served;
        return true;
    });
}

/// A lender above whoever waited for `ended` whose own wait needs no slot any more.
TaskNode* lender_further_up(Guard const& guard, PoolCore& p, TaskNode& ended, bool group_ended) noexcept {
    WalkUp walk{guard};
    walk.add_all(ended.waiters);
    if (group_ended) walk.add_all(ended.group->joiners);
    walk.add_all(served_readers(*ended.group, group_ended));
    while (TaskNode* const t = walk.next())
        if (is_lender(p, *t) && !needs_slot_of(guard, p, *t->fiber->task_wait)) return t;
    return nullptr;
}

/// Its spawn has failed: the task must not start, though the news of that is still on its way.
bool has_given_up(Waiter const& w) noexcept {
    return w.remote && w.remote->state.load(std::memory_order_acquire) == RemoteWait::State::abandoned;
}

} // namespace

bool has_lender(Guard const& guard, PoolCore const& p, Waiter* waiters) noexcept {
    return lender_among(guard, p, waiters) != nullptr;
}

void admit(Guard& guard, PoolCore& p, TaskNode& t) noexcept {
    t.has_slot = true;
    t.counted_active = true;
    ++t.group->active;
    ++p.active;
    ++p.admitted;
    p.active_peak.raise_to(p.active.get());
    guard.make_runnable(t, true);
    if (t.group->results && static_cast<ItemNode&>(t).let_in) has_begun(guard, t);
    while (any_waiter(t.waiters, [&](Waiter& w) {
        if (w.kind != WaitKind::admission) return false;
        if (has_given_up(w)) t.marks.fetch_or(TaskNode::cancelled, std::memory_order_relaxed);
        notify(guard, w, WakeReason::done);
        return true;
    })) {
    }
}

void reserve_queue(PoolCore& p, TaskNode const& t) {
    if (p.order == Order::priority) p.queues.try_emplace(priority_of(t));
}

void enqueue(PoolCore& p, TaskNode& t) noexcept {
    auto& queue = queue_for(p, t);
    p.order == Order::newest ? queue.push_front(t) : queue.push_back(t);
    t.in_pool_queue = true;
    ++t.group->queued;
    ++p.queued;
    p.pending_peak.raise_to(p.queued.get());
}

void dequeue(PoolCore& p, TaskNode& t) noexcept {
    if (p.order == Order::priority) {
        auto const q = p.queues.find(priority_of(t));
        q->second.erase(t);
        if (q->second.empty()) p.queues.erase(q);
    } else {
        p.queues.begin()->second.erase(t);
    }
    t.in_pool_queue = false;
    --t.group->queued;
    --p.queued;
}

void pump(Guard& guard, PoolCore& p) noexcept {
    while (p.active.get() < p.limit.get()) {
        TaskNode* const t = front(p);
        if (!t) break;
        dequeue(p, *t);
        if (!t->group->results || is_let_in(*t)) admit(guard, p, *t);
    }
    while (p.submitters && has_room(p)) {
        Waiter& w = *p.submitters;
        w.unlist(); // letting it in may lend a slot, and so come here again
        if (has_given_up(w)) w.cargo->marks.fetch_or(TaskNode::cancelled, std::memory_order_relaxed);
        let_in(guard, *w.cargo);
        notify(guard, w, WakeReason::done);
    }
    while (p.slot_watchers && has_free_slot(p)) notify(guard, *p.slot_watchers, WakeReason::done);
}

void lend_slot(Guard& guard, TaskNode& t) noexcept {
    PoolCore& p = *t.group->pool;
    t.has_slot = false;
    t.lent = true;
    ++p.lent;
    --p.active;
    pump(guard, p);
}

void reclaim_slot(TaskNode& t) noexcept {
    PoolCore& p = *t.group->pool;
    give_slot(p, t);
    ++p.active;
    note_overdraft(p);
}

void give_slot_back(Guard& guard, TaskNode& t) noexcept {
    PoolCore& p = *t.group->pool;
    t.has_slot = false;
    --p.active;
    pump(guard, p);
}

void take_slot_again(TaskNode& t) noexcept {
    PoolCore& p = *t.group->pool;
    t.has_slot = true;
    ++p.active;
    note_overdraft(p);
}

void pass_slot_on(Guard& guard, PoolCore& p, TaskNode& ended, bool group_ended) noexcept {
    ended.has_slot = false;
    if (p.lent.get() > 0) {
        if (give_to_lender_among(guard, p, ended.waiters)) return;
        if (give_to_reader_of_relay(guard, p, ended.waiters)) return;
        if (group_ended && give_to_lender_among(guard, p, ended.group->joiners)) return;
        Waiter* const readers = served_readers(*ended.group, group_ended);
        if (group_ended ? give_to_lender_among(guard, p, readers) : give_to_first(guard, p, readers)) return;
        if (TaskNode* const t = lender_further_up(guard, p, ended, group_ended)) {
            give_slot(p, *t);
            return;
        }
    }
    --p.active;
}

void move_up(Guard const& guard, TaskNode& t) noexcept {
    if (t.boosted || !t.group->pool) return;
    if (t.in_pool_queue) {
        auto& queue = queue_for(*t.group->pool, t);
        queue.erase(t);
        queue.push_front(t);
    } else if (t.in_run_queue) {
        (guard.home.team ? *t.queued_at : guard.home).run_first(t);
    } else {
        return;
    }
    t.boosted = true;
    t.group->unboosted.take(t.group->shared);
}

/// Backwards, so that the order among them stays. A pool whose whole queue belongs to the group has nothing
/// to reorder, and an outsider gains nothing by starting some admitted tasks before others.
void move_up(Guard const& guard, GroupCore& g, bool from_member) noexcept {
    if (!g.pool || g.unboosted.get() == 0) return;
    if (!from_member && g.pool->queued.get() == g.queued) return;
    for (TaskNode* t = g.live.tail; t && g.unboosted.get() > 0; t = t->live_prev) move_up(guard, *t);
}

} // namespace frond::inline v0::detail
