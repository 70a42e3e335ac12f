#pragma once

#include "scheduler/home.hpp"
#include "scheduler/team.hpp"

#include <frond/detail/task_node.hpp>

#include <cstdint>
#include <memory>
#include <utility>

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
        if (h.team) [[unlikely]] {
            h.state_lock.lock();
            state_ = held;
        }
    }
    Guard(Guard const&) = delete;
    Guard& operator=(Guard const&) = delete;
    ~Guard() { release(); }

    /// Lets go and takes the locks of all homes of the runtime, in their order. What was read before must be
    /// read again.
    void widen() noexcept;
    /// Whether a walk may go wherever it leads.
    bool is_wide() const noexcept { return (state_ & wide) != 0 || !home.team; }
    bool covers(Home const& h) const noexcept {
        return &h == &home || ((state_ & wide) != 0 && h.team == home.team);
    }
    /// Where something of the user's has to die, or to be reported, lets go for that. @return whether it did:
    /// then look again.
    bool make_way() noexcept {
        return (state_ & leftovers) != 0 && (rest_.dead || rest_.dropped) && let_die();
    }
    /// Ends it early.
    void release() noexcept {
        if (state_ != 0) [[unlikely]]
            let_go();
    }

    /// A task that has its slot, or needs none. Starts here, or where it is pinned.
    void make_runnable(TaskNode& t, bool fifo) noexcept {
        if (home.team) [[unlikely]]
            make_runnable_in_team(t, fifo);
        else
            home.put(t, fifo);
    }
    /// Ends the wait of a fiber of any home: takes it off its list, gives a lender its slot back.
    void wake(Waiter& w, WakeReason reason) noexcept;
    /// A reference to drop. The node is in no list.
    void bury(TaskNode& t) noexcept { t.live_next = std::exchange(rest().dead, &t); }
    /// A task to end that has not started, and is in no queue.
    void drop_unstarted(TaskNode& t) noexcept { t.queue_next = std::exchange(rest().dropped, &t); }

    /// A task that has started and was marked as cancelled: ends its wait and tells its stop token.
    void stop(TaskNode& t) noexcept;

    /// The number of a new walk through the wait graph.
    std::uint64_t new_walk() const noexcept { return home.team ? ++home.team->walks : ++home.walks; }

    Home& home;

private:
    /// What is left to do when the locks are free again. Lists are linked the last one first.
    struct Rest {
        Home* announced = nullptr;   ///< in whose run queue something was put that others may want
        TaskNode* dead = nullptr;    ///< linked through live_next
        TaskNode* dropped = nullptr; ///< linked through queue_next
        TaskNode* runnable =
            nullptr; ///< for the run queue of a home that is not covered; linked through queue_next
        TaskNode* stopped = nullptr; ///< started and cancelled, with a reference; linked through queue_next
        Message* woken = nullptr;    ///< waiters of other threads' fibers
    };

    Rest& rest() noexcept {
        if ((state_ & leftovers) == 0) std::construct_at(&rest_);
        state_ |= leftovers;
        return rest_;
    }
    void let_go() noexcept;
    void unlock() noexcept;
    void settle() noexcept;
    bool let_die() noexcept;
    void make_runnable_in_team(TaskNode& t, bool fifo) noexcept;
    Home& starter_of(TaskNode const& t) const noexcept;

    static constexpr unsigned held = 1;
    static constexpr unsigned wide = 2;
    static constexpr unsigned leftovers = 4;

    unsigned state_ = 0; ///< 0: nothing is to be done at the end
    union {
        Rest rest_; ///< there if `leftovers`
    };
};

} // namespace frond::inline v0::detail
