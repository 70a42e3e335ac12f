#pragma once

#include "scheduler/home.hpp"
#include "scheduler/team.hpp"

#include <frond/detail/task_node.hpp>

#include <exception>

namespace frond::inline v0::detail {

/// The right to touch what belongs to a home, for one scope. For a thread's own home it is nothing but a
/// place to put what must wait until everything is in order again; for one of a `Runtime`'s homes it holds
/// that home's lock, or those of all its fellows.
///
/// Nothing of the user's runs inside: callables and results die, errors are reported and other threads are
/// told when the guard has let go.
class Guard {
public:
    explicit Guard(Home& h) noexcept : home{h} {
        if (h.team) {
            h.state_lock.lock();
            held_ = true;
        }
    }
    Guard(Guard const&) = delete;
    Guard& operator=(Guard const&) = delete;
    ~Guard() { release(); }

    /// Lets go and takes the locks of all homes of the runtime, in their order. What was read before must be
    /// read again.
    void widen() noexcept;
    /// Whether a walk may go wherever it leads.
    bool is_wide() const noexcept { return wide_ || !home.team; }
    bool covers(Home const& h) const noexcept { return &h == &home || (wide_ && h.team == home.team); }
    /// Ends it early.
    void release() noexcept {
        if (held_) unlock();
        if (dead_ || dropped_ || runnable_ || woken_ || announced_) settle();
    }

    /// A task that has its slot, or needs none. Starts here, or where it is pinned.
    void make_runnable(TaskNode& t, bool fifo) noexcept;
    /// Ends the wait of a fiber of any home: takes it off its list, gives a lender its slot back.
    void wake(Waiter& w, WakeReason reason) noexcept;
    /// A reference to drop. The node is in no list.
    void bury(TaskNode& t) noexcept {
        t.live_next = dead_;
        dead_ = &t;
    }
    /// A task to end that has not started, and is in no queue.
    void drop_unstarted(TaskNode& t) noexcept {
        t.queue_next = dropped_;
        dropped_ = &t;
    }

    /// The number of a new walk through the wait graph.
    std::uint64_t new_walk() const noexcept { return home.team ? ++home.team->walks : ++home.walks; }

    Home& home;

private:
    void unlock() noexcept;
    void settle() noexcept;
    Home& starter_of(TaskNode const& t) const noexcept;

    bool held_ = false;
    bool wide_ = false;
    Home* announced_ = nullptr;   ///< in whose run queue something was put that others may want
    TaskNode* dead_ = nullptr;    ///< linked through live_next
    TaskNode* dropped_ = nullptr; ///< linked through queue_next, the last one first
    TaskNode* runnable_ =
        nullptr;               ///< for the run queue of a home that is not covered; linked through queue_next
    Message* woken_ = nullptr; ///< waiters of other threads' fibers
};

} // namespace frond::inline v0::detail
