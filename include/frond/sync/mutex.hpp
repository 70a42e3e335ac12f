#pragma once

#include <frond/detail/export.hpp>
#include <frond/detail/spin_lock.hpp>
#include <frond/detail/wait_list.hpp>
#include <frond/duration.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>

namespace frond::inline v0 {

/// Mutual exclusion among fibers, of any threads, and plain threads. It may be held over a wait. Strictly
/// first in, first out: `unlock` hands the lock to the first that waits, and nobody gets in between.
///
/// Without a `Runtime` tasks of one thread never run in parallel: data that they share needs a mutex only
/// where it must stay as it is over a wait.
///
/// Example:
///     frond::Mutex mutex;
///     {
///         std::lock_guard const lock{mutex};
///         connection.write(request); // others wait, their threads do not
///         reply = connection.read();
///     }
///
/// Works with `std::lock_guard`, `std::unique_lock` and `std::scoped_lock`. It is not recursive, and belongs
/// to the fiber that locked it.
///
/// Lifetime: outlives its waits; it may be destroyed as soon as its last owner has unlocked it.
/// Thread safety: all members from any thread. Cost: 24 bytes; without a wait one atomic exchange for `lock`
/// and one for `unlock`, and no allocation; a hand-over is one switch of fibers.
class FROND_API Mutex {
public:
    Mutex() noexcept = default;
    Mutex(Mutex const&) = delete;
    Mutex& operator=(Mutex const&) = delete;

    /// *Suspends* while another fiber has it. @throws Cancelled, unless it need not wait
    /// @throws Deadlock at once if the calling fiber has it already, or where the wait could never end
    void lock();
    /// *Suspends* never. @return whether it is the caller's now; false, too, if it was before
    bool try_lock();
    /// As `lock`, no longer than `d`. @return whether it is the caller's now. @throws as `lock`
    template <class Rep, class Period>
    bool try_lock_for(std::chrono::duration<Rep, Period> d) {
        return try_lock_until_deadline(detail::deadline_after(d));
    }
    template <class C, class D>
    bool try_lock_until(std::chrono::time_point<C, D> t) {
        return try_lock_until_deadline(detail::deadline_at(t));
    }

    /// *Suspends* never. @throws std::system_error (operation_not_permitted) if the caller does not have it
    void unlock();

private:
    bool try_lock_until_deadline(Clock::time_point deadline);
    bool lock_slowly(std::uintptr_t self, Clock::time_point deadline);
    bool hand_over(std::uintptr_t self);

    /// The owner's id; 0: it is free. The lowest bit stands for a list that may not be empty: then `unlock`
    /// looks there. It is set under `lock_` only.
    std::atomic<std::uintptr_t> owner_{0};
    detail::SpinLock lock_;
    // guarded by lock_
    detail::WaitList waiting_;
};

} // namespace frond::inline v0
