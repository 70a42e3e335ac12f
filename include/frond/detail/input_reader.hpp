#pragma once

#include <frond/errors.hpp>
#include <frond/this_task.hpp>

#include <exception>
#include <iterator>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

namespace frond::inline v0::detail {

/// Reads a range element by element, each decay-copied, or moved where the range is a container that was
/// given for good. What it throws comes as a ProviderError, but for `Cancelled` where the reading task is.
template <class Rng>
class InputReader {
    using View = std::views::all_t<Rng>;
    static constexpr bool owns_items =
        !std::is_lvalue_reference_v<Rng> && !std::ranges::view<std::remove_cvref_t<Rng>>;

public:
    using Item = std::ranges::range_value_t<Rng>;

    explicit InputReader(Rng&& input) : view_{std::views::all(std::forward<Rng>(input))} {}

    /// The next element; nothing at the end. Reads no further than asked.
    std::optional<Item> next() {
        try {
            if (!advance()) return std::nullopt;
            if constexpr (owns_items)
                return std::optional<Item>{std::in_place, std::ranges::iter_move(*position_)};
            else
                return std::optional<Item>{std::in_place, **position_};
        } catch (Cancelled const&) {
            this_task::check();
            throw ProviderError{"cancelled"}; // not who reads it
        } catch (std::exception const& e) {
            throw ProviderError{e.what()};
        } catch (...) {
            throw ProviderError{"unknown exception"};
        }
    }

private:
    /// @return false: there is none. Not inlined, or gcc 12 takes the position for uninitialised.
    [[gnu::noinline]] bool advance() {
        if (position_)
            ++*position_;
        else
            position_.emplace(std::ranges::begin(view_));
        return *position_ != std::ranges::end(view_);
    }

    View view_;
    std::optional<std::ranges::iterator_t<View>> position_;
};

} // namespace frond::inline v0::detail
