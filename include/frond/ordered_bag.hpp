#pragma once

#include <frond/detail/basic_bag.hpp>

namespace frond::inline v0 {

/// A `Bag` that yields in the order in which its tasks were spawned, whatever the order in which they end;
/// or, with `Sequence::serial`, in the order of the program in which each spawn is a call. A task may put
/// none, one or many results; one that fails yields its error in its place, one that is cancelled closes its
/// place.
///
/// Example:
///     frond::OrderedBag<std::string> names{pool, {.sequence = frond::Sequence::serial}};
///     names.spawn([&] { walk(root, names); });     // puts a name, spawns into the bag for each child
///     for (std::string&& name : names) print(name); // as the recursive program would print them
///
/// Lifetime, Thread safety, Cost: as `Bag`. What comes before its turn waits in memory, as much as `buffer`
/// and `window` allow; the task that is first in order is never held back by them. Members and options: those
/// of `detail::BasicBag`, in frond/detail/basic_bag.hpp.
template <class T>
class OrderedBag final : public detail::BasicBag<T> {
    using Base = detail::BasicBag<T>;

public:
    OrderedBag() : OrderedBag(BagOptions{}) {}
    /// @throws std::invalid_argument for a buffer or window of 0
    explicit OrderedBag(BagOptions options) : Base{nullptr, options, order_of(options)} {}
    /// Its tasks count against the cap of `pool`. *Suspends* until the home answers, as `Group`'s.
    /// @throws Closed when the home has ended
    explicit OrderedBag(Pool& pool, BagOptions options = {}) : Base{&pool, options, order_of(options)} {}

private:
    static detail::ItemOrder order_of(BagOptions const& o) noexcept {
        return o.sequence == Sequence::serial ? detail::ItemOrder::serial : detail::ItemOrder::spawn;
    }
};

} // namespace frond::inline v0
