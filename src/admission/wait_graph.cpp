#include "admission/wait_graph.hpp"

#include "admission/slots.hpp"
#include "scheduler/stall.hpp"
#include "scheduler/stop_chain.hpp"
#include "scheduler/task_extras.hpp"

#include <frond/errors.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace frond::inline v0::detail {

namespace {

/// A continuation waits for what it comes after: that is what whoever waits for it depends on.
TaskNode& task_target(Waiter const& w) noexcept {
    auto* t = static_cast<TaskNode*>(const_cast<void*>(w.target));
    for (TaskExtras const* x = extras_if_any(*t); x && x->before; x = extras_if_any(*t)) t = x->before;
    return *t;
}
GroupCore& group_target(Waiter const& w) noexcept {
    return *static_cast<GroupCore*>(const_cast<void*>(w.target));
}
PoolCore& pool_target(Waiter const& w) noexcept {
    return *static_cast<PoolCore*>(const_cast<void*>(w.target));
}

bool waits_for_tasks(WaitKind k) noexcept {
    return k == WaitKind::task || k == WaitKind::admission || k == WaitKind::group || k == WaitKind::others ||
           k == WaitKind::result || k == WaitKind::backlog || k == WaitKind::pool_end;
}

/// Whether the end of `t` is part of what `w` waits for.
bool covers(Waiter const& w, TaskNode const& t) noexcept {
    switch (w.kind) {
    case WaitKind::task:
    case WaitKind::admission:
        return &task_target(w) == &t;
    case WaitKind::group:
        return &group_target(w) == t.group;
    case WaitKind::others:
        return &group_target(w) == t.group && w.fiber->task != &t;
    case WaitKind::pool_end:
        return &pool_target(w) == t.group->pool;
    default:
        return false;
    }
}

bool is_waiting(TaskNode const& t) noexcept {
    return t.state.load(std::memory_order_seq_cst) == TaskState::waiting;
}

bool is_waiting_for_tasks(TaskNode const& t) noexcept {
    return is_waiting(t) && t.fiber->task_wait && waits_for_tasks(t.fiber->task_wait->kind);
}

/// Whether anybody in what `w` waits for waits in turn: without that there is no circle and no chain.
bool has_further_waits(Waiter const& w) noexcept {
    switch (w.kind) {
    case WaitKind::task:
        return is_waiting_for_tasks(task_target(w));
    case WaitKind::group:
    case WaitKind::others:
    case WaitKind::result:
        return group_target(w).waiting_members.get() > 0;
    case WaitKind::pool_end:
        return true;
    default:
        return false;
    }
}

/// What `prepare_wait` has to find out may lead from home to home.
bool needs_all_locks(Waiter const& w, TaskNode const* me) noexcept {
    switch (w.kind) {
    case WaitKind::task:
        return task_target(w).group->pool || (me && is_waiting(task_target(w)));
    case WaitKind::place:
        return false;
    case WaitKind::group:
    case WaitKind::others:
    case WaitKind::result:
        return group_target(w).pool || (me && group_target(w).waiting_members.get() > 0);
    default:
        return true;
    }
}

bool closes_circle(Guard const& guard, Waiter const& w, TaskNode& me) noexcept {
    if (w.kind == WaitKind::admission || w.kind == WaitKind::result || w.cancels) return false;
    if (covers(w, me)) return true;
    if (!guard.is_wide() || !has_further_waits(w)) return false;
    // Who was cancelled behind a shield that ends goes on then, and whoever waits for that, too.
    bool const will_be_cut = w.stops && w.armed();
    WalkUp walk{guard, will_be_cut ? WalkUp::Over::plain_waits : WalkUp::Over::lasting_waits};
    walk.add_waiters_of(me);
    while (TaskNode* const t = walk.next())
        if (covers(w, *t)) return true;
    return false;
}

/// The shortest circle that a wait would close, in words. It may be longer than a fiber's stack: no
/// recursion.
class Circle {
public:
    Circle(Waiter const& closing, TaskNode const& me) : me_{me} {
        visit(closing, me);
        for (std::size_t i = 0; i < found_.size() && !before_me_; ++i)
            if (is_waiting_for_tasks(*found_[i])) visit(*found_[i]->fiber->task_wait, *found_[i]);
    }
    /// As "task #3 'c' waits for task #1 'a', which waits for task #3 'c'".
    std::string text() const {
        std::vector<TaskNode const*> path;
        for (TaskNode const* t = before_me_; t && t != &me_; t = found_by_.at(t)) path.push_back(t);
        auto text = name(me_);
        if (!before_me_) return text + " waits for its own end";
        text += " waits for ";
        for (std::size_t i = path.size(); i > 0; --i) {
            if (path.size() - i == most_named && i > 1) {
                text += "… " + std::to_string(i) + " more, of which the last waits for ";
                break;
            }
            text += name(*path[i - 1]) + ", which waits for ";
        }
        return text + name(me_);
    }

private:
    static constexpr std::size_t most_named = 20;

    static std::string name(TaskNode const& t) {
        auto text = "task #" + std::to_string(t.id);
        if (auto const given = name_of_task(t); !given.empty()) text.append(" '").append(given).append("'");
        return text;
    }
    void visit(Waiter const& w, TaskNode const& who) {
        switch (w.kind) {
        case WaitKind::task:
        case WaitKind::admission:
            find(task_target(w), who);
            break;
        case WaitKind::group:
        case WaitKind::others:
            find_all(group_target(w), w, who);
            break;
        case WaitKind::pool_end:
            for (GroupCore* g = pool_target(w).groups.head; g; g = g->pool_next) find_all(*g, w, who);
            find_all(*pool_target(w).own, w, who);
            break;
        default:
            break;
        }
    }
    void find_all(GroupCore const& g, Waiter const& w, TaskNode const& who) {
        for (TaskNode const* t = g.live.head; t && !before_me_; t = t->live_next)
            if (covers(w, *t)) find(*t, who);
    }
    void find(TaskNode const& t, TaskNode const& who) {
        if (&t == &me_)
            before_me_ = &who;
        else if (found_by_.emplace(&t, &who).second)
            found_.push_back(&t);
    }

    TaskNode const& me_;
    TaskNode const* before_me_ = nullptr; ///< the one that waits for `me_`; itself if nobody stands between
    std::vector<TaskNode const*> found_;
    std::map<TaskNode const*, TaskNode const*> found_by_;
};

/// The pool in which tasks that `w` waits for are queued; nullptr: none is.
PoolCore* pool_with_queued(Waiter const& w) noexcept {
    switch (w.kind) {
    case WaitKind::task:
    case WaitKind::admission:
        return task_target(w).in_pool_queue ? task_target(w).group->pool : nullptr;
    case WaitKind::group:
    case WaitKind::others:
    case WaitKind::result:
        return group_target(w).queued > 0 ? group_target(w).pool : nullptr;
    case WaitKind::backlog:
        return has_room(pool_target(w)) ? nullptr : &pool_target(w);
    case WaitKind::pool_end:
        return pool_target(w).queued.get() > 0 ? &pool_target(w) : nullptr;
    default:
        return nullptr;
    }
}

void lend_up(Guard& guard, PoolCore& p, Waiter const& w, TaskNode& me) noexcept {
    auto const lend_if_holder = [&](TaskNode& t) {
        if (t.has_slot && t.group->pool == &p) lend_slot(guard, t);
    };
    lend_if_holder(me);
    WalkUp walk{guard};
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
    WalkDown(Guard const& guard, PoolCore* p) noexcept : mark_{guard.new_walk()}, pool_{p} {}

    /// @return whether it was met
    bool visit(Waiter const& w) noexcept {
        if (visit_target(w)) return true;
        while (Fiber* const f = todo_) {
            todo_ = f->down.next;
            if (visit_target(*f->task_wait)) return true;
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
        case WaitKind::others:
        case WaitKind::result:
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
        if (g.waiting_members.get() == 0 || g.walk_mark == mark_) return;
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
void lend_up_for_chain(Guard& guard, Waiter const& w, TaskNode& me) noexcept {
    auto const lend_if_needed = [&](TaskNode& t) {
        if (t.has_slot && t.group->pool->queued.get() > 0 && needs_slot_of(guard, *t.group->pool, w))
            lend_slot(guard, t);
    };
    lend_if_needed(me);
    WalkUp walk{guard};
    walk.add_waiters_of(me);
    while (TaskNode* const t = walk.next()) lend_if_needed(*t);
}

} // namespace

/// Scopes are its own thread's to look at.
bool is_about_to_end(Waiter const& w) noexcept {
    if (w.shielded || !w.fiber->task->is_marked(TaskNode::cancelled)) return false;
    return !w.fiber->home->is_here() || StopChain::of_suspended(*w.fiber).must_stop();
}

void WalkUp::add(Fiber& f) noexcept {
    if (f.up.mark == mark_) return;
    f.up.mark = mark_;
    f.up.next = todo_;
    todo_ = &f;
}

void WalkUp::add_waiters_of(TaskNode& t) noexcept {
    add_all(t.waiters);
    for (TaskExtras const* x = extras_if_any(t); x && x->follower; x = extras_if_any(*x->follower))
        add_all(x->follower->waiters); // they wait for this one first
    GroupCore& g = *t.group;
    if (g.walk_mark == mark_) return;
    g.walk_mark = mark_;
    add_all(g.joiners);
    add_all(g.cancellers);
    if (g.results) add_all(g.results->readers, g.results->served > 0 ? g.results->readers : nullptr);
    if (g.pool) add_all(g.pool->enders);
}

TaskNode* WalkUp::next() noexcept {
    Fiber* const f = todo_;
    if (!f) return nullptr;
    todo_ = f->up.next;
    add_waiters_of(*f->task);
    return f->task;
}

bool needs_slot_of(Guard const& guard, PoolCore& p, Waiter const& w) noexcept {
    return WalkDown{guard, &p}.visit(w);
}

namespace {

void move_up_target(Guard const& guard, Waiter const& w, TaskNode const* me) noexcept {
    if (w.kind == WaitKind::task || w.kind == WaitKind::admission) {
        move_up(guard, task_target(w));
        return;
    }
    if (w.kind != WaitKind::group && w.kind != WaitKind::result) return;
    GroupCore& g = group_target(w);
    ResultBuffer const* const r = w.kind == WaitKind::result ? g.results : nullptr;
    if (!r || r->rules.order == ItemOrder::completion)
        move_up(guard, g, me && me->group->pool == g.pool);
    else if (r->items.head && !r->items.head->ready)
        move_up(guard, *r->items.head);
}

} // namespace

/// In a runtime most waits need one lock only: nobody down there waits in turn, and there is no pool. Two
/// that begin to wait for each other at the same moment cannot both miss the other: each says first that it
/// waits, and then looks, under the lock under which it will stand in the list.
bool prepare_wait(Guard& guard, Waiter& w, TaskNode* me, bool moves_up) {
    if (!guard.is_wide() && needs_all_locks(w, me)) {
        guard.widen();
        return false;
    }
    if (me && closes_circle(guard, w, *me)) {
        auto const circle = Circle{w, *me}.text();
        guard.release();
        throw Deadlock("frond: this wait closes a circle: " + circle + "\n" + wait_graph());
    }
    if (moves_up) move_up_target(guard, w, me);
    // With one lock: what began to wait down there since we looked finds us above it, and lends for us, too.
    if (!me || !guard.is_wide()) return true;
    if (has_further_waits(w))
        lend_up_for_chain(guard, w, *me);
    else if (PoolCore* const p = pool_with_queued(w))
        lend_up(guard, *p, w, *me);
    return true;
}

bool lend_crosswise(Home& h) noexcept {
    Guard guard{h};
    guard.widen();
    auto const lend_in = [&guard](Home const& home) {
        for (GroupCore* g = home.groups.head; g; g = g->home_next) {
            if (!g->pool || g->pool->queued.get() == 0 || g->waiting_members.get() == 0) continue;
            for (TaskNode* t = g->live.head; t; t = t->live_next) {
                if (!t->has_slot || !is_waiting_for_tasks(*t)) continue;
                if (!WalkDown{guard, nullptr}.visit(*t->fiber->task_wait)) continue;
                lend_slot(guard, *t);
                return true;
            }
        }
        return false;
    };
    if (!h.team) return lend_in(h);
    return std::any_of(h.team->homes.begin(), h.team->homes.end(),
                       [&](Home* each) { return lend_in(*each); });
}

void lend_for_new_task(Guard& guard, TaskNode& queued) noexcept {
    PoolCore& p = *queued.group->pool;
    WalkUp walk{guard};
    walk.add_waiters_of(queued);
    while (queued.in_pool_queue) {
        TaskNode* const t = walk.next();
        if (!t) break;
        if (t->has_slot && t->group->pool == &p) lend_slot(guard, *t);
    }
}

} // namespace frond::inline v0::detail
