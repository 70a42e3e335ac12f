#pragma once

#include <frond/detail/collector.hpp>
#include <frond/detail/held.hpp>
#include <frond/detail/typed_collector.hpp>

#include <cstddef>
#include <exception>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>
#include <variant>

namespace frond::inline v0 {

namespace detail {

/// Runs all of `F`; those that have not ended when it dies are cancelled and awaited.
template <class... F>
class Race {
public:
    using Result = std::variant<Held<ResultOf<F>>...>;

    explicit Race(F&&... f) {
        collector_.forget_unread(); // losers are nobody's errors
        auto const here = std::source_location::current();
        (collector_.submit(make_item_task<ResultOf<F>>(collector_.core(), here, std::forward<F>(f))), ...);
    }

    /// Waits for the next one to end. @return nullptr: all have ended
    ItemNode* next() {
        bool at_end = false;
        return collector_.take(Clock::time_point::max(), at_end);
    }
    /// The result of one that has ended. @throws its error
    static Result result_of(ItemNode& item) { return result_of(item, std::index_sequence_for<F...>{}); }

private:
    static ResultRules rules() {
        ResultRules r;
        r.yields_cancelled = true;
        return r;
    }
    template <std::size_t... I>
    static Result result_of(ItemNode& item, std::index_sequence<I...>) {
        std::optional<Result> result;
        auto const take = [&]<std::size_t Index, class T>() {
            auto outcome = take_outcome<T>(item);
            if constexpr (std::is_void_v<T>) {
                outcome.value();
                result.emplace(std::in_place_index<Index>);
            } else {
                result.emplace(std::in_place_index<Index>, std::move(outcome).value());
            }
        };
        auto const index = item.index;
        ((index == I ? take.template operator()<I, ResultOf<F>>() : void()), ...);
        return *std::move(result);
    }

    Collector collector_{nullptr, rules()};
};

} // namespace detail

/// Calls all of `f` at once, each in a task, bound to no pool; the first to end wins, with an error, too. The
/// others are cancelled and awaited. The callables may refer to the caller's variables.
///
/// Example:
///     auto const answer = frond::race([&] { return ask(server); }, [&] { return look_up(cache); });
///     if (answer.index() == 0) …
///
/// *Suspends*. @return the winner's result, at its place; as in `gather`. @throws what the winner threw;
/// Cancelled, Deadlock
template <class... F>
    requires(sizeof...(F) > 0 && (detail::Spawnable<F> && ...))
auto race(F&&... f) {
    detail::Race<F...> contest{std::forward<F>(f)...};
    auto* const item = contest.next();
    if (!item) throw Cancelled{}; // all of them, by nobody here
    return contest.result_of(*item);
}

/// The same, but the first that does not throw wins. @throws what the last of them threw, if all did
template <class... F>
    requires(sizeof...(F) > 0 && (detail::Spawnable<F> && ...))
auto first_of(F&&... f) {
    detail::Race<F...> contest{std::forward<F>(f)...};
    std::exception_ptr last;
    while (auto* const item = contest.next()) {
        if (item->state.load(std::memory_order_acquire) == TaskState::done) return contest.result_of(*item);
        try {
            contest.result_of(*item);
        } catch (...) {
            last = std::current_exception();
        }
    }
    if (!last) throw Cancelled{};
    std::rethrow_exception(last);
}

} // namespace frond::inline v0
