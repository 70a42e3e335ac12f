#pragma once

#include <frond/detail/export.hpp>
#include <frond/duration.hpp>

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string_view>

namespace frond::inline v0 {

namespace detail {
FROND_API void sleep_until_deadline(Clock::time_point deadline);
}

/// About the task that calls; outside a task: id 0 and an empty name.
namespace this_task {

/// As `Task::id`. *Suspends* never, as `name`.
FROND_API std::uint64_t id() noexcept;
/// Valid while the task runs.
FROND_API std::string_view name() noexcept;

/// Told when the calling task is cancelled, by a thread that need not be this one; for code that looks at it
/// while it computes, or hands it to others. Its callbacks must not wait. A deadline does not touch it.
/// Outside of tasks: a token that never stops. *Suspends* never. @throws std::bad_alloc. Cost: an allocation
/// or two at the first call in a task.
FROND_API std::stop_token stop_token();

/// Throws `Cancelled` if a wait would, now: for code that computes for long. *Suspends* never.
/// @throws Cancelled
FROND_API void check();

/// When a deadline around the caller, its task's own included, will end its waits; nothing: none will.
/// *Suspends* never.
FROND_API std::optional<Clock::time_point> deadline();

/// Lets everything on this thread that is ready, and up to 1,000 tasks that can start, go first. *Suspends*
/// if there is any.
/// @throws Cancelled; std::logic_error inside an Asio handler
FROND_API void yield();

/// *Suspends* for `d` at least; other tasks of the thread run meanwhile. Not positive: as `yield`.
/// @throws Cancelled; std::logic_error inside an Asio handler; Deadlock only for a sleep without an end
template <class Rep, class Period>
void sleep_for(std::chrono::duration<Rep, Period> d) {
    detail::sleep_until_deadline(detail::deadline_after(d));
}
template <class C, class D>
void sleep_until(std::chrono::time_point<C, D> t) {
    detail::sleep_until_deadline(detail::deadline_at(t));
}

} // namespace this_task

using this_task::sleep_for;
using this_task::sleep_until;
using this_task::yield;

} // namespace frond::inline v0
