#pragma once

#include <frond/detail/fed_stream.hpp>
#include <frond/duration.hpp>
#include <frond/stream.hpp>
#include <frond/this_task.hpp>

#include <concepts>
#include <cstddef>
#include <source_location>
#include <type_traits>
#include <utility>

namespace frond::inline v0 {

struct ConcurrentOptions {
    std::size_t limit = by_pool;   ///< calls in flight; by_pool: min(32, processors + 4)
    std::size_t buffer = by_limit; ///< unread results beyond those; by_limit: as many as `limit`
};

namespace detail {

/// Calls what it is given. An empty one is bad input, and yields that error in its place.
template <class C>
struct CallIt {
    decltype(auto) operator()(C&& callable) const
        requires TakesToken<C> || std::invocable<C>
    {
        check_callable(callable);
        if constexpr (TakesToken<C>)
            return std::move(callable)(this_task::stop_token());
        else
            return std::move(callable)();
    }
};

} // namespace detail

/// Calls each of `callables`, at most `limit` at a time and bound to no pool, and gives the results as they
/// come; `Outcome::index` tells which one it was. The range is read lazily, from one task, and may be
/// infinite or wait for its elements.
///
/// Example:
///     for (auto&& page : frond::concurrent(downloads, {.limit = 8})) store(page);
///
/// An error leaves the loop in its result's place: what runs is then cancelled and awaited, what has not
/// started is destroyed, as everywhere a `Stream` dies. `outcomes()` keeps going. *Suspends* never; reading
/// the stream does. A callable that takes a `std::stop_token` gets its task's. Thread safety, Lifetime, Cost:
/// as `Stream`. @throws std::invalid_argument for zeros. The idea, and the default limit, come from the
/// Python library aio.tasks.
template <class Rng>
    requires detail::Mappable<Rng, detail::CallIt<std::ranges::range_value_t<Rng>>>
auto concurrent(Rng&& callables, ConcurrentOptions options = {},
                std::source_location at = std::source_location::current()) {
    StreamOptions const as_stream{.limit = options.limit, .buffer = options.buffer};
    return detail::make_stream(nullptr, detail::rules_for_stream(nullptr, as_stream, false),
                               std::forward<Rng>(callables),
                               detail::CallIt<std::ranges::range_value_t<Rng>>{}, at);
}

} // namespace frond::inline v0
