#pragma once

#include "scheduler/guard.hpp"
#include "scheduler/home.hpp"
#include "scheduler/remote.hpp"

#include <frond/detail/group_core.hpp>
#include <frond/errors.hpp>

#include <cstddef>
#include <exception>
#include <string_view>
#include <vector>

namespace frond::inline v0::detail {

// From a task's spawn to its end, as its group sees it. Under the guard of the group's home, where there is
// none among the parameters, too; but not `next_task_id`, `discard` and `report_unhandled`.

std::uint64_t next_task_id() noexcept;

/// Whether everything that was spawned has ended, also what is on its way from other threads.
inline bool has_no_tasks(GroupCore const& g) noexcept {
    return g.size.get() == 0 && g.incoming.load(std::memory_order_acquire) == 0;
}
/// And nobody has announced more.
inline bool is_quiescent(GroupCore const& g) noexcept {
    return has_no_tasks(g) && g.holds.load(std::memory_order_acquire) == 0;
}

/// The group counts the task from now on.
void begin_life(TaskNode& t) noexcept;
/// It has its slot, or needs none.
void count_as_active(TaskNode& t) noexcept;
/// A node that never belonged to its group: the callable dies, the handle sees a cancelled task.
void discard(TaskNode& t) noexcept;
/// The same where the caller gets no handle.
void discard_with_handle(TaskNode& n) noexcept;
/// Cancels a task that has not ended: unstarted it never starts, else its waits end.
void cancel_task(Guard& guard, TaskNode& t) noexcept;
/// Cancels all tasks of the group but `spared`, and those on their way into it, until its next quiescence.
/// @return how many. @pre the guard is wide if the group's pool has submitters
std::size_t cancel_tasks(Guard& guard, GroupCore& g, TaskNode const* spared = nullptr) noexcept;
/// The same with a reason, for who asks from outside; sees to the guard itself.
std::size_t cancel_group(Guard& guard, GroupCore& g, std::string_view reason,
                         TaskNode const* spared = nullptr) noexcept;
/// Does not wait for it; any thread. `for_good`: as a stop token does it.
void request_cancel(GroupCore& g, std::string_view reason, bool for_good = false) noexcept;
/// Tells the joiners if the group is quiescent.
void check_quiescence(Guard& guard, GroupCore& g) noexcept;

/// The failed task whose error comes next; nullptr: nobody has anything to see.
TaskNode* first_error(GroupCore& g) noexcept;
std::exception_ptr group_timeout() noexcept;
/// What a `join` has to throw: that the group's deadline has passed; else the first error since the last
/// quiescence, else the oldest one that nobody has seen; nullptr if there is none.
std::exception_ptr next_error(Guard& guard, GroupCore& g) noexcept;
/// It was thrown.
void forget_next_error(Guard& guard, GroupCore& g) noexcept;
/// Both in one.
std::exception_ptr take_error(Guard& guard, GroupCore& g) noexcept;
/// The error of `t` was seen.
void forget_error(Guard& guard, TaskNode& t) noexcept;
/// Those seen on other threads, before the news of that comes.
void forget_seen(Guard& guard, GroupCore& g) noexcept;
/// The reference that a message took on another thread, dropped here.
void drop_ref_of_message(TaskNode& n) noexcept;
/// All that nobody has seen, oldest first.
std::vector<TaskError> take_errors(Guard& guard, GroupCore& g);

/// A destructor's wait, in `list`, until `has_ended(w.target)`. Nobody could catch anything: a stall ends the
/// program, and a cancellation or deadline of the caller is passed on by `cancel(w.target)`.
/// @param begin as for `wait_remotely`
void wait_in_destructor(Home& h, Waiter& w, Waiter*& list, bool (*has_ended)(void const*),
                        void (*begin)(RemoteWait&, Guard&) noexcept,
                        void (*cancel)(Guard&, void const*) noexcept) noexcept;

TaskError describe_error(TaskNode const& t, std::exception_ptr error) noexcept;
/// To the unhandled-error handler.
FROND_API void report_unhandled(TaskError const& e) noexcept;

} // namespace frond::inline v0::detail
