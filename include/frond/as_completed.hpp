#pragma once

#include <frond/detail/fed_stream.hpp>
#include <frond/duration.hpp>
#include <frond/stream.hpp>
#include <frond/task.hpp>

#include <ranges>
#include <source_location>
#include <utility>

namespace frond::inline v0 {

namespace detail {

template <class T>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<Task<T>> = true;

template <class T>
struct AwaitIt {
    Task<T> operator()(Task<T>&& task) const {
        task.wait();
        return std::move(task);
    }
};

} // namespace detail

/// The handles of a range of tasks, each once its task has ended, in whatever way; `get` it for its result.
/// The tasks may be of any groups. Leaving the stream leaves them alone.
///
/// Example:
///     for (frond::Task<int>&& task : frond::as_completed(tasks)) use(task.get());
///
/// *Suspends* never; reading the stream does. Cost: a small task with a stack of its own for each task that
/// has not ended; `Group::imap_unordered` spawns and yields without that.
template <class Rng>
    requires std::ranges::input_range<Rng> && std::ranges::viewable_range<Rng> &&
             detail::is_task<std::ranges::range_value_t<Rng>>
auto as_completed(Rng&& tasks, std::source_location at = std::source_location::current()) {
    using T = typename std::ranges::range_value_t<Rng>::value_type;
    StreamOptions const all_at_once{.limit = unlimited, .buffer = unlimited};
    auto rules = detail::rules_for_stream(nullptr, all_at_once, false);
    rules.relays = true;
    return detail::make_stream(nullptr, rules, std::forward<Rng>(tasks), detail::AwaitIt<T>{}, at);
}

} // namespace frond::inline v0
