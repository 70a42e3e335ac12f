#pragma once

#include "scheduler/guard.hpp"
#include "scheduler/home.hpp"
#include "scheduler/inbox.hpp"
#include "scheduler/timer_queue.hpp"

#include <frond/detail/group_core.hpp>
#include <frond/duration.hpp>

#include <optional>
#include <stop_token>
#include <utility>

namespace frond::inline v0::detail {

/// What may stop a group from outside: its deadline, its stop token. Lives on its own, because its timer
/// belongs to a thread that need not be the one on which the group dies.
class GroupStop : Timer, Message {
public:
    GroupStop(GroupCore& g, Clock::time_point deadline, std::stop_token token) noexcept
        : group_{&g}, home_{*g.home}, deadline_{deadline}, token_{std::move(token)} {}

    /// Sets the timer. Under the guard of the group's home. @throws std::bad_alloc
    void arm(Guard& guard);
    /// Afterwards, without it: a token that has stopped already takes effect at once.
    void listen() noexcept;
    /// The group is quiescent, and about to die. Deletes itself as soon as its timer allows.
    void end() noexcept;

private:
    struct Stopper {
        GroupStop* self;
        void operator()() const noexcept { self->stop(); }
    };

    void stop() noexcept;
    void expire() noexcept;

    GroupCore* group_; ///< nullptr once that is gone; under the guard of the home
    Home& home_;
    Home* timer_home_ = nullptr; ///< on whose thread the timer is
    bool arming_ = false;        ///< the message that sets it is on its way
    Clock::time_point deadline_;
    std::stop_token token_;
    std::optional<std::stop_callback<Stopper>> callback_;
};

} // namespace frond::inline v0::detail
