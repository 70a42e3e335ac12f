#pragma once

#include <frond/detail/export.hpp>
#include <frond/detail/spin_lock.hpp>
#include <frond/detail/wait_list.hpp>
#include <frond/duration.hpp>

#include <chrono>

namespace frond::inline v0 {

/// Something that has happened, or not yet: `wait` returns once it is set, and at once from then on, until it
/// is reset. For one-off news to any number of fibers; where the news is a value, wait for a `Task`.
///
/// Example:
///     frond::Event ready;
///     group.spawn([&] { ready.wait(); use(table); });
///     table = load();
///     ready.set();
///
/// `set` reaches everybody who waits at that moment, even if it is reset before they run.
///
/// Lifetime: outlives its waits; it may be destroyed as soon as a wait of it has returned, if nobody else
/// uses it. Thread safety: all members from any thread; what happened before `set` is seen after `wait` and
/// after an `is_set` that says so. Cost: 16 bytes; some 10 ns for a call that need not wait. The idea is
/// gevent's.
class FROND_API Event {
public:
    Event() noexcept = default;
    Event(Event const&) = delete;
    Event& operator=(Event const&) = delete;

    /// Lets all go on that wait, and all that come. *Suspends* never, as the two below.
    void set() noexcept;
    /// Waits that begin from now on wait for the next `set`.
    void reset() noexcept;
    bool is_set() const noexcept;

    /// *Suspends* unless it is set. @throws Cancelled, Deadlock
    void wait() { wait_until_deadline(Clock::time_point::max()); }
    /// @return whether it was set; false: `d` passed first. @throws as `wait`
    template <class Rep, class Period>
    bool wait_for(std::chrono::duration<Rep, Period> d) {
        return wait_until_deadline(detail::deadline_after(d));
    }
    template <class C, class D>
    bool wait_until(std::chrono::time_point<C, D> t) {
        return wait_until_deadline(detail::deadline_at(t));
    }

private:
    bool wait_until_deadline(Clock::time_point deadline);

    mutable detail::SpinLock lock_; // also for `is_set`: else its caller could destroy the event under `set`
    // guarded by lock_
    bool set_ = false;
    detail::WaitList waiting_;
};

} // namespace frond::inline v0
