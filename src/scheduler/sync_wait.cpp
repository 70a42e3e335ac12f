// Waits for primitives: the same wait as everywhere, in a list under the primitive's own lock.

#include <frond/detail/wait_list.hpp>

#include "scheduler/home.hpp"
#include "scheduler/stop_chain.hpp"
#include "scheduler/waiter.hpp"

#include <boost/fiber/context.hpp>

#include <mutex>
#include <utility>

namespace frond::inline v0::detail {

namespace {

constexpr WaitKind wait_kind(SyncKind k) noexcept {
    return static_cast<WaitKind>(static_cast<std::uint8_t>(WaitKind::mutex) + static_cast<std::uint8_t>(k));
}
static_assert(wait_kind(SyncKind::mutex) == WaitKind::mutex && wait_kind(SyncKind::pop) == WaitKind::pop);

/// On the fiber's thread. One that has not gone to sleep yet, because it still releases the user's lock,
/// finds the reason when it wants to.
void go_on(Waiter& w, Home& h) noexcept {
    w.reason = WakeReason::done;
    if (w.fiber->waiting == &w)
        h.resume(w);
    else if (w.armed())
        h.timers.disarm(w);
}

/// Whoever could not release the user's lock does not wait after all.
void leave(Waiter& w, Home& here) noexcept {
    w.lock->lock();
    bool const was_taken = !w.list;
    w.unlist();
    w.lock->unlock();
    if (was_taken && w.reason == WakeReason::none) here.suspend(w); // the news is on its way
    here.unprepare(w);
}

} // namespace

void* WaitList::first() const noexcept { return head_->brought; }

std::size_t WaitList::size() const noexcept {
    std::size_t n = 0;
    any_waiter(head_, [&n](Waiter const&) {
        ++n;
        return false;
    });
    return n;
}

void* Woken::take_first(WaitList& list) noexcept {
    Waiter& w = *list.head_;
    w.unlist();
    w.next = nullptr;
    (last_ ? last_->next : first_) = &w;
    last_ = &w;
    return w.brought;
}

void Woken::wake() noexcept {
    for (Message* m = first_; m;) {
        Waiter& w = static_cast<Waiter&>(*std::exchange(m, m->next)); // it may be gone once it is told
        Home& h = *w.fiber->home;
        if (h.is_here()) {
            go_on(w, h);
            continue;
        }
        w.deliver = [](Message& self, Home& home) noexcept { go_on(static_cast<Waiter&>(self), home); };
        h.post(w);
    }
}

bool SyncWait::wait_after(SpinLock& lock, WaitList& list, Clock::time_point deadline, void (*release)(void*),
                          void* argument) {
    std::unique_lock guard{lock, std::adopt_lock};
    Home& here = Home::current();
    Fiber& f = here.check_may_wait();
    Waiter w{wait_kind(kind_), target_};
    w.brought = brought_;
    if (here.prepare(w, f, deadline)) {
        w.lock = &lock;
        w.enlist(list.head_);
        guard.unlock();
        if (release) {
            try {
                release(argument);
            } catch (...) {
                leave(w, here);
                throw;
            }
        }
        if (w.reason == WakeReason::none)
            here.suspend(w);
        else
            here.unprepare(w);
    } else {
        guard.unlock();
    }
    throw_if_cut_short(w);
    return w.reason == WakeReason::done;
}

// Boost's context and not ours: quicker to find, and there on threads that have not used frond yet.
void const* current_fiber_id() noexcept { return boost::fibers::context::active(); }

} // namespace frond::inline v0::detail
