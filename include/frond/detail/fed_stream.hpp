#pragma once

#include <frond/detail/collector.hpp>
#include <frond/detail/input_reader.hpp>
#include <frond/detail/stream_source.hpp>
#include <frond/detail/typed_collector.hpp>
#include <frond/errors.hpp>
#include <frond/stream.hpp>
#include <frond/this_task.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <source_location>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace frond::inline v0::detail {

/// `F` can be called with the elements of the tuple.
template <class F, class Tuple, class Indices>
inline constexpr bool takes_elements = false;
template <class F, class Tuple, std::size_t... I>
inline constexpr bool takes_elements<F, Tuple, std::index_sequence<I...>> =
    std::is_invocable_v<F, std::tuple_element_t<I, Tuple>...>;

template <class F, class Item>
concept TakesWhole = std::invocable<F&, Item>;
template <class F, class Item>
concept TakesParts = !TakesWhole<F, Item> && requires { std::tuple_size<Item>::value; } &&
                     takes_elements<F&, Item, std::make_index_sequence<std::tuple_size<Item>::value>>;

/// Calls `f` with an element, moved; with its parts if it is a tuple, and `f` wants them.
template <class F, class Item>
decltype(auto) call_with(F& f, Item& item) {
    if constexpr (TakesWhole<F, Item>)
        return std::invoke(f, std::move(item));
    else
        return std::apply(f, std::move(item));
}

/// What can be mapped: elements are copied, or moved from a container that the call was given for good.
template <class Rng, class F>
concept Mappable =
    std::ranges::input_range<Rng> && std::ranges::viewable_range<Rng> && std::constructible_from<F, F> &&
    (TakesWhole<F, std::ranges::range_value_t<Rng>> || TakesParts<F, std::ranges::range_value_t<Rng>>);

template <class Rng, class F>
using ResultOfMap =
    Kept<decltype(call_with(std::declval<F&>(), std::declval<std::ranges::range_value_t<Rng>&>()))>;

/// A stream of `f` of each element of an input.
template <class Rng, class F>
class FedStream final : public StreamSource<ResultOfMap<Rng, F>> {
    using T = ResultOfMap<Rng, F>;
    using Item = typename InputReader<Rng>::Item;

public:
    FedStream(Group const* like, ResultRules const& rules, Rng&& input, F&& f, std::source_location at)
        : f_{std::move(f)}, collector_{like, rules}, at_{at} {
        ItemNode& feeder = make_item_task<T>(collector_.core(), at,
                                             Feeder{this, InputReader<Rng>{std::forward<Rng>(input)}});
        feeder.is_feeder = true;
        collector_.submit(feeder);
    }

    std::optional<Outcome<T>> read(Clock::time_point deadline) override {
        bool at_end = false;
        auto outcome = read_outcome<T>(collector_, deadline, at_end);
        if (at_end)
            if (auto const error = collector_.take_feeder_error()) std::rethrow_exception(error);
        return outcome;
    }
    std::size_t cancel(std::string_view reason) override { return collector_.cancel(reason); }
    void request_cancel(std::string_view reason) noexcept override { collector_.request_cancel(reason); }

private:
    /// An element's task.
    struct Call {
        FedStream* stream;
        Item item;
        decltype(auto) operator()() && { return call_with(stream->f_, item); }
    };

    /// Reads the input. The input dies with it.
    struct Feeder {
        FedStream* stream;
        InputReader<Rng> input;

        void operator()() && {
            try {
                stream->feed(input);
            } catch (Cancelled const&) {
                throw;
            } catch (...) {
                stream->collector_.keep_feeder_error(std::current_exception());
            }
        }
    };

    void feed(InputReader<Rng>& input) {
        constexpr unsigned turn = 256;
        for (unsigned reads = 1;; ++reads) {
            collector_.wait_for_place();
            auto item = input.next();
            if (!item) return;
            collector_.submit(make_item_task<T>(collector_.core(), at_, Call{this, *std::move(item)}));
            // An input without end, and room without end, leave the others their turn.
            if (reads % turn == 0) yield();
        }
    }

    F f_;
    Collector collector_;
    std::source_location at_;
};

/// @param like whose home and pool the tasks get; nullptr: the caller's home, and no pool
template <class Rng, class F>
auto make_stream(Group const* like, ResultRules const& rules, Rng&& input, F f, std::source_location at) {
    check_callable(f);
    return Stream<ResultOfMap<Rng, F>>{
        std::make_unique<FedStream<Rng, F>>(like, rules, std::forward<Rng>(input), std::move(f), at)};
}

} // namespace frond::inline v0::detail
