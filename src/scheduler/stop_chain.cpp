#include "scheduler/stop_chain.hpp"

#include "scheduler/home.hpp"

#include <algorithm>
#include <exception>

namespace frond::inline v0::detail {

StopChain StopChain::of_running(Fiber& f) noexcept { return {f, std::uncaught_exceptions()}; }

/// A shield holds off what is further out until its own end; an exception that was thrown inside a scope does
/// so without an end.
template <class F>
Clock::time_point StopChain::visit_deadlines(F f) const noexcept {
    auto held_off_until = Clock::time_point::min();
    for (StopScope* s = fiber.scopes; s && uncaught <= s->uncaught_; s = s->outer_) {
        auto const counts_from = std::max(s->at_, held_off_until);
        if (s->kind_ == StopScope::Kind::shield)
            held_off_until = counts_from;
        else
            f(*s, counts_from);
    }
    bool const task_is_cancelled = uncaught == 0 && fiber.task && fiber.task->is_marked(TaskNode::cancelled);
    return task_is_cancelled ? held_off_until : Clock::time_point::max();
}

StopChain::View StopChain::look() const noexcept {
    View v;
    auto const cancelled_from =
        visit_deadlines([&v](StopScope&, Clock::time_point at) { v.deadline = std::min(v.deadline, at); });
    v.moment = std::min(v.deadline, cancelled_from);
    return v;
}

bool StopChain::must_stop() const noexcept {
    auto const at = moment();
    if (at == Clock::time_point::max()) return false;
    return at == Clock::time_point::min() || at <= Clock::now();
}

StopScope* StopChain::outermost_expired() const noexcept {
    StopScope* found = nullptr;
    auto const now = Clock::now();
    auto const cancelled_from = visit_deadlines([&](StopScope& s, Clock::time_point at) {
        if (at <= now) found = &s;
    });
    return cancelled_from <= now ? nullptr : found;
}

StopScope* StopChain::fire() const noexcept {
    StopScope* const s = outermost_expired();
    if (s) s->fired_ = true;
    return s;
}

void StopChain::cut_destructor() const noexcept {
    if (StopScope* const s = outermost_expired()) s->fired_ = s->cut_destructor_ = true;
}

StopScope::StopScope(Kind kind, Clock::time_point at)
    : fiber_{&Home::current().current_fiber()},
      outer_{fiber_->scopes},
      at_{at},
      uncaught_{std::uncaught_exceptions()},
      kind_{kind} {
    fiber_->scopes = this;
}

StopScope::~StopScope() { leave(); }

void StopScope::leave() noexcept {
    if (!fiber_) return;
    fiber_->scopes = outer_;
    fiber_ = nullptr;
}

bool StopScope::is_own_end() noexcept {
    Fiber& f = *fiber_;
    leave();
    if (!fired_) return false;
    auto const further_out = StopChain::of_running(f);
    if (!further_out.must_stop()) return true;
    further_out.fire();
    return false;
}

} // namespace frond::inline v0::detail
