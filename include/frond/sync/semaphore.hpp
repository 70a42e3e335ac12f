#pragma once

#include <frond/detail/export.hpp>
#include <frond/detail/spin_lock.hpp>
#include <frond/detail/wait_list.hpp>
#include <frond/duration.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>

namespace frond::inline v0 {

/// A number of permits that fibers take and give back: protects what can serve so many at once, such as the
/// connections of a server or the bytes of a buffer. To cap tasks rather than what they do in between, use a
/// `Pool`.
///
/// One call may take several permits. Strictly first in, first out: while the first in the queue waits for
/// many, nobody gets past it with few. One that gives up makes way at once.
///
/// Example:
///     frond::Semaphore permits{4};
///     permits.acquire();
///     query(database); // by four tasks at most
///     permits.release();
///
/// Permits belong to nobody: any fiber of any thread may give back what another took.
///
/// Lifetime: outlives its waits. Thread safety: all members from any thread. Cost: 32 bytes; some 10 ns for a
/// call that need not wait; a wait allocates nothing but for a deadline. After golang.org/x/sync/semaphore.
class FROND_API Semaphore {
public:
    /// @param n how many permits there are. @throws std::invalid_argument for zero and negative numbers
    template <std::integral I>
    explicit Semaphore(I n)
        : capacity_{detail::checked_count(n, "frond: Semaphore: there must be a permit")},
          available_{capacity_} {}
    Semaphore(Semaphore const&) = delete;
    Semaphore& operator=(Semaphore const&) = delete;

    /// Takes `k` permits. *Suspends* until they are there and nobody is queued before. @throws Cancelled,
    /// Deadlock, and then it has taken none; std::invalid_argument at once for more permits than there are at
    /// all, for zero and for negative numbers
    template <std::integral I = int>
    void acquire(I k = 1) {
        take_until_deadline(checked(k), Clock::time_point::max());
    }
    /// *Suspends* never. @return whether it has taken them; false, too, if somebody is queued
    /// @throws std::invalid_argument as `acquire`
    template <std::integral I = int>
    bool try_acquire(I k = 1) {
        return take_now(checked(k));
    }
    /// As `acquire`, no longer than `d`. @return whether it has taken them. @throws as `acquire`
    template <class Rep, class Period, std::integral I = int>
    bool try_acquire_for(std::chrono::duration<Rep, Period> d, I k = 1) {
        return take_until_deadline(checked(k), detail::deadline_after(d));
    }
    template <class C, class D, std::integral I = int>
    bool try_acquire_until(std::chrono::time_point<C, D> t, I k = 1) {
        return take_until_deadline(checked(k), detail::deadline_at(t));
    }

    /// Gives `k` permits back. *Suspends* never. @throws std::logic_error for more than are taken
    /// @throws std::invalid_argument for zero and negative numbers
    template <std::integral I = int>
    void release(I k = 1) {
        give_back(detail::checked_count(k, "frond: Semaphore::release: it must be a permit or more"));
    }

    /// Permits that nobody has. *Suspends* never; old news where other threads use it.
    std::size_t available() const noexcept;

private:
    template <std::integral I>
    std::size_t checked(I k) const {
        return checked_capacity(
            detail::checked_count(k, "frond: Semaphore::acquire: it must be a permit or more"));
    }
    std::size_t checked_capacity(std::size_t k) const;
    bool take_now(std::size_t k) noexcept;
    bool take_until_deadline(std::size_t k, Clock::time_point deadline);
    void give_back(std::size_t k);
    void serve_queue() noexcept;
    void serve_queue(detail::Woken& woken) noexcept;

    std::size_t const capacity_;
    mutable detail::SpinLock lock_;
    // guarded by lock_
    std::size_t available_;
    detail::WaitList waiting_; ///< each brings along how many permits it wants
};

} // namespace frond::inline v0
