#pragma once

#include <frond/detail/export.hpp>
#include <frond/detail/spin_lock.hpp>
#include <frond/duration.hpp>
#include <frond/sync/mutex.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>

namespace frond::inline v0 {

/// How often something may happen.
struct Rate {
    double per_second = 0; ///< on the average over a long time
    unsigned burst = 1;    ///< at once, after a pause
};

/// Lets fibers through at a rate: a bucket of `burst` tokens, full at first, into which tokens drip evenly,
/// and from which each call takes some. To bound how many do something at once, use a `Semaphore`.
///
/// Example:
///     frond::RateLimiter limiter{{.per_second = 20, .burst = 5}};
///     for (auto const& url : urls)
///         pool.spawn([&] { limiter.acquire(); fetch(url); }); // 5 at once, then one every 50 ms
///
/// Strictly first in, first out. One that gives up uses no token and lets the next go.
///
/// Lifetime: outlives its waits. Thread safety: all members from any thread. Cost: 64 bytes; a reading of the
/// clock for a call that need not wait; however many wait, one timer runs.
class FROND_API RateLimiter {
public:
    /// @throws std::invalid_argument unless `per_second` is positive and finite, and for a burst of zero
    explicit RateLimiter(Rate rate);
    RateLimiter(RateLimiter const&) = delete;
    RateLimiter& operator=(RateLimiter const&) = delete;

    /// Takes `k` tokens. *Suspends* until they are there and nobody is queued before. @throws Cancelled,
    /// Deadlock; std::invalid_argument at once for more than the burst, for zero and for negative numbers
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
    /// As `acquire`, no longer than `d`. One whose tokens will not be there in time leaves the queue early
    /// and waits for its deadline elsewhere. @return whether it has taken them. @throws as `acquire`
    template <class Rep, class Period, std::integral I = int>
    bool try_acquire_for(std::chrono::duration<Rep, Period> d, I k = 1) {
        return take_until_deadline(checked(k), detail::deadline_after(d));
    }
    template <class C, class D, std::integral I = int>
    bool try_acquire_until(std::chrono::time_point<C, D> t, I k = 1) {
        return take_until_deadline(checked(k), detail::deadline_at(t));
    }

private:
    class Place;

    template <std::integral I>
    unsigned checked(I k) const {
        return checked_burst(
            detail::checked_count(k, "frond: RateLimiter::acquire: it must be a token or more"));
    }
    unsigned checked_burst(std::size_t k) const;
    bool take_now(unsigned k) noexcept;
    bool take_until_deadline(unsigned k, Clock::time_point deadline);
    Clock::time_point take_or_say_when(unsigned k) noexcept;

    Mutex turn_;            ///< belongs to the head of the queue
    double const interval_; ///< from token to token, in nanoseconds
    unsigned const burst_;
    detail::SpinLock lock_;
    // guarded by lock_
    std::size_t queued_ = 0;
    double missing_ = 0; ///< how long it took, at `counted_at_`, until the bucket is full; in nanoseconds
    Clock::time_point counted_at_;
};

} // namespace frond::inline v0
