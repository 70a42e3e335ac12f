// From `spawn` to the queue: on the home's thread, and on the way there from another.

#include "admission/slots.hpp"
#include "admission/wait_graph.hpp"
#include "ownership/lifecycle.hpp"
#include "ownership/results.hpp"
#include "scheduler/remote.hpp"
#include "scheduler/stack_arena.hpp"
#include "scheduler/stop_chain.hpp"
#include "scheduler/task_extras.hpp"

#include <frond/group.hpp>

#include <exception>
#include <stdexcept>
#include <utility>

namespace frond::inline v0::detail {

namespace {

char const* const closed_text = "frond: spawn into a group or pool that is closed";

bool is_member(PoolCore const* p, TaskNode const* me) noexcept { return p && me && me->group->pool == p; }

/// @throws std::bad_alloc; then nothing has happened
void start_life(Guard& guard, TaskNode& n, bool fifo) {
    if (n.group->pool) reserve_queue(*n.group->pool, n);
    begin_life(n);
    place(guard, n, fifo);
}

/// `n` goes into a group that is cancelled, or whose pool has closed since: it ends before it began.
void end_unstarted(Guard& guard, TaskNode& n) noexcept {
    begin_life(n);
    if (n.group->expired) n.group->timed_out = true;
    guard.drop_unstarted(n);
}

/// A continuation runs in any case, to be told. @throws as `start_life`
void start_if_wanted(Guard& guard, TaskNode& n, bool fifo) {
    bool const is_cancelled = n.group->cancelled || n.is_marked(TaskNode::cancelled);
    if (is_cancelled && !is_continuation(n)) {
        end_unstarted(guard, n);
        return;
    }
    if (is_cancelled) n.marks.fetch_or(TaskNode::cancelled, std::memory_order_relaxed);
    start_life(guard, n, fifo);
}

/// Nobody but its own tasks may add to what lives on a home that is about to end.
inline bool refuses(GroupCore const& g, TaskNode const* me) noexcept {
    if (g.closed.load(std::memory_order_relaxed)) return true;
    if (g.shared && !me && g.home->state.load(std::memory_order_relaxed) != HomeState::live) return true;
    return g.pool && g.pool->closed_to_outsiders && !is_member(g.pool, me);
}

/// @pre no guard is held: the callable dies
[[noreturn]] void refuse(TaskNode& n) {
    discard_with_handle(n);
    throw Closed(closed_text);
}

enum class Verdict : std::uint8_t { submitted, no_free_slot, refused, cancelled, stalled };

/// Waits in front of a full backlog.
[[gnu::noinline]] Verdict wait_for_room(Guard& guard, TaskNode& n, TaskNode* me) {
    PoolCore& p = *n.group->pool;
    Waiter w{WaitKind::backlog, &p};
    w.cargo = &n;
    Fiber& f = this_home->check_may_wait();
    auto const may_go_on = [&] {
        return refuses(*n.group, me) || n.group->cancelled || (!p.submitters && has_room(p));
    };
    // A member that waits for us holds a slot that the backlog needs.
    if (!wait_unless(may_go_on, guard, f, w, p.submitters, me, false)) {
        // The guard may have let go meanwhile.
        if (refuses(*n.group, me)) return Verdict::refused;
        start_if_wanted(guard, n, false);
        return Verdict::submitted;
    }
    switch (w.reason) {
    case WakeReason::closed:
        return Verdict::refused;
    case WakeReason::cancelled:
        return Verdict::cancelled;
    case WakeReason::stalled:
        return Verdict::stalled;
    default:
        return Verdict::submitted; // whoever made room has let it in
    }
}

Verdict submit_under(Guard& guard, TaskNode& n, SpawnMode mode, TaskNode* me) {
    GroupCore& g = *n.group;
    PoolCore* const p = g.pool;
    if (g.shared && may_lend(n)) guard.widen();
    if (refuses(g, me)) return Verdict::refused;
    if (g.cancelled && is_continuation(n)) {
        n.marks.fetch_or(TaskNode::cancelled, std::memory_order_relaxed);
    } else if (g.cancelled) {
        end_unstarted(guard, n);
        return Verdict::submitted;
    }
    if (needs_slot(n) && !has_free_slot(*p)) {
        if (mode == SpawnMode::now_or_never) return Verdict::no_free_slot;
        if (mode == SpawnMode::wait_for_slot) this_home->check_may_wait();
        if (mode == SpawnMode::queue && !has_room(*p) && !is_member(p, me))
            return wait_for_room(guard, n, me);
    }
    start_life(guard, n, false);
    return Verdict::submitted;
}

[[gnu::noinline]] void wait_for_admission(TaskNode& n, TaskNode* me) {
    Waiter w{WaitKind::admission, &n};
    {
        Guard guard{*n.home};
        if (!n.in_pool_queue) return;
        bool const waited = wait_unless([&n] { return !n.in_pool_queue; }, guard, this_home->current_fiber(),
                                        w, n.waiters, me, is_member(n.group->pool, me));
        if (!waited) {
            // Our own slot served: we go on beside it.
            if (me && guard.covers(*me->home) && me->lent) reclaim_slot(*me);
            return;
        }
    }
    if (w.reason == WakeReason::done) return;
    if (w.reason != WakeReason::closed) {
        Guard guard{*n.home};
        if (!is_final(n.state.load(std::memory_order_relaxed))) cancel_task(guard, n); // its spawn has failed
    }
    drop_ref(n);
    if (w.reason == WakeReason::closed) throw Closed(closed_text);
    throw_if_cut_short(w);
}

bool submit_here(TaskNode& n, SpawnMode mode, TaskNode* me) {
    auto verdict = Verdict::submitted;
    try {
        Guard guard{*n.home};
        verdict = submit_under(guard, n, mode, me);
    } catch (...) {
        discard_with_handle(n);
        throw;
    }
    switch (verdict) {
    case Verdict::no_free_slot:
        discard(n);
        return false;
    case Verdict::refused:
        refuse(n);
    case Verdict::cancelled:
        discard_with_handle(n);
        throw_cancelled(this_home->current_fiber());
    case Verdict::stalled:
        discard_with_handle(n);
        throw_deadlock();
    case Verdict::submitted:
        break;
    }
    if (mode == SpawnMode::wait_for_slot && n.group->pool) wait_for_admission(n, me);
    return true;
}

// --- from other threads ---------------------------------------------------------------------------------

struct SubmitLetter : Message {
    TaskNode* node;
    explicit SubmitLetter(TaskNode& n) noexcept : node{&n} {
        deliver = [](Message& m, Home& h) noexcept {
            TaskNode& t = *static_cast<SubmitLetter&>(m).node;
            delete static_cast<SubmitLetter*>(&m);
            Guard guard{h};
            GroupCore& g = *t.group;
            g.incoming.fetch_sub(1, std::memory_order_relaxed);
            place_from_outside(guard, t);
            check_quiescence(guard, g);
        };
    }
    static void receive_item(Guard& guard, ItemNode& n) noexcept {
        ItemNode* const before = n.item_next;
        add_item(guard, *n.group, n);
        if (before) drop_ref_of_message(*before);
    }
    static void place_from_outside(Guard& guard, TaskNode& t) noexcept {
        if (is_final(t.state.load(std::memory_order_relaxed))) {
            receive_item(guard, item_of(t)); // nothing to start: a result
            return;
        }
        // It was accepted before its pool closed: like what was queued then it runs, while there is a pool.
        PoolCore const* const p = t.group->pool;
        bool const is_closed = p ? p->closed_to_outsiders : t.group->closed.load(std::memory_order_relaxed);
        bool const unwelcome = is_closed || t.home->state.load(std::memory_order_relaxed) != HomeState::live;
        if (unwelcome) {
            end_unstarted(guard, t);
            return;
        }
        try {
            start_if_wanted(guard, t, true);
        } catch (...) {
            t.marks.fetch_or(TaskNode::starved, std::memory_order_relaxed);
            end_unstarted(guard, t);
        }
    }
};

/// The requester waits: in front of a full backlog, or for its slot.
void begin_waiting_submit(RemoteWait& r, Guard& guard) noexcept {
    TaskNode& t = *r.proxy.cargo;
    PoolCore* const p = t.group->pool;
    if (t.home->state.load(std::memory_order_relaxed) != HomeState::live || refuses(*t.group, nullptr)) {
        r.complete(WakeReason::closed);
        return;
    }
    if (r.proxy.kind == WaitKind::backlog && p && !has_room(*p)) {
        r.proxy.enlist(p->submitters);
        return;
    }
    SubmitLetter::place_from_outside(guard, t);
    if (r.proxy.kind == WaitKind::admission && t.in_pool_queue)
        r.proxy.enlist(t.waiters);
    else
        r.complete(WakeReason::done);
}

/// The requester was cancelled and has thrown: there is no handle, and nothing was spawned.
void withdraw_submit(RemoteWait& r, Guard& guard) noexcept {
    TaskNode& t = *r.proxy.cargo;
    bool const is_waiting = r.proxy.kind == WaitKind::backlog && r.proxy.list;
    if (is_waiting && t.group->results) drop_ref_of_message(t); // there will be no result
    if (is_waiting)
        discard(t);
    else if (!is_final(t.state.load(std::memory_order_relaxed)))
        cancel_task(guard, t);
    drop_ref_of_message(t);
}

void send(TaskNode& n) {
    SubmitLetter* letter = nullptr;
    try {
        letter = new SubmitLetter{n};
    } catch (...) {
        discard_with_handle(n);
        throw;
    }
    n.group->incoming.fetch_add(1, std::memory_order_relaxed);
    if (n.home->post(*letter)) return;
    n.group->incoming.fetch_sub(1, std::memory_order_relaxed);
    delete letter;
    refuse(n);
}

void submit_and_wait(Home& h, TaskNode& n, WaitKind kind) {
    Waiter w{kind, kind == WaitKind::admission ? static_cast<void const*>(&n) : n.group->pool};
    w.cargo = &n;
    // What withdraws the task refers to it; a task whose result somebody else reads may be gone by then.
    bool const has_no_handle = n.group->results;
    if (has_no_handle) add_ref(n);
    try {
        wait_remotely(h, w, Clock::time_point::max(), &begin_waiting_submit, &withdraw_submit);
    } catch (...) {
        discard_with_handle(n);
        throw;
    }
    throw_if_cut_short(w);
    if (w.reason == WakeReason::closed) {
        if (n.state.load(std::memory_order_acquire) == TaskState::cancelled) {
            drop_ref(n); // it was in the queue when the pool closed, and was dropped there
            throw Closed(closed_text);
        }
        refuse(n);
    }
    if (has_no_handle) drop_ref(n);
}

bool submit_remotely(TaskNode& n, SpawnMode mode) {
    Home& h = *n.home;
    if (n.id == 0) n.id = next_task_id();
    if (h.state.load(std::memory_order_acquire) != HomeState::live) refuse(n);
    if (mode == SpawnMode::now_or_never) {
        bool const admitted = call_on(h, [&n](Guard& guard) {
            PoolCore* const p = n.group->pool;
            if (refuses(*n.group, nullptr) || (p && !has_free_slot(*p))) return false;
            SubmitLetter::place_from_outside(guard, n);
            return true;
        });
        if (!admitted) call_on(h, [&n](Guard&) { discard(n); });
        return admitted;
    }
    PoolCore* const p = n.group->pool;
    if (mode == SpawnMode::wait_for_slot || (needs_slot(n) && p->max_pending != unlimited)) {
        submit_and_wait(h, n, mode == SpawnMode::wait_for_slot ? WaitKind::admission : WaitKind::backlog);
        return true;
    }
    send(n);
    return true;
}

} // namespace

/// Nobody else has seen it yet.
void discard_with_handle(TaskNode& n) noexcept {
    n.ops->drop_callable(n);
    delete extras_if_any(n);
    free_node(&n, *n.ops);
}

bool may_lend(TaskNode const& n) noexcept {
    return needs_slot(n) && !has_free_slot(*n.group->pool) && is_awaited(n);
}

void place(Guard& guard, TaskNode& n, bool fifo) noexcept {
    PoolCore* const p = n.group->pool;
    if (n.group->results && !let_in_or_hold(*n.group->results, item_of(n))) return;
    if (!needs_slot(n)) {
        count_as_active(n);
        guard.make_runnable(n, fifo || p); // `run_first` looks for all that has a pool there
    } else if (has_free_slot(*p)) {
        admit(guard, *p, n);
    } else {
        enqueue(*p, n);
        if (is_awaited(n)) lend_for_new_task(guard, n);
    }
}

void place_late(Guard& guard, TaskNode& n, bool fifo) noexcept {
    try {
        if (n.group->pool) reserve_queue(*n.group->pool, n);
        place(guard, n, fifo);
    } catch (...) {
        n.marks.fetch_or(TaskNode::starved, std::memory_order_relaxed);
        guard.drop_unstarted(n);
    }
}

void let_in(Guard& guard, TaskNode& t) noexcept { SubmitLetter::place_from_outside(guard, t); }

void put(ItemNode& n) {
    Home& h = *n.home;
    if (!h.is_reachable()) {
        ItemNode* const before = n.item_next;
        if (before) add_ref(*before);
        try {
            send(n);
        } catch (...) {
            if (before) drop_ref(*before);
            throw;
        }
        return;
    }
    if (&h == own_home) h.hear();
    Guard guard{h};
    if (has_held(*n.group)) guard.widen();
    add_item(guard, *n.group, n);
}

bool submit(TaskNode& n, SpawnMode mode) {
    Home& h = *n.home;
    GroupCore const& g = *n.group;
    if (&h == own_home) h.hear(); // first in, first out, whatever thread it comes from
    if (&h == own_home && !g.pool && !g.results && !g.cancelled && !g.closed.load(std::memory_order_relaxed))
        [[likely]] {
        // Most spawns: there is no cap to ask and nobody to lock out.
        begin_life(n);
        count_as_active(n);
        h.put(n, false);
        return true;
    }
    if (h.is_here()) return submit_here(n, mode, h.current_task());
    if (!h.team) return submit_remotely(n, mode);
    if (n.group->pool && mode != SpawnMode::now_or_never) Home::current(); // it may have to wait
    return submit_here(n, mode, h.current_fellow());
}

namespace {

/// The time of a delayed task has come.
void delay_is_over(Timer& timer, Home&) noexcept {
    TaskNode& t = *static_cast<TaskExtras&>(timer).task;
    Guard guard{*t.home};
    if (!t.delayed) return; // it is being dropped
    if (!guard.is_wide() && may_lend(t)) {
        guard.widen(); // lets go for a moment
        if (!t.delayed) return;
    }
    t.delayed = false;
    place_late(guard, t, true);
}

/// Sets the timer of a task that somebody outside its runtime has spawned.
void arm_delay(Message& m, Home& h) noexcept {
    auto& x = static_cast<TaskExtras&>(m);
    TaskNode& t = *x.task;
    Guard guard{*t.home};
    x.arming = false;
    if (!t.delayed) { // dropped meanwhile
        guard.drop_unstarted(t);
        return;
    }
    try {
        h.timers.arm(x, x.due);
    } catch (...) {
        t.delayed = false;
        t.marks.fetch_or(TaskNode::starved, std::memory_order_relaxed);
        guard.drop_unstarted(t);
    }
}

} // namespace

void submit_later(TaskNode& n, Clock::time_point when) {
    Home& h = *n.home;
    bool accepted = false;
    try {
        TaskExtras& x = extras_of(n);
        x.fire = &delay_is_over;
        x.due = when;
        if (n.id == 0) n.id = next_task_id();
        accepted = call_on(h, [&](Guard& guard) {
            if (refuses(*n.group, h.current_fellow())) return false;
            if (n.group->cancelled) {
                end_unstarted(guard, n);
                return true;
            }
            x.timer_home = this_home && this_home->is_fellow_of(h) ? this_home : &h;
            if (when != Clock::time_point::max()) {
                x.arming = !x.timer_home->is_here();
                if (!x.arming) x.timer_home->timers.arm(x, when);
            }
            n.delayed = true;
            begin_life(n);
            return true;
        });
    } catch (...) {
        discard_with_handle(n);
        throw;
    }
    if (!accepted) refuse(n);
    TaskExtras& x = *extras_if_any(n);
    if (!x.arming) return;
    x.deliver = &arm_delay;
    if (!x.timer_home->post(x)) arm_delay(x, h);
}

void apply_options(TaskNode& n, SpawnOptions&& o) {
    try {
        if (o.stack != 0) n.stack_class = (static_cast<unsigned>(stack_class_for(o.stack)) + 1) & 7U;
        auto const timeout = saturate(o.timeout);
        if (!o.name.empty() || o.priority != 0 || timeout != forever) {
            TaskExtras& x = extras_of(n);
            x.name = std::move(o.name);
            x.priority = o.priority;
            x.timeout = timeout;
            if (timeout != forever) n.marks.fetch_or(TaskNode::limited, std::memory_order_relaxed);
        }
    } catch (...) {
        discard_with_handle(n);
        throw;
    }
    if (o.pinned) pin(n, this_home && this_home->is_fellow_of(*n.home) ? *this_home : *n.home);
}

/// On failure the node is gone.
void pin(TaskNode& n, Home& thread) {
    if (!thread.team) return;
    try {
        extras_of(n).pinned_to = &thread;
    } catch (...) {
        discard_with_handle(n);
        throw;
    }
    n.pinned = true;
}

void check_open(GroupCore const& g) {
    g.home->check_not_forked("frond: this group belongs to the parent process");
    auto const state = g.home->state.load(std::memory_order_acquire);
    if (state == HomeState::ended || g.closed.load(std::memory_order_relaxed)) throw Closed(closed_text);
}

} // namespace frond::inline v0::detail
