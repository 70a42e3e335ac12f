#pragma once

#include "scheduler/home.hpp"

#include <frond/detail/group_core.hpp>
#include <frond/errors.hpp>

#include <exception>
#include <vector>

namespace frond::inline v0::detail {

// From a task's spawn to its end, as its group sees it. Home thread only, but for `next_task_id`.

std::uint64_t next_task_id() noexcept;

/// Whether everything that was spawned has ended, also what is on its way from other threads.
inline bool is_quiescent(GroupCore const& g) noexcept {
    return g.size.get() == 0 && g.incoming.load(std::memory_order_acquire) == 0;
}

/// The group counts the task from now on.
void begin_life(TaskNode& t) noexcept;
/// It has its slot, or needs none.
void count_as_active(TaskNode& t) noexcept;
/// A node that never belonged to its group: the callable dies, the handle sees a cancelled task.
void discard(TaskNode& t) noexcept;
/// The same where the caller gets no handle.
void discard_with_handle(TaskNode& n) noexcept;
/// Ends everything in the group that has not started.
void drop_backlog(GroupCore& g) noexcept;
/// Tells the joiners if the group is quiescent.
void check_quiescence(Home& h, GroupCore& g) noexcept;

/// The failed task whose error comes next; nullptr: nobody has anything to see.
TaskNode* first_error(GroupCore& g) noexcept;
/// Takes the error that a `join` has to throw: the first since the last quiescence, else the oldest one that
/// nobody has seen; nullptr if there is none.
std::exception_ptr take_error(GroupCore& g) noexcept;
/// The error of `t` was seen.
void forget_error(TaskNode& t) noexcept;
/// Drops one reference, on the home's thread or, once that has ended, under its lock.
void drop_ref_at_home(TaskNode& n) noexcept;
/// The reference that a message took on another thread, dropped here.
void drop_ref_of_message(TaskNode& n) noexcept;
/// All that nobody has seen, oldest first.
std::vector<TaskError> take_errors(GroupCore& g);

/// To the unhandled-error handler.
FROND_API void report_unhandled(TaskError const& e) noexcept;

} // namespace frond::inline v0::detail
