#pragma once

#include <frond/detail/counter.hpp>
#include <frond/detail/task_node.hpp>

#include <atomic>
#include <cstdint>
#include <source_location>
#include <string>

namespace frond::inline v0 {

/// What a group does with its tasks' exceptions.
enum class OnError : std::uint8_t {
    collect, ///< keep them until somebody sees them; the other tasks go on
    cancel,  ///< keep them; the first one cancels the other tasks
    report   ///< hand each to the unhandled-error handler at once and keep none
};

namespace detail {

class GroupStop;
struct PoolCore;
struct ResultBuffer;

using LiveList = IntrusiveList<TaskNode, &TaskNode::live_next, &TaskNode::live_prev>;

/// The owner side of a group: its live tasks, its joiners, its errors.
///
/// Invariants
/// 1. All but the atomics belongs to the home: to its thread, or to who holds its lock (see TaskNode).
/// 2. `size` = tasks that are live; `active` of them are admitted, the others wait for a slot or their time.
/// 3. A failed task whose error nobody has seen stays linked in `errors`, which holds one reference to it.
struct GroupCore {
    Home* home = nullptr;
    PoolCore* pool = nullptr;
    LiveList live;
    Counter size;
    Counter active;
    std::atomic<std::size_t> incoming{0}; ///< spawned on other threads, still on their way
    std::atomic<std::size_t> holds{0};    ///< those who keep it open although nothing runs
    ResultBuffer* results = nullptr;      ///< where its tasks' results go; nullptr: they stay in the tasks
    Waiter* joiners = nullptr;            ///< circular, first come first
    Waiter* cancellers = nullptr;         ///< members that have cancelled the others and wait for their end
    LiveList errors;
    std::uint32_t errors_kept = 0;
    std::uint64_t errors_dropped = 0; ///< beyond the 64 that are kept
    std::uint32_t queued = 0;         ///< tasks in the pool's queue
    Tally unboosted;                  ///< tasks of a pool that have neither started nor been moved up
    Tally waiting_members;            ///< tasks that wait for tasks or groups
    OnError on_error = OnError::collect;
    bool is_pool = false;
    bool listed = false;    ///< among its home's groups
    bool shared = false;    ///< the home is a `Runtime`'s: several threads work on this
    bool cancelled = false; ///< until the next quiescence new tasks end cancelled
    bool spares = false;    ///< a member has cancelled the others, and not itself
    bool stopped = false;   ///< by its stop token: every quiescence leaves it cancelled
    bool expired = false;   ///< by its deadline: the same
    bool timed_out = false; ///< the deadline has ended tasks, and no `join` has said so yet
    std::atomic<bool> closed{false};
    int uncaught_at_birth = 0;
    std::uint64_t id = 0;
    std::uint64_t parent_task = 0; ///< the task that made it; 0: none
    GroupStop* stop = nullptr;     ///< what may stop it from outside; nullptr: nothing
    std::uint64_t walk_mark = 0;   ///< last walk of the wait graph that came by
    std::string name;
    std::string cancel_reason;      ///< while `cancelled`
    GroupCore* home_next = nullptr; ///< all groups of the home
    GroupCore* home_prev = nullptr;
    GroupCore* pool_next = nullptr; ///< all groups bound to the pool
    GroupCore* pool_prev = nullptr;
};

} // namespace detail
} // namespace frond::inline v0
