#pragma once

#include <frond/detail/held.hpp>
#include <frond/detail/stop_scope.hpp>
#include <frond/duration.hpp>
#include <frond/errors.hpp>
#include <frond/this_task.hpp>

#include <concepts>
#include <optional>
#include <type_traits>
#include <utility>

namespace frond::inline v0 {

namespace detail {

/// Calls `f` under a deadline. @return whether it ended in time; else it has thrown nothing
template <class F>
bool call_until(Clock::time_point deadline, F&& f) {
    StopScope scope{StopScope::Kind::deadline, deadline};
    try {
        std::forward<F>(f)();
    } catch (Cancelled const&) {
        if (scope.is_own_end()) return false;
        throw;
    }
    return !scope.has_cut_destructor();
}

} // namespace detail

/// Calls `f` and returns its result. Once `d` has passed, every wait inside throws `Cancelled`, in the
/// calling fiber only; what that unwinds to here becomes `TimedOut`. A destructor that waits inside has its
/// tasks cancelled instead. An `f` that ends later without having waited is not disturbed: its result counts.
/// Where `d` is not positive the first wait throws.
///
/// Nested, the nearest deadline applies, and each scope throws for itself only: where an outer one has
/// passed, too, that one throws. Tasks that `f` spawns into groups which outlive it are not affected.
///
/// *Suspends* as `f` does. @throws TimedOut, and what `f` throws
/// Thread safety: usable in tasks and on any thread. Cost: some 10 ns, and a timer for each wait inside.
template <std::invocable F>
std::invoke_result_t<F> with_timeout(std::chrono::nanoseconds d, F&& f) {
    using R = std::invoke_result_t<F>;
    if constexpr (std::is_void_v<R>) {
        if (!detail::call_until(detail::deadline_after(d), std::forward<F>(f))) throw TimedOut{};
    } else {
        std::optional<detail::Held<R>> result;
        if (!detail::call_until(detail::deadline_after(d), [&] { result.emplace(std::forward<F>(f)()); }))
            throw TimedOut{};
        return static_cast<R>(*std::move(result));
    }
}
template <class Rep, class Period, std::invocable F>
std::invoke_result_t<F> with_timeout(std::chrono::duration<Rep, Period> d, F&& f) {
    return with_timeout(detail::saturate(d), std::forward<F>(f));
}

/// The same, but where `with_timeout` throws `TimedOut` this returns nothing. A reference comes as a
/// `std::reference_wrapper`, and `void` as `std::monostate`. After trio's `move_on_after`.
template <std::invocable F>
std::optional<detail::Held<std::invoke_result_t<F>>> move_on_after(std::chrono::nanoseconds d, F&& f) {
    using R = std::invoke_result_t<F>;
    std::optional<detail::Held<R>> result;
    bool const in_time = detail::call_until(detail::deadline_after(d), [&] {
        if constexpr (std::is_void_v<R>) {
            std::forward<F>(f)();
            result.emplace();
        } else {
            result.emplace(std::forward<F>(f)());
        }
    });
    if (!in_time) result.reset();
    return result;
}
template <class Rep, class Period, std::invocable F>
std::optional<detail::Held<std::invoke_result_t<F>>> move_on_after(std::chrono::duration<Rep, Period> d,
                                                                   F&& f) {
    return move_on_after(detail::saturate(d), std::forward<F>(f));
}

/// While it lives, neither the task's cancellation nor a deadline around it ends a wait of the calling fiber:
/// for clean-up that waits although its task is to stop. Deadlines inside apply as ever.
///
/// While an exception unwinds the stack, destructors are shielded without it; a `catch` block is not.
///
/// Example:
///     catch (...) {
///         frond::Shield shield{1s};
///         connection.say_goodbye();       // may take a second, cancelled or not
///         throw;
///     }
///
/// Lifetime: a local variable; destroyed on the fiber that made it. Cost: some 5 ns. The idea is trio's.
class Shield {
public:
    /// @param at_most after that time it protects no more; not positive: it protects nothing
    explicit Shield(std::chrono::nanoseconds at_most = forever)
        : scope_{detail::StopScope::Kind::shield, detail::deadline_after(at_most)} {}
    template <class Rep, class Period>
    explicit Shield(std::chrono::duration<Rep, Period> at_most) : Shield{detail::saturate(at_most)} {}

private:
    detail::StopScope scope_;
};

} // namespace frond::inline v0
