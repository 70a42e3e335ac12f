#include "scheduler/guard.hpp"

#include "scheduler/task_extras.hpp"

#include <mutex>
#include <new>
#include <utility>

namespace frond::inline v0::detail {

namespace {

/// Turns a list that is linked through `next` around.
template <class T>
T* reversed(T* last, T* T::* next) noexcept {
    T* first = nullptr;
    while (last) first = std::exchange(last, std::exchange(last->*next, first));
    return first;
}

} // namespace

void Guard::widen() noexcept {
    if (is_wide()) return;
    home.state_lock.unlock();
    for (Home* h : home.team->homes) h->state_lock.lock();
    state_ |= wide;
}

void Guard::let_go() noexcept {
    unlock();
    if ((state_ & leftovers) != 0) settle();
}

void Guard::unlock() noexcept {
    if ((state_ & wide) != 0)
        for (Home* h : home.team->homes) h->state_lock.unlock();
    else if ((state_ & held) != 0)
        home.state_lock.unlock();
    state_ &= leftovers;
}

bool Guard::let_die() noexcept {
    auto const was = state_;
    let_go();
    if ((was & held) != 0) {
        home.state_lock.lock();
        state_ = held;
        if ((was & wide) != 0) widen();
    }
    return true;
}

/// In the run queue of the thread that makes it startable, whoever's it is: that one has its data in the
/// cache.
Home& Guard::starter_of(TaskNode const& t) const noexcept {
    if (t.pinned) return *extras_if_any(t)->pinned_to;
    return this_home && this_home->is_fellow_of(home) ? *this_home : home;
}

void Guard::make_runnable_in_team(TaskNode& t, bool fifo) noexcept {
    Home& at = starter_of(t);
    if (covers(at) && (!t.pinned || at.is_here())) {
        at.put(t, fifo || !at.is_here());
        if (at.team->should_announce(at)) rest().announced = &at;
        return;
    }
    t.queue_next = std::exchange(rest().runnable, &t);
}

void Guard::wake(Waiter& w, WakeReason reason) noexcept {
    Fiber& f = *w.fiber;
    w.unlist();
    w.reason = reason;
    if (f.home->is_fellow_of(home)) f.task_wait = nullptr;
    if (!home.team) [[likely]] {
        if (f.task && f.task->lent) reclaim_slot(*f.task);
        home.resume(w);
        return;
    }
    if (TaskNode* const t = f.task) {
        if (covers(*t->home)) {
            if (t->lent) reclaim_slot(*t);
        } else {
            w.must_reclaim = f.home->is_fellow_of(home);
        }
    }
    if (f.home->is_here()) {
        f.home->resume(w);
        return;
    }
    w.deliver = [](Message& m, Home& h) noexcept { h.resume(static_cast<Waiter&>(m)); };
    w.next = std::exchange(rest().woken, &w);
}

/// The task may end, and its fiber with it, before the news arrives: where it goes is noted while it lives.
void Guard::stop(TaskNode& t) noexcept {
    if (home.team) {
        TaskExtras* const x = extras_if_any(t) ? extras_if_any(t) : new (std::nothrow) TaskExtras{t};
        if (!x) return; // it finds the mark at its next wait
        x->runs_on = t.fiber->home;
        t.extras.store(x, std::memory_order_release);
        t.foreign_refs.fetch_add(1, std::memory_order_relaxed);
    } else {
        ++t.refs;
    }
    t.queue_next = std::exchange(rest().stopped, &t);
}

namespace {

/// Consumes the reference.
void tell_of_stop(TaskNode& t) noexcept {
    TaskExtras* const x = extras_if_any(t);
    if (t.is_marked(TaskNode::has_stop)) x->stop.request_stop();
    Home& at = t.home->team ? *x->runs_on : *t.home;
    if (at.is_here()) {
        at.reach(t);
        drop_own_ref(t);
        return;
    }
    x->deliver = [](Message& m, Home& h) noexcept {
        TaskNode& task = *static_cast<TaskExtras&>(m).task;
        h.reach(task);
        drop_own_ref(task);
    };
    if (!at.post(*x)) drop_own_ref(t);
}

} // namespace

/// Whatever this does, it does without the locks, and so what it finds may have changed.
void Guard::settle() noexcept {
    Rest left = rest_;
    state_ &= ~leftovers;
    if (left.announced) left.announced->team->announce(*left.announced);
    for (Message* m = reversed(left.woken, &Message::next); m;) {
        auto& w = static_cast<Waiter&>(*std::exchange(m, m->next));
        w.fiber->home->post(w);
    }
    for (TaskNode* t = reversed(left.runnable, &TaskNode::queue_next); t;) {
        TaskNode& task = *std::exchange(t, t->queue_next);
        Home& at = starter_of(task);
        bool announce = false;
        {
            std::lock_guard const lock{at.state_lock};
            at.put(task, !at.is_here() || task.group->pool);
            announce = at.team->should_announce(at);
        }
        if (announce || !at.is_here()) at.team->announce(at);
    }
    for (TaskNode* t = reversed(left.stopped, &TaskNode::queue_next); t;)
        tell_of_stop(*std::exchange(t, t->queue_next));
    for (TaskNode* t = reversed(left.dropped, &TaskNode::queue_next); t;) {
        TaskNode& task = *std::exchange(t, t->queue_next);
        if (task.is_marked(TaskNode::starved))
            task_dropped(task, TaskState::failed, std::make_exception_ptr(std::bad_alloc{}));
        else
            task_dropped(task, TaskState::cancelled, nullptr);
    }
    while (TaskNode* const t = left.dead) {
        left.dead = t->live_next;
        drop_own_ref(*t);
    }
}

} // namespace frond::inline v0::detail
