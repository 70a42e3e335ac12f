#pragma once

#include <frond/detail/group_core.hpp>
#include <frond/duration.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>

namespace frond::inline v0 {

/// Which queued task a pool admits next. A task that somebody waits for goes first among its equals.
enum class Order : std::uint8_t {
    fifo,    ///< the oldest
    newest,  ///< the one spawned last
    priority ///< the largest `SpawnOptions::priority`, then the oldest
};

namespace detail {

using TaskQueue = IntrusiveList<TaskNode, &TaskNode::queue_next, &TaskNode::queue_prev>;
using GroupsOfPool = IntrusiveList<GroupCore, &GroupCore::pool_next, &GroupCore::pool_prev>;

/// The cap: slots, and who waits for one.
///
/// Invariants (seen by who may touch it, as a GroupCore)
/// 1. `active` = tasks of this pool with `has_slot`; a task that has lent its slot does not count.
/// 2. A task is admitted only while `active` < `limit`; `active` passes `limit` only when a lender goes on
///    without having been handed a slot.
/// 3. If `active` < `limit`, nobody is queued.
struct PoolCore {
    GroupCore* own = nullptr;
    Counter limit;
    std::size_t max_pending = 0;
    std::chrono::nanoseconds task_timeout = forever; ///< of each task's running time
    Order order = Order::fifo;
    bool closed_to_outsiders = false;
    Counter active;
    Counter queued;
    Counter live;         ///< tasks of all groups bound to it
    Counter lent;         ///< tasks that have lent their slot
    std::size_t held = 0; ///< tasks that wait until the results of their groups have room for more
    std::map<int, TaskQueue, std::greater<>> queues; ///< one entry unless the order is by priority
    GroupsOfPool groups;
    Waiter* submitters = nullptr;    ///< outsiders in front of a full backlog, each with its task
    Waiter* slot_watchers = nullptr; ///< wait_available
    Waiter* enders = nullptr;        ///< who waits for the last task of all groups
    Counter active_peak;
    Counter pending_peak;
    Counter admitted;
    Counter completed;
    Counter overdraft_peak;
};

} // namespace detail
} // namespace frond::inline v0
