#pragma once

#include <frond/detail/item_node.hpp>
#include <frond/detail/pool_core.hpp>
#include <frond/duration.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>

namespace frond::inline v0::detail {

/// In which order the results of a group's tasks are read.
enum class ItemOrder : std::uint8_t {
    completion, ///< as they come
    spawn,      ///< in the order in which their tasks were spawned
    serial      ///< as if each spawn had been a call
};

/// What a ResultBuffer lets in and what it keeps. Fixed before the first spawn.
struct ResultRules {
    ItemOrder order = ItemOrder::completion;
    std::size_t buffer = unlimited; ///< no task is let in while so many results are unread
    std::size_t window = unlimited; ///< nor while so many tasks, whose places have not been passed, were
    bool yields_cancelled = false;  ///< a task that ends cancelled yields that
    bool relays = false;            ///< each task waits for another one, and yields as soon as that has ended
    std::size_t feed_limit = 0;     ///< the feeder keeps at most so many tasks alive; 0: there is no feeder
    std::size_t feed_room = 0;      ///< and so many of them and of unread results together
};

/// The results of a group's tasks, on their way to whoever reads them.
///
/// The list holds results, and, unless the order is that of completion, a place for each task that has not
/// ended: what a task puts in stands before its own place, what it returns takes the place itself. So the
/// results that can be read are those in front of the first place.
///
/// Invariants (seen by who may touch it, as a GroupCore)
/// 1. `unread` = nodes in the list that are `ready`. Each node in the list, and each task that is not in it
///    and has not ended, holds one reference for the buffer.
/// 2. `let_in` = tasks that may start and have not; `passing` = nodes in the list of tasks that were let in.
/// 3. Of the tasks that are `held` the first is let in as soon as `admits` says so, and the one whose place
/// is
///    the head of the list always is: the reader waits for it.
struct ResultBuffer {
    using Items = IntrusiveList<ItemNode, &ItemNode::item_next, &ItemNode::item_prev>;

    ResultRules rules;
    Items items;
    Counter unread;
    std::size_t spawned = 0; ///< tasks so far
    std::size_t let_in = 0;
    std::size_t passing = 0;
    bool letting_in = false;         ///< somebody is at it already
    std::atomic<bool> left{false};   ///< its owner has cancelled the rest: that yields nothing
    bool cut = false;                ///< somebody else has cancelled the feeder: more would have come
    std::size_t served = 0;          ///< relays that are about to yield: the first reader needs its slot
    TaskQueue held;                  ///< oldest first
    Waiter* readers = nullptr;       ///< who waits for the next result
    Waiter* feeder = nullptr;        ///< it waits for a place
    std::exception_ptr feeder_error; ///< why there is no more to come; thrown after the last result
    std::uint64_t place_key = 0;     ///< order by spawn: of the place that descendants of a task inherit
};

inline bool is_readable(ResultBuffer const& r) noexcept { return r.items.head && r.items.head->ready; }

} // namespace frond::inline v0::detail
