#pragma once

#include <frond/cancel.hpp>
#include <frond/detail/export.hpp>
#include <frond/detail/spin_lock.hpp>
#include <frond/detail/wait_list.hpp>
#include <frond/duration.hpp>

#include <chrono>
#include <concepts>
#include <condition_variable>

namespace frond::inline v0 {

namespace detail {

template <class L>
concept BasicLockable = requires(L& lock) {
    lock.lock();
    lock.unlock();
};

/// A lock that is let go for a wait and taken again at its end, however that comes.
template <BasicLockable L>
class LetGo {
public:
    explicit LetGo(L& lock) noexcept : lock_{lock} {}
    LetGo(LetGo const&) = delete;
    LetGo& operator=(LetGo const&) = delete;
    ~LetGo() {
        if (!released_) return;
        Shield const shield;
        lock_.lock();
    }

    static void release(void* self) {
        auto& me = *static_cast<LetGo*>(self);
        me.lock_.unlock();
        me.released_ = true;
    }

private:
    L& lock_;
    bool released_ = false;
};

} // namespace detail

/// Lets fibers wait for a change of what a mutex guards. Works with any lock, as
/// `std::condition_variable_any` does; mostly that is a `std::unique_lock<Mutex>`.
///
/// A waiter is in the queue before the lock is free, so that no notification is missed. There are no spurious
/// wake-ups, but between a notification and the re-lock others may change things: use a predicate.
///
/// Example:
///     std::unique_lock lock{mutex};
///     not_empty.wait(lock, [&] { return !queue.empty(); });
///
/// The lock is held again when a wait ends, by whatever exception, too. This last step never throws and is
/// not cut short by cancellation. Whoever was notified before its deadline or its cancellation came returns
/// as notified: a `notify_one` is never spent on a waiter that gives up.
///
/// Lifetime: outlives its waits. `unlock` of the lock type must not wait; if its `lock` throws at the end of
/// a wait, the program ends. Thread safety: all members from any thread, notifying with or without the lock.
/// Cost: 16 bytes; a wait allocates nothing but for a deadline.
class FROND_API ConditionVariable {
public:
    ConditionVariable() noexcept = default;
    ConditionVariable(ConditionVariable const&) = delete;
    ConditionVariable& operator=(ConditionVariable const&) = delete;

    /// *Suspends* until notified. @pre `lock` is held. @throws Cancelled, Deadlock, and what `lock.unlock()`
    /// throws
    template <detail::BasicLockable L>
    void wait(L& lock) {
        wait_until_deadline(lock, Clock::time_point::max());
    }
    /// Waits until `stop_waiting()` holds, which is asked under the lock. *Suspends* unless it does at once.
    template <detail::BasicLockable L, std::predicate P>
    void wait(L& lock, P stop_waiting) {
        while (!stop_waiting()) wait(lock);
    }

    /// As `wait`, no longer than `d`. @return `timeout`: nobody has notified by then
    template <detail::BasicLockable L, class Rep, class Period>
    std::cv_status wait_for(L& lock, std::chrono::duration<Rep, Period> d) {
        return wait_until_deadline(lock, detail::deadline_after(d));
    }
    /// @return what `stop_waiting()` says in the end
    template <detail::BasicLockable L, class Rep, class Period, std::predicate P>
    bool wait_for(L& lock, std::chrono::duration<Rep, Period> d, P stop_waiting) {
        return wait_until_deadline(lock, detail::deadline_after(d), stop_waiting);
    }
    template <detail::BasicLockable L, class C, class D>
    std::cv_status wait_until(L& lock, std::chrono::time_point<C, D> t) {
        return wait_until_deadline(lock, detail::deadline_at(t));
    }
    template <detail::BasicLockable L, class C, class D, std::predicate P>
    bool wait_until(L& lock, std::chrono::time_point<C, D> t, P stop_waiting) {
        return wait_until_deadline(lock, detail::deadline_at(t), stop_waiting);
    }

    /// The one that has waited longest goes on. *Suspends* never.
    void notify_one() noexcept;
    /// All that wait now go on. *Suspends* never.
    void notify_all() noexcept;

private:
    bool wait_released(Clock::time_point deadline, void (*release)(void*), void* argument);

    template <class L>
    std::cv_status wait_until_deadline(L& lock, Clock::time_point deadline) {
        detail::LetGo<L> let_go{lock};
        bool const notified = wait_released(deadline, &detail::LetGo<L>::release, &let_go);
        return notified ? std::cv_status::no_timeout : std::cv_status::timeout;
    }
    template <class L, class P>
    bool wait_until_deadline(L& lock, Clock::time_point deadline, P& stop_waiting) {
        while (!stop_waiting())
            if (wait_until_deadline(lock, deadline) == std::cv_status::timeout) return stop_waiting();
        return true;
    }

    detail::SpinLock lock_;
    // guarded by lock_
    detail::WaitList waiting_;
};

} // namespace frond::inline v0
