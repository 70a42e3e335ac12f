#include "admission/wait_graph.hpp"

#include "admission/slots.hpp"
#include "scheduler/stall.hpp"

#include <frond/errors.hpp>

namespace frond::inline v0::detail {

namespace {

TaskNode& task_target(Waiter const& w) noexcept {
    return *static_cast<TaskNode*>(const_cast<void*>(w.target));
}
GroupCore& group_target(Waiter const& w) noexcept {
    return *static_cast<GroupCore*>(const_cast<void*>(w.target));
}
PoolCore& pool_target(Waiter const& w) noexcept {
    return *static_cast<PoolCore*>(const_cast<void*>(w.target));
}

bool waits_for_tasks(WaitKind k) noexcept {
    return k == WaitKind::task || k == WaitKind::admission || k == WaitKind::group ||
           k == WaitKind::backlog || k == WaitKind::pool_end;
}

/// Whether the end of `t` is part of what `w` waits for.
bool covers(Waiter const& w, TaskNode const& t) noexcept {
    switch (w.kind) {
    case WaitKind::task:
    case WaitKind::admission:
        return &task_target(w) == &t;
    case WaitKind::group:
        return &group_target(w) == t.group;
    case WaitKind::pool_end:
        return &pool_target(w) == t.group->pool;
    default:
        return false;
    }
}

bool is_waiting_for_tasks(TaskNode const& t) noexcept {
    auto const s = t.state.load(std::memory_order_relaxed);
    return s == TaskState::waiting && t.fiber->waiting && waits_for_tasks(t.fiber->waiting->kind);
}

/// Whether anybody in what `w` waits for waits in turn: without that there is no circle and no chain.
bool has_further_waits(Waiter const& w) noexcept {
    switch (w.kind) {
    case WaitKind::task:
        return is_waiting_for_tasks(task_target(w));
    case WaitKind::group:
        return group_target(w).waiting_members > 0;
    case WaitKind::pool_end:
        return true;
    default:
        return false;
    }
}

bool closes_circle(Home& h, Waiter const& w, TaskNode& me) noexcept {
    if (w.kind == WaitKind::admission) return false;
    if (covers(w, me)) return true;
    if (!has_further_waits(w)) return false;
    WalkUp walk{h};
    walk.add_waiters_of(me);
    while (TaskNode* const t = walk.next())
        if (covers(w, *t)) return true;
    return false;
}

/// The pool in which tasks that `w` waits for are queued; nullptr: none is.
PoolCore* pool_with_queued(Waiter const& w) noexcept {
    switch (w.kind) {
    case WaitKind::task:
    case WaitKind::admission:
        return task_target(w).in_pool_queue ? task_target(w).group->pool : nullptr;
    case WaitKind::group:
        return group_target(w).queued > 0 ? group_target(w).pool : nullptr;
    case WaitKind::backlog:
        return has_room(pool_target(w)) ? nullptr : &pool_target(w);
    case WaitKind::pool_end:
        return pool_target(w).queued.get() > 0 ? &pool_target(w) : nullptr;
    default:
        return nullptr;
    }
}

void lend_up(PoolCore& p, Waiter const& w, TaskNode& me) noexcept {
    auto const lend_if_holder = [&](TaskNode& t) {
        if (t.has_slot && t.group->pool == &p) lend_slot(t);
    };
    lend_if_holder(me);
    WalkUp walk{*me.home};
    walk.add_waiters_of(me);
    while (pool_with_queued(w) == &p) {
        TaskNode* const t = walk.next();
        if (!t) break;
        lend_if_holder(*t);
    }
}

/// Visits what a wait depends on, downwards.
class WalkDown {
public:
    /// Looks for what is queued in `p`; nullptr: in any pool.
    WalkDown(Home& h, PoolCore* p) noexcept : mark_{++h.walks}, pool_{p} {}

    /// @return whether it was met
    bool visit(Waiter const& w) noexcept {
        if (visit_target(w)) return true;
        while (Fiber* const f = todo_) {
            todo_ = f->down.next;
            if (visit_target(*f->waiting)) return true;
        }
        return false;
    }

private:
    bool visit_target(Waiter const& w) noexcept {
        if (PoolCore* const p = pool_with_queued(w); p && (!pool_ || p == pool_)) return true;
        switch (w.kind) {
        case WaitKind::task:
            add(task_target(w));
            break;
        case WaitKind::group:
            add_all(group_target(w));
            break;
        case WaitKind::pool_end:
            for (GroupCore* g = pool_target(w).groups.head; g; g = g->pool_next) add_all(*g);
            break;
        default:
            break;
        }
        return false;
    }
    void add_all(GroupCore& g) noexcept {
        if (g.waiting_members == 0 || g.walk_mark == mark_) return;
        g.walk_mark = mark_;
        for (TaskNode* t = g.live.head; t; t = t->live_next) add(*t);
    }
    void add(TaskNode& t) noexcept {
        if (!is_waiting_for_tasks(t) || t.fiber->down.mark == mark_) return;
        t.fiber->down.mark = mark_;
        t.fiber->down.next = todo_;
        todo_ = t.fiber;
    }

    std::uint64_t mark_;
    PoolCore* pool_;
    Fiber* todo_ = nullptr;
};

/// What waits below may need slots of several pools, and their holders stand anywhere above.
void lend_up_for_chain(Waiter const& w, TaskNode& me) noexcept {
    auto const lend_if_needed = [&](TaskNode& t) {
        if (t.has_slot && t.group->pool->queued.get() > 0 && needs_slot_of(*t.group->pool, w)) lend_slot(t);
    };
    lend_if_needed(me);
    WalkUp walk{*me.home};
    walk.add_waiters_of(me);
    while (TaskNode* const t = walk.next()) lend_if_needed(*t);
}

} // namespace

void WalkUp::add(Fiber& f) noexcept {
    if (f.up.mark == mark_) return;
    f.up.mark = mark_;
    f.up.next = todo_;
    todo_ = &f;
}

void WalkUp::add_waiters_of(TaskNode& t) noexcept {
    add_all(t.waiters);
    GroupCore& g = *t.group;
    if (g.walk_mark == mark_) return;
    g.walk_mark = mark_;
    add_all(g.joiners);
    if (g.pool) add_all(g.pool->enders);
}

TaskNode* WalkUp::next() noexcept {
    Fiber* const f = todo_;
    if (!f) return nullptr;
    todo_ = f->up.next;
    add_waiters_of(*f->task);
    return f->task;
}

bool needs_slot_of(PoolCore& p, Waiter const& w) noexcept { return WalkDown{*p.own->home, &p}.visit(w); }

void prepare_wait(Home& h, Waiter& w, TaskNode* me, bool moves_up) {
    if (me && closes_circle(h, w, *me))
        throw Deadlock("frond: this wait closes a circle: the task waits for its own end\n" + wait_graph());
    if (moves_up) {
        if (w.kind == WaitKind::group)
            move_up(group_target(w), me && me->group->pool == group_target(w).pool);
        else if (w.kind == WaitKind::task || w.kind == WaitKind::admission)
            move_up(task_target(w));
    }
    if (!me) return;
    if (has_further_waits(w))
        lend_up_for_chain(w, *me);
    else if (PoolCore* const p = pool_with_queued(w))
        lend_up(*p, w, *me);
}

void wait_for_tasks(Home& h, Waiter& w, Waiter*& list, TaskNode* me, Clock::time_point deadline) {
    // Counted among its group's waiting members: the walks look no further where that is zero.
    struct MemberWaits {
        TaskNode* me;
        explicit MemberWaits(TaskNode* t) noexcept : me{t} {
            if (me) ++me->group->waiting_members;
        }
        ~MemberWaits() {
            if (me) --me->group->waiting_members;
        }
    } const counted{me};
    w.enlist(list);
    h.park(w, deadline);
}

bool lend_crosswise(Home& h) noexcept {
    for (GroupCore* g = h.groups.head; g; g = g->home_next) {
        if (!g->pool || g->pool->queued.get() == 0 || g->waiting_members == 0) continue;
        for (TaskNode* t = g->live.head; t; t = t->live_next) {
            if (!t->has_slot || !is_waiting_for_tasks(*t)) continue;
            if (!WalkDown{h, nullptr}.visit(*t->fiber->waiting)) continue;
            lend_slot(*t);
            return true;
        }
    }
    return false;
}

void lend_for_new_task(TaskNode& queued) noexcept {
    PoolCore& p = *queued.group->pool;
    WalkUp walk{*queued.home};
    walk.add_waiters_of(queued);
    while (queued.in_pool_queue) {
        TaskNode* const t = walk.next();
        if (!t) break;
        if (t->has_slot && t->group->pool == &p) lend_slot(*t);
    }
}

} // namespace frond::inline v0::detail
