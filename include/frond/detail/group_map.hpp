#pragma once

#include <frond/cancel.hpp>
#include <frond/detail/fed_stream.hpp>
#include <frond/group.hpp>
#include <frond/stream.hpp>
#include <frond/task.hpp>

#include <cstddef>
#include <memory>
#include <ranges>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

namespace frond::inline v0 {

namespace detail {

template <class Rng>
void reserve_for(auto& results, Rng& input) {
    if constexpr (std::ranges::sized_range<Rng>) results.reserve(std::ranges::size(input));
}

} // namespace detail

template <class Rng, class F>
auto Group::imap(Rng&& input, F f, StreamOptions options, std::source_location at) {
    static_assert(detail::Mappable<Rng, F>, "frond: imap: f cannot be called with the input's elements");
    if constexpr (detail::Mappable<Rng, F>) // else no more errors than that one
        return detail::make_stream(this, detail::rules_for_stream(core_.pool, options, true),
                                   std::forward<Rng>(input), std::move(f), at);
}

template <class Rng, class F>
auto Group::imap_unordered(Rng&& input, F f, StreamOptions options, std::source_location at) {
    static_assert(detail::Mappable<Rng, F>,
                  "frond: imap_unordered: f cannot be called with the input's elements");
    if constexpr (detail::Mappable<Rng, F>)
        return detail::make_stream(this, detail::rules_for_stream(core_.pool, options, false),
                                   std::forward<Rng>(input), std::move(f), at);
}

template <class Rng, class F>
auto Group::map(Rng&& input, F f, std::source_location at) {
    static_assert(detail::Mappable<Rng, F>, "frond: map: f cannot be called with the input's elements");
    if constexpr (!detail::Mappable<Rng, F>) {
        return;
    } else if constexpr (std::is_void_v<detail::ResultOfMap<Rng, F>>) {
        auto stream = imap(std::forward<Rng>(input), std::move(f), {}, at);
        while (stream.next()) {
        }
    } else {
        std::vector<detail::Held<detail::ResultOfMap<Rng, F>>> results;
        detail::reserve_for(results, input);
        for (auto&& result : imap(std::forward<Rng>(input), std::move(f), {}, at))
            results.push_back(std::forward<decltype(result)>(result));
        return results;
    }
}

template <class Rng, class F>
auto Group::map_outcomes(Rng&& input, F f, std::source_location at) {
    static_assert(detail::Mappable<Rng, F>,
                  "frond: map_outcomes: f cannot be called with the input's elements");
    if constexpr (detail::Mappable<Rng, F>) {
        std::vector<Outcome<detail::ResultOfMap<Rng, F>>> results;
        detail::reserve_for(results, input);
        auto stream = imap(std::forward<Rng>(input), std::move(f), {}, at);
        for (auto&& outcome : stream.outcomes()) results.push_back(std::forward<decltype(outcome)>(outcome));
        return results;
    }
}

template <class Rng, class F>
auto Group::map_tasks(Rng&& input, F f, std::source_location at) {
    static_assert(detail::Mappable<Rng, F>, "frond: map_tasks: f cannot be called with the input's elements");
    if constexpr (detail::Mappable<Rng, F>) {
        using T = detail::ResultOfMap<Rng, F>;
        using Item = std::ranges::range_value_t<Rng>;
        struct Call {
            std::shared_ptr<F> f;
            Item item;
            T operator()() && { return detail::call_with(*f, item); }
        };
        detail::check_callable(f);
        auto const shared = std::make_shared<F>(std::move(f));
        std::vector<Task<T>> tasks;
        detail::reserve_for(tasks, input);
        try {
            detail::InputReader<Rng> reader{std::forward<Rng>(input)};
            while (auto item = reader.next()) tasks.push_back(spawn(Call{shared, *std::move(item)}, at));
        } catch (...) {
            // Those that are queued go first: none of them starts in the slot of one that ends.
            for (auto const& task : std::views::reverse(tasks)) task.request_cancel();
            Shield const shield; // they may refer to what the caller is about to unwind
            for (auto const& task : tasks) task.wait();
            throw;
        }
        return tasks;
    }
}

} // namespace frond::inline v0
