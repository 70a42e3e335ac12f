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
    wide_ = true;
}

void Guard::unlock() noexcept {
    held_ = false;
    if (wide_)
        for (Home* h : home.team->homes) h->state_lock.unlock();
    else
        home.state_lock.unlock();
}

/// In the run queue of the thread that makes it startable, whoever's it is: that one has its data in the
/// cache.
Home& Guard::starter_of(TaskNode const& t) const noexcept {
    if (t.pinned) return *t.extras->pinned_to;
    return this_home && this_home->is_fellow_of(home) ? *this_home : home;
}

void Guard::make_runnable(TaskNode& t, bool fifo) noexcept {
    if (!home.team) {
        home.put(t, fifo);
        return;
    }
    Home& at = starter_of(t);
    if (covers(at) && (!t.pinned || at.is_here())) {
        at.put(t, fifo || !at.is_here());
        if (at.team->should_announce(at)) announced_ = &at;
        return;
    }
    t.queue_next = runnable_;
    runnable_ = &t;
}

void Guard::wake(Waiter& w, WakeReason reason) noexcept {
    Fiber& f = *w.fiber;
    w.unlist();
    w.reason = reason;
    f.task_wait = nullptr;
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
    w.next = woken_;
    woken_ = &w;
}

/// Whatever this does, it does without the locks, and so what it finds may have changed.
void Guard::settle() noexcept {
    if (Home* const at = std::exchange(announced_, nullptr)) at->team->announce(*at);
    for (Message* m = reversed(std::exchange(woken_, nullptr), &Message::next); m;) {
        auto& w = static_cast<Waiter&>(*std::exchange(m, m->next));
        w.fiber->home->post(w);
    }
    for (TaskNode* t = reversed(std::exchange(runnable_, nullptr), &TaskNode::queue_next); t;) {
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
    for (TaskNode* t = reversed(std::exchange(dropped_, nullptr), &TaskNode::queue_next); t;) {
        TaskNode& task = *std::exchange(t, t->queue_next);
        if (task.is_marked(TaskNode::starved))
            task_dropped(task, TaskState::failed, std::make_exception_ptr(std::bad_alloc{}));
        else
            task_dropped(task, TaskState::cancelled, nullptr);
    }
    while (TaskNode* const t = dead_) {
        dead_ = t->live_next;
        drop_own_ref(*t);
    }
}

} // namespace frond::inline v0::detail
