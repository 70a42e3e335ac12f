#include "ownership/group_stop.hpp"

#include "ownership/lifecycle.hpp"

#include <new>

namespace frond::inline v0::detail {

void GroupStop::arm(Guard&) {
    if (deadline_ == Clock::time_point::max()) return;
    fire = [](Timer& t, Home&) noexcept { static_cast<GroupStop&>(t).expire(); };
    timer_home_ = this_home && this_home->is_fellow_of(home_) ? this_home : &home_;
    arming_ = !timer_home_->is_here();
    if (!arming_) timer_home_->timers.arm(*this, deadline_);
}

void GroupStop::listen() noexcept {
    if (token_.stop_possible()) callback_.emplace(std::move(token_), Stopper{this});
    if (!arming_) return;
    deliver = [](Message& m, Home& h) noexcept {
        auto& self = static_cast<GroupStop&>(m);
        bool gone = false;
        {
            Guard const guard{self.home_};
            self.arming_ = false;
            gone = self.group_ == nullptr;
        }
        if (gone) {
            delete &self;
            return;
        }
        try {
            h.timers.arm(self, self.deadline_);
        } catch (std::bad_alloc const&) {
            self.expire(); // better too early than never
        }
    };
    timer_home_->post(*this);
}

/// On whichever thread stops the token.
void GroupStop::stop() noexcept { request_cancel(*group_, "stop token", true); }

/// On the timer's thread.
void GroupStop::expire() noexcept {
    Guard guard{home_};
    guard.widen(); // first: while it lets go the group may die
    if (!group_) return;
    group_->expired = true;
    if (!is_quiescent(*group_)) group_->timed_out = true;
    cancel_group(guard, *group_, "deadline");
}

void GroupStop::end() noexcept {
    callback_.reset(); // waits for a stop that is under way on another thread
    bool const has_timer = timer_home_ != nullptr;
    {
        Guard const guard{home_};
        group_ = nullptr;
        if (arming_) return; // that message finds out
    }
    if (!has_timer || timer_home_->is_here()) {
        if (has_timer) timer_home_->timers.disarm(*this);
        delete this;
        return;
    }
    deliver = [](Message& m, Home& h) noexcept {
        auto& self = static_cast<GroupStop&>(m);
        h.timers.disarm(self);
        delete &self;
    };
    if (!timer_home_->post(*this)) delete this;
}

} // namespace frond::inline v0::detail
