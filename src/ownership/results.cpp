#include "ownership/results.hpp"

#include "admission/slots.hpp"
#include "ownership/lifecycle.hpp"
#include "scheduler/remote.hpp"

#include <utility>

namespace frond::inline v0::detail {

namespace {

bool is_gated(ResultBuffer const& r) noexcept {
    return r.rules.buffer != unlimited || r.rules.window != unlimited;
}

bool is_head(ResultBuffer const& r, ItemNode const& n) noexcept { return r.items.head == &n; }

bool admits(ResultBuffer const& r, ItemNode const& n) noexcept {
    return (r.unread.get() + r.let_in < r.rules.buffer && r.passing < r.rules.window) || is_head(r, n);
}

void let_in(ResultBuffer& r, ItemNode& n) noexcept {
    n.let_in = true;
    ++r.let_in;
    if (!n.placed) return;
    n.passing = true;
    ++r.passing;
}

void take_back(ResultBuffer& r, ItemNode& n) noexcept {
    if (std::exchange(n.let_in, false)) --r.let_in;
}

void stop_passing(ResultBuffer& r, ItemNode& n) noexcept {
    if (std::exchange(n.passing, false)) --r.passing;
}

/// In the order of their numbers: those held again are older than the others.
void hold(ResultBuffer& r, ItemNode& n) noexcept {
    n.held = true;
    if (n.group->pool) ++n.group->pool->held;
    TaskNode* before = nullptr;
    if (r.held.tail && item_of(*r.held.tail).index > n.index)
        for (before = r.held.head; item_of(*before).index < n.index;) before = before->queue_next;
    r.held.insert(n, before);
}

void insert(ResultBuffer& r, ItemNode& n, ItemNode* before) noexcept {
    n.placed = true;
    r.items.insert(n, before);
}

void remove(ResultBuffer& r, ItemNode& n) noexcept {
    stop_passing(r, n);
    n.placed = false;
    r.items.erase(n);
}

/// The first that may be let in: the reader waits for the head.
ItemNode* next_to_let_in(ResultBuffer& r) noexcept {
    if (r.items.head && r.items.head->held) return r.items.head;
    ItemNode& first = item_of(*r.held.head);
    return admits(r, first) ? &first : nullptr;
}

void let_held_in(Guard& guard, ResultBuffer& r) noexcept {
    if (std::exchange(r.letting_in, true)) return; // placing one has brought us here again
    while (!r.held.empty()) {
        ItemNode* const n = next_to_let_in(r);
        if (!n || (!guard.is_wide() && may_lend(*n))) break; // whoever takes the next result has the locks
        drop_held(r, *n);
        place_late(guard, *n, true);
    }
    r.letting_in = false;
}

} // namespace

void begin_item(GroupCore& g, ItemNode& n) noexcept {
    ResultBuffer& r = *g.results;
    ItemNode* const before = std::exchange(n.item_next, nullptr);
    if (n.is_feeder) return;
    n.index = r.spawned++;
    if (r.rules.order != ItemOrder::completion) insert(r, n, before);
    if (is_gated(r) && !g.pool) n.marks.fetch_or(TaskNode::gated, std::memory_order_relaxed);
}

void add_item(Guard& guard, GroupCore& g, ItemNode& n) noexcept {
    ResultBuffer& r = *g.results;
    g.home->add_object(); // destroy_node takes it off again
    ItemNode* before = std::exchange(n.item_next, nullptr);
    if (before) {
        n.index = before->index;
        if (!before->placed || before->ready) before = nullptr; // that task has ended
    }
    n.ready = true;
    ++r.unread;
    insert(r, n, before);
    after_change(guard, g);
}

void end_item(GroupCore& g, ItemNode& n, TaskState outcome) noexcept {
    ResultBuffer& r = *g.results;
    take_back(r, n);
    if (n.served) --r.served;
    bool yields = false;
    if (outcome == TaskState::done)
        yields = n.is_marked(TaskNode::yields) && !n.is_feeder;
    else if (outcome == TaskState::failed)
        yields = g.on_error != OnError::report;
    else
        yields = r.rules.yields_cancelled && !r.left.load(std::memory_order_relaxed) && !n.is_feeder;
    if (n.is_feeder && outcome == TaskState::cancelled && !r.left.load(std::memory_order_relaxed))
        r.cut = true;
    if (yields) {
        n.ready = true;
        ++r.unread;
        if (!n.placed) insert(r, n, nullptr);
        return;
    }
    if (n.placed) remove(r, n);
    // Not the last one: the task holds its own.
    if (g.shared)
        n.foreign_refs.fetch_sub(1, std::memory_order_acq_rel);
    else if (--n.refs == 0)
        n.refs = n.foreign_refs.exchange(0, std::memory_order_acq_rel);
}

ItemNode* take_item(ResultBuffer& r) noexcept {
    if (!is_readable(r)) return nullptr;
    ItemNode& n = *r.items.head;
    remove(r, n);
    --r.unread;
    return &n;
}

bool let_in_or_hold(ResultBuffer& r, ItemNode& n) noexcept {
    if (n.is_feeder || !is_gated(r)) return true;
    bool const overtakes = !r.letting_in && !r.held.empty() && !is_head(r, n);
    if (overtakes || !admits(r, n)) {
        hold(r, n);
        return false;
    }
    let_in(r, n);
    return true;
}

bool is_still_let_in(ResultBuffer& r, ItemNode& n) noexcept {
    if (!n.let_in || r.unread.get() < r.rules.buffer || is_head(r, n)) return true;
    take_back(r, n);
    stop_passing(r, n);
    hold(r, n);
    return false;
}

void item_begun(Guard& guard, ItemNode& n) noexcept {
    ResultBuffer& r = *n.group->results;
    take_back(r, n);
    if (!r.held.empty()) let_held_in(guard, r);
}

void drop_held(ResultBuffer& r, ItemNode& n) noexcept {
    n.held = false;
    if (n.group->pool) --n.group->pool->held;
    r.held.erase(n);
}

void tell_others(Guard& guard, GroupCore& g) noexcept {
    ResultBuffer& r = *g.results;
    // Before anything is let in: that would take the slot again that a reader was just given.
    while (is_readable(r) && r.readers && !notify(guard, *r.readers, WakeReason::done)) {
    }
    if (!r.held.empty()) let_held_in(guard, r);
    // What has come to stand first is waited for from now on.
    ItemNode* const head = r.items.head;
    if (r.readers && head && !head->ready && head->in_pool_queue) move_up(guard, *head);
    if (r.feeder && has_place(g)) notify(guard, *r.feeder, WakeReason::done);
}

bool is_let_in(TaskNode& t) noexcept { return is_still_let_in(*t.group->results, item_of(t)); }
void has_begun(Guard& guard, TaskNode& t) noexcept { item_begun(guard, item_of(t)); }

/// Of an unbound group, which has no pool that could ask.
bool may_start(TaskNode& t) noexcept {
    Guard guard{*t.home};
    ItemNode& n = item_of(t);
    // Who cancels it leaves it to the run queue: it must not be held again.
    if (t.is_marked(TaskNode::cancelled) || is_still_let_in(*t.group->results, n)) {
        item_begun(guard, n);
        return true;
    }
    t.counted_active = false;
    --t.group->active;
    return false;
}

} // namespace frond::inline v0::detail
