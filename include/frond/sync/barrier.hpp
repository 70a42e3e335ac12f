#pragma once

#include <frond/detail/export.hpp>
#include <frond/detail/spin_lock.hpp>
#include <frond/detail/wait_list.hpp>
#include <frond/duration.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>

namespace frond::inline v0 {

/// A place where `n` participants wait for each other: it opens when the last of them arrives, and closes
/// behind them for the next round. To wait for the end of tasks, join their group.
///
/// Example:
///     frond::Barrier barrier{workers};
///     for (int i = 0; i < workers; ++i)
///         group.spawn([&, i] {
///             compute(i);
///             barrier.arrive_and_wait(); // everybody has computed
///             exchange(i);
///         });
///
/// A participant that is cancelled, or too late, takes its arrival back: the others then wait for somebody in
/// its place.
///
/// Lifetime: outlives its waits. Thread safety: all members from any thread; what a participant did before it
/// arrived is seen by all others afterwards. Cost: 32 bytes; no allocation but for a deadline.
class FROND_API Barrier {
public:
    /// @param n how many participants it waits for. @throws std::invalid_argument for zero and negative
    /// numbers
    template <std::integral I>
    explicit Barrier(I n)
        : participants_{detail::checked_count(n, "frond: Barrier: there must be a participant")} {}
    Barrier(Barrier const&) = delete;
    Barrier& operator=(Barrier const&) = delete;

    /// *Suspends* all but the last of the `n`. @throws Cancelled, Deadlock, having taken its arrival back
    void arrive_and_wait() { arrive_and_wait_until_deadline(Clock::time_point::max()); }
    /// @return whether it opened; false: `d` passed first, and the arrival is taken back
    /// @throws as `arrive_and_wait`
    template <class Rep, class Period>
    bool arrive_and_wait_for(std::chrono::duration<Rep, Period> d) {
        return arrive_and_wait_until_deadline(detail::deadline_after(d));
    }
    template <class C, class D>
    bool arrive_and_wait_until(std::chrono::time_point<C, D> t) {
        return arrive_and_wait_until_deadline(detail::deadline_at(t));
    }

private:
    bool arrive_and_wait_until_deadline(Clock::time_point deadline);
    void take_back() noexcept;

    std::size_t const participants_;
    detail::SpinLock lock_;
    // guarded by lock_
    std::size_t arrived_ = 0; ///< those in the list, and those that have left it and not yet said so here
    detail::WaitList waiting_;
};

} // namespace frond::inline v0
