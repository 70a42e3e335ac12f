#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>

namespace frond::inline v0 {

/// The clock of every deadline: monotonic, unaffected by changes of the wall clock.
using Clock = std::chrono::steady_clock;

/// "No deadline", as a duration option.
inline constexpr std::chrono::nanoseconds forever = std::chrono::nanoseconds::max();

/// "No bound", as a cap or a backlog. It is not the largest `std::size_t`, so that -1 turned unsigned is
/// recognised as the mistake it is.
inline constexpr std::size_t unlimited = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max());

namespace detail {

/// Converts any duration to nanoseconds; what does not fit becomes the nearest end of the range.
template <class Rep, class Period>
constexpr std::chrono::nanoseconds saturate(std::chrono::duration<Rep, Period> d) noexcept {
    using Wide = std::chrono::duration<long double, std::nano>;
    auto const wide = Wide{d}.count();
    if (wide >= static_cast<long double>(forever.count())) return forever;
    if (wide <= -static_cast<long double>(forever.count())) return -forever;
    return std::chrono::duration_cast<std::chrono::nanoseconds>(d);
}

constexpr std::chrono::nanoseconds saturate(std::chrono::nanoseconds d) noexcept { return d; }

/// The moment `d` from now; `Clock::time_point::max()` stands for never.
inline Clock::time_point deadline_after(std::chrono::nanoseconds d) noexcept {
    if (d == forever) return Clock::time_point::max();
    auto const now = Clock::now();
    if (d > Clock::time_point::max() - now) return Clock::time_point::max();
    return now + d;
}

template <class Rep, class Period>
Clock::time_point deadline_after(std::chrono::duration<Rep, Period> d) noexcept {
    return deadline_after(saturate(d));
}

/// A deadline given on any clock, moved to ours.
template <class C, class D>
Clock::time_point deadline_at(std::chrono::time_point<C, D> t) noexcept {
    if (t == std::chrono::time_point<C, D>::max()) return Clock::time_point::max();
    return deadline_after(saturate(t - C::now()));
}

template <class D>
Clock::time_point deadline_at(std::chrono::time_point<Clock, D> t) noexcept {
    return std::chrono::time_point_cast<Clock::duration>(t);
}

/// Rejects zero, negative and wrapped-around counts. @throws std::invalid_argument naming `what`.
template <std::integral I>
std::size_t checked_count(I n, char const* what, bool zero_allowed = false) {
    if constexpr (std::signed_integral<I>)
        if (n < 0) throw std::invalid_argument(what);
    auto const count = static_cast<std::uintmax_t>(n);
    if (count > unlimited || (count == 0 && !zero_allowed)) throw std::invalid_argument(what);
    return static_cast<std::size_t>(count);
}

} // namespace detail
} // namespace frond::inline v0
