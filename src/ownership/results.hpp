#pragma once

#include "scheduler/guard.hpp"
#include "scheduler/task_values.hpp"

#include <frond/detail/group_core.hpp>
#include <frond/detail/result_buffer.hpp>

namespace frond::inline v0::detail {

// The results of a group that has a ResultBuffer. All under the guard of the group's home.

/// All tasks of such a group are ItemNodes.
inline ItemNode& item_of(TaskNode& t) noexcept { return static_cast<ItemNode&>(t); }
inline ItemNode const& item_of(TaskNode const& t) noexcept { return static_cast<ItemNode const&>(t); }

/// Whether the task counts against its pool's cap.
inline bool needs_slot(TaskNode const& t) noexcept {
    return t.group->pool && !(t.group->results && item_of(t).is_feeder);
}

/// A new task of the group gets its number and its place.
void begin_item(GroupCore& g, ItemNode& n) noexcept;
/// A result from elsewhere.
void add_item(Guard& guard, GroupCore& g, ItemNode& n) noexcept;
/// A task ends: it becomes a result, or gives up its place and the buffer's reference. Before others may see
/// that it has ended.
void end_item(GroupCore& g, ItemNode& n, TaskState outcome) noexcept;
/// The first result, with the buffer's reference; nullptr: there is none to read. Call `after_change` then.
ItemNode* take_item(ResultBuffer& r) noexcept;

/// Whether a new task may be placed; else it is held.
bool let_in_or_hold(ResultBuffer& r, ItemNode& n) noexcept;
/// A task that was let in comes to its turn. @return false: the buffer has filled up since, it is held again
bool is_still_let_in(ResultBuffer& r, ItemNode& n) noexcept;
/// It starts, or was admitted by its pool, so another one may be let in.
void item_begun(Guard& guard, ItemNode& n) noexcept;
void drop_held(ResultBuffer& r, ItemNode& n) noexcept;

/// The second half of `after_change`.
void tell_others(Guard& guard, GroupCore& g) noexcept;
/// A place may have become free, or a result readable: sees to those held, the readers and the feeder.
/// @pre the guard is wide if anything is held
inline void after_change(Guard& guard, GroupCore& g) noexcept {
    ResultBuffer const& r = *g.results;
    if (!r.held.empty() || r.readers || r.feeder) tell_others(guard, g);
}
inline bool has_held(GroupCore const& g) noexcept { return g.results && !g.results->held.empty(); }

/// Whether the feeder may read on.
inline bool has_place(GroupCore const& g) noexcept {
    ResultBuffer const& r = *g.results;
    auto const alive = g.size.get() - 1; // without the feeder itself
    return alive < r.rules.feed_limit && alive + r.unread.get() < r.rules.feed_room;
}

/// Whether what `child` and its descendants put into an ordered bag belongs to the place of `parent`, which
/// is a task of that bag.
bool hands_down_place(TaskNode const& parent, TaskNode const& child) noexcept;
/// @throws std::bad_alloc
void inherit_place(TaskNode const& parent, TaskValues& values);
/// Adds a result from any thread. Takes the node in any case. @throws Closed, std::bad_alloc
void put(ItemNode& n);
/// Whether `place` will have to look who waits for whom.
bool may_lend(TaskNode const& n) noexcept;
/// Puts a live task where it can start, or in its pool's queue. @pre the guard is wide if `may_lend`
void place(Guard& guard, TaskNode& n, bool fifo) noexcept;
/// The same for one that was elsewhere since its spawn. Without memory for the queue it ends with that error.
void place_late(Guard& guard, TaskNode& n, bool fifo) noexcept;

} // namespace frond::inline v0::detail
