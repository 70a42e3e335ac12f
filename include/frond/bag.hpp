#pragma once

#include <frond/detail/basic_bag.hpp>

namespace frond::inline v0 {

/// A group whose results are read while its tasks run, in the order in which they come. Tasks return their
/// results or `put` them, and may spawn more, to any depth; one loop reads it all. `OrderedBag` where the
/// order matters; `Group::imap` where each result belongs to one element of an input.
///
/// Example:
///     frond::Bag<Page> bag{pool};
///     bag.spawn([&] { return visit(root, bag); });   // visit() spawns into the bag, too
///     for (Page&& page : bag) print(page);           // as they come, until all is done
///
/// A task that throws yields its error in its place: `next` and the loop rethrow it, and can go on after it.
/// Cancelled tasks yield nothing.
///
/// Lifetime: the destructor, so also leaving the loop and letting the bag die, drops what is queued, cancels
/// what runs, and waits for it; it waits for holds, too. Errors that nobody has read go to the
/// unhandled-error handler.
/// Thread safety: as `Group`; any number of fibers and threads may spawn, put and read.
/// Cost: one allocation for the bag; a result costs none of its own but for `put`; a task some 30 bytes more
/// than in a group. The idea, and the name, come from the Python library aioutils. Members and options: those
/// of `detail::BasicBag`, in frond/detail/basic_bag.hpp.
template <class T>
class Bag final : public detail::BasicBag<T> {
    using Base = detail::BasicBag<T>;

public:
    Bag() : Bag(BagOptions{}) {}
    /// @throws std::invalid_argument for a buffer of 0
    explicit Bag(BagOptions options) : Base{nullptr, options, detail::ItemOrder::completion} {}
    /// Its tasks count against the cap of `pool`. *Suspends* until the home answers, as `Group`'s.
    /// @throws Closed when the home has ended
    explicit Bag(Pool& pool, BagOptions options = {}) : Base{&pool, options, detail::ItemOrder::completion} {}
};

} // namespace frond::inline v0
