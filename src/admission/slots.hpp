#pragma once

#include "scheduler/guard.hpp"
#include "scheduler/home.hpp"

#include <frond/detail/pool_core.hpp>
#include <frond/detail/task_node.hpp>

#include <functional>

namespace frond::inline v0::detail {

// Slots of a pool: who gets one, who lends one. All under the guard of the pool's home.

/// Whether a task would be admitted at once: a slot is free, and nobody is queued before it.
inline bool has_free_slot(PoolCore const& p) noexcept {
    return p.active.get() < p.limit.get() && p.queued.get() == 0;
}

/// Whether a task from outside may be queued.
inline bool has_room(PoolCore const& p) noexcept {
    return has_free_slot(p) || p.queued.get() < p.max_pending;
}

/// Admits `t`, which is in no queue: it gets a slot and can start.
void admit(Guard& guard, PoolCore& p, TaskNode& t) noexcept;
/// Makes room for `t` in the queue, so that `enqueue` cannot fail. @throws std::bad_alloc
void reserve_queue(PoolCore& p, TaskNode const& t);
void enqueue(PoolCore& p, TaskNode& t) noexcept;
void dequeue(PoolCore& p, TaskNode& t) noexcept;
/// Admits from the queue and lets submitters in, as far as slots and backlog allow.
/// @pre the guard is wide if there are submitters, or tasks are held: others may wait for those
void pump(Guard& guard, PoolCore& p) noexcept;

/// A member starts to wait for something that needs a slot of its pool.
void lend_slot(Guard& guard, TaskNode& t) noexcept;
/// SlotLoan: the running member does without its slot, and takes one again, if need be beyond the limit.
void give_slot_back(Guard& guard, TaskNode& t) noexcept;
void take_slot_again(TaskNode& t) noexcept;
/// A task that ends passes its slot on: to a lender that waits for it, or for the group if this was its last
/// task, or further up the chain of waits; else the pool has it back. @pre the guard is wide if anybody has
/// lent
void pass_slot_on(Guard& guard, PoolCore& p, TaskNode& ended, bool group_ended) noexcept;

/// A waiter moves what it waits for to the front of what has not started. @pre the guard is wide
void move_up(Guard const& guard, TaskNode& t) noexcept;
void move_up(Guard const& guard, GroupCore& g, bool from_member) noexcept;

/// Whether one of them has lent its slot of `p`.
bool has_lender(Guard const& guard, PoolCore const& p, Waiter* waiters) noexcept;

/// A pool in front of whose backlog a task waited lets it in. Supplied by the layer above.
void let_in(Guard& guard, TaskNode& t) noexcept;
/// The task comes to its turn for a slot: whether the results of its group still have room for more. If not,
/// it waits there. Supplied by the layer above, as the next.
bool is_let_in(TaskNode& t) noexcept;
/// It has got its slot.
void has_begun(Guard& guard, TaskNode& t) noexcept;

} // namespace frond::inline v0::detail
