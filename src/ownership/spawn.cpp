// From `spawn` to the queue: on the home's thread, and on the way there from another.

#include "admission/slots.hpp"
#include "admission/wait_graph.hpp"
#include "ownership/lifecycle.hpp"
#include "scheduler/remote.hpp"
#include "scheduler/stack_arena.hpp"
#include "scheduler/task_extras.hpp"

#include <frond/group.hpp>

#include <exception>
#include <stdexcept>
#include <utility>

namespace frond::inline v0::detail {

namespace {

char const* const closed_text = "frond: spawn into a group or pool that is closed";

bool is_member(PoolCore const* p, TaskNode const* me) noexcept { return p && me && me->group->pool == p; }

/// Puts a live task where it can start, or in its pool's queue.
void place(TaskNode& n, bool fifo) noexcept {
    GroupCore& g = *n.group;
    PoolCore* const p = g.pool;
    if (!p) {
        count_as_active(n);
        n.home->make_runnable(n, fifo);
    } else if (has_free_slot(*p)) {
        admit(*p, n);
    } else {
        enqueue(*p, n);
        if (n.waiters || g.joiners || p->enders) lend_for_new_task(n);
    }
}

/// @throws std::bad_alloc; then nothing has happened
void start_life(TaskNode& n, bool fifo) {
    if (n.group->pool) reserve_queue(*n.group->pool, n);
    begin_life(n);
    place(n, fifo);
}

/// `n` goes into a group that is being dropped, or whose pool has closed since: it ends before it began.
void end_unstarted(TaskNode& n, TaskState outcome, std::exception_ptr const& error) noexcept {
    begin_life(n);
    task_dropped(*n.home, n, outcome, error);
}

bool refuses(GroupCore const& g, TaskNode const* me) noexcept {
    if (g.closed.load(std::memory_order_relaxed)) return true;
    return g.pool && g.pool->closed_to_outsiders && !is_member(g.pool, me);
}

[[noreturn]] void refuse(TaskNode& n) {
    discard_with_handle(n);
    throw Closed(closed_text);
}

/// @return whether it was let in; false: there is room for it now
bool wait_in_front_of_backlog(Home& h, TaskNode& n, TaskNode* me) {
    PoolCore& p = *n.group->pool;
    Waiter w{WaitKind::backlog, &p};
    w.cargo = &n;
    try {
        h.check_may_wait();
        prepare_wait(h, w, me, false); // a member that waits for us holds a slot that the backlog needs
        if (!p.submitters && has_room(p)) return false;
        wait_for_tasks(h, w, p.submitters, me);
    } catch (...) {
        discard_with_handle(n);
        throw;
    }
    if (w.reason == WakeReason::closed) refuse(n);
    if (w.reason == WakeReason::stalled) {
        discard_with_handle(n);
        throw_deadlock();
    }
    return true;
}

void wait_for_admission(Home& h, TaskNode& n, TaskNode* me) {
    Waiter w{WaitKind::admission, &n};
    h.check_may_wait();
    prepare_wait(h, w, me, is_member(n.group->pool, me));
    if (!n.in_pool_queue) {
        // Our own slot served: we go on beside it.
        if (me && me->lent) reclaim_slot(*me);
        return;
    }
    wait_for_tasks(h, w, n.waiters, me);
    if (w.reason == WakeReason::closed) {
        drop_ref(n);
        throw Closed(closed_text);
    }
    if (w.reason == WakeReason::stalled) {
        drop_ref(n);
        throw_deadlock();
    }
}

bool submit_here(TaskNode& n, SpawnMode mode) {
    GroupCore& g = *n.group;
    Home& h = *n.home;
    TaskNode* const me = h.current_task();
    PoolCore* const p = g.pool;
    if (refuses(g, me)) refuse(n);
    if (g.dropping) {
        end_unstarted(n, TaskState::cancelled, nullptr);
        return true;
    }
    if (p && !has_free_slot(*p)) {
        if (mode == SpawnMode::now_or_never) {
            discard(n);
            return false;
        }
        if (mode == SpawnMode::queue && !has_room(*p) && !is_member(p, me) &&
            wait_in_front_of_backlog(h, n, me))
            return true;
    }
    try {
        start_life(n, false);
    } catch (...) {
        discard_with_handle(n);
        throw;
    }
    if (mode == SpawnMode::wait_for_slot && n.in_pool_queue) wait_for_admission(h, n, me);
    return true;
}

// --- from other threads ---------------------------------------------------------------------------------

struct SubmitLetter : Message {
    TaskNode* node;
    explicit SubmitLetter(TaskNode& n) noexcept : node{&n} {
        deliver = [](Message& m, Home& h) noexcept {
            TaskNode& t = *static_cast<SubmitLetter&>(m).node;
            delete static_cast<SubmitLetter*>(&m);
            GroupCore& g = *t.group;
            g.incoming.fetch_sub(1, std::memory_order_relaxed);
            place_from_outside(t);
            check_quiescence(h, g);
        };
    }
    static void place_from_outside(TaskNode& t) noexcept {
        if (t.group->dropping || t.home->state.load(std::memory_order_relaxed) != HomeState::live ||
            refuses(*t.group, nullptr)) {
            end_unstarted(t, TaskState::cancelled, nullptr);
            return;
        }
        try {
            start_life(t, true);
        } catch (...) {
            end_unstarted(t, TaskState::failed, std::current_exception());
        }
    }
};

/// The requester waits: in front of a full backlog, or for its slot.
void begin_waiting_submit(RemoteWait& r, Home&) noexcept {
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
    SubmitLetter::place_from_outside(t);
    if (r.proxy.kind == WaitKind::admission && t.in_pool_queue)
        r.proxy.enlist(t.waiters);
    else
        r.complete(WakeReason::done);
}

void submit_and_wait(Home& h, TaskNode& n, WaitKind kind) {
    Waiter w{kind, kind == WaitKind::admission ? static_cast<void const*>(&n) : n.group->pool};
    w.cargo = &n;
    try {
        wait_remotely(h, w, Clock::time_point::max(), &begin_waiting_submit);
    } catch (...) {
        discard_with_handle(n);
        throw;
    }
    if (w.reason == WakeReason::closed) {
        if (n.state.load(std::memory_order_acquire) == TaskState::cancelled) {
            drop_ref(n); // it was in the queue when the pool closed, and was dropped there
            throw Closed(closed_text);
        }
        refuse(n);
    }
    if (w.reason == WakeReason::stalled) {
        drop_ref(n);
        throw_deadlock();
    }
}

bool submit_remotely(TaskNode& n, SpawnMode mode) {
    Home& h = *n.home;
    if (n.id == 0) n.id = next_task_id();
    if (h.state.load(std::memory_order_acquire) != HomeState::live) refuse(n);
    if (mode == SpawnMode::now_or_never) {
        return call_on(h, [&n] {
            PoolCore* const p = n.group->pool;
            if (refuses(*n.group, nullptr) || (p && !has_free_slot(*p))) {
                discard(n);
                return false;
            }
            SubmitLetter::place_from_outside(n);
            return true;
        });
    }
    PoolCore* const p = n.group->pool;
    if (mode == SpawnMode::wait_for_slot || (p && p->max_pending != unlimited)) {
        submit_and_wait(h, n, mode == SpawnMode::wait_for_slot ? WaitKind::admission : WaitKind::backlog);
        return true;
    }
    auto* const letter = new SubmitLetter{n};
    n.group->incoming.fetch_add(1, std::memory_order_relaxed);
    if (!h.post(*letter)) {
        n.group->incoming.fetch_sub(1, std::memory_order_relaxed);
        delete letter;
        refuse(n);
    }
    return true;
}

} // namespace

void discard_with_handle(TaskNode& n) noexcept {
    if (n.home->is_here()) {
        discard(n);
        drop_ref(n);
        return;
    }
    // Nobody else has seen it yet.
    n.ops->drop_callable(n);
    delete n.extras;
    free_node(&n, *n.ops);
}

void let_in(PoolCore&, TaskNode& t) noexcept { SubmitLetter::place_from_outside(t); }

bool submit(TaskNode& n, SpawnMode mode) {
    return n.home->is_here() ? submit_here(n, mode) : submit_remotely(n, mode);
}

namespace {

/// The time of a delayed task has come.
void delay_is_over(Timer& timer, Home& h) noexcept {
    TaskNode& t = *static_cast<TaskExtras&>(timer).task;
    t.delayed = false;
    try {
        if (t.group->pool) reserve_queue(*t.group->pool, t);
    } catch (...) {
        task_dropped(h, t, TaskState::failed, std::current_exception());
        return;
    }
    place(t, true);
}

} // namespace

void submit_later(TaskNode& n, Clock::time_point when) {
    Home& h = *n.home;
    bool accepted = false;
    try {
        TaskExtras& x = extras_of(n);
        x.fire = &delay_is_over;
        if (n.id == 0) n.id = next_task_id();
        accepted = call_on(h, [&] {
            if (refuses(*n.group, h.is_here() ? h.current_task() : nullptr)) return false;
            if (when != Clock::time_point::max()) h.timers.arm(x, when);
            n.delayed = true;
            begin_life(n);
            return true;
        });
    } catch (...) {
        discard_with_handle(n);
        throw;
    }
    if (!accepted) refuse(n);
}

void apply_options(TaskNode& n, SpawnOptions&& o) {
    try {
        if (o.stack != 0) n.stack_class = (static_cast<unsigned>(stack_class_for(o.stack)) + 1) & 7U;
        if (!o.name.empty() || o.priority != 0) {
            TaskExtras& x = extras_of(n);
            x.name = std::move(o.name);
            x.priority = o.priority;
        }
    } catch (...) {
        discard_with_handle(n);
        throw;
    }
}

void check_open(GroupCore const& g) {
    auto const state = g.home->state.load(std::memory_order_acquire);
    if (state == HomeState::forked) throw std::logic_error("frond: this group belongs to the parent process");
    if (state == HomeState::ended || g.closed.load(std::memory_order_relaxed)) throw Closed(closed_text);
}

} // namespace frond::inline v0::detail
