#pragma once

#include <frond/detail/collector.hpp>
#include <frond/detail/item_node.hpp>
#include <frond/errors.hpp>
#include <frond/outcome.hpp>

#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

namespace frond::inline v0::detail {

/// A task for a collector of items of type T. @throws std::invalid_argument for an empty callable
template <class T, class F, class... A>
ItemNode& make_item_task(GroupCore& g, std::source_location at, F&& f, A&&... args) {
    check_callable(f);
    using Call = std::decay_t<decltype(bind_call(std::forward<F>(f), std::forward<A>(args)...))>;
    auto& n = build_node<ItemTask<T, Call>>(g, *g.home, at,
                                            bind_call(std::forward<F>(f), std::forward<A>(args)...));
    hand_down_values(n);
    return n;
}

/// The outcome that an item is; ends the item.
template <class T>
Outcome<T> take_outcome(ItemNode& item) {
    struct Drop {
        ItemNode& n;
        ~Drop() { drop_item(n); }
    } const drop{item};
    auto const index = item.index;
    if (item.state.load(std::memory_order_acquire) != TaskState::done)
        return Outcome<T>{item.error ? std::move(item.error) : std::make_exception_ptr(Cancelled{}), index};
    if constexpr (std::is_void_v<T>)
        return Outcome<T>{index};
    else if constexpr (std::is_reference_v<T>)
        return Outcome<T>{std::in_place, static_cast<ValueNode<T>&>(item).result.get(), index};
    else
        return Outcome<T>{std::in_place, std::move(static_cast<ValueNode<T>&>(item).result.get()), index};
}

/// The next outcome of a collector; nothing at the deadline, and at the end.
template <class T>
std::optional<Outcome<T>> read_outcome(Collector& from, Clock::time_point deadline, bool& at_end) {
    std::optional<Outcome<T>> outcome;
    if (ItemNode* const item = from.take(deadline, at_end)) outcome.emplace(take_outcome<T>(*item));
    return outcome;
}

} // namespace frond::inline v0::detail
