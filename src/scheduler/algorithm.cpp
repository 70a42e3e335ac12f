#include "scheduler/algorithm.hpp"

#include <boost/fiber/scheduler.hpp>
#include <boost/fiber/type.hpp>

namespace frond::inline v0::detail {

namespace bf = boost::fibers;

namespace {
thread_local constinit Algorithm* installed_algorithm = nullptr;
}

FiberProperties::~FiberProperties() {
    if (fiber.home) fiber.home->disown(fiber);
}

Algorithm::Algorithm(Home& h) noexcept : home_{&h} { installed_algorithm = this; }

Algorithm::~Algorithm() {
    installed_algorithm = nullptr;
    home_->scheduler_gone();
}

namespace {

Fiber& introduce(bf::context& c, Home& h) {
    auto const kind = c.is_context(bf::type::dispatcher_context) ? FiberKind::dispatcher
                      : c.is_context(bf::type::main_context)     ? FiberKind::main
                                                                 : FiberKind::guest;
    auto* const p = new FiberProperties{&c, kind};
    c.set_properties(p);
    h.adopt(p->fiber);
    return p->fiber;
}

} // namespace

/// Contexts that we did not make are met here first: the dispatcher, the main context, and the user's own
/// fibers, at their launch, when no lock is held.
Fiber& Algorithm::known(bf::context& c) noexcept {
    Fiber* const f = fiber_of(c);
    return f ? *f : introduce(c, *home_);
}

void Algorithm::awakened(bf::context* c) noexcept {
    Fiber& f = known(*c);
    if (home_->believes_running(f)) home_->resumed_unpicked(known(*bf::context::active()));
    home_->became_ready(f);
}

bf::context* Algorithm::pick_next() noexcept {
    Fiber& from = known(*bf::context::active());
    Fiber* const to = home_->pick(from);
    if (!to) return nullptr;
    home_->swap_exceptions(from, *to);
    return to->context;
}

bool Algorithm::has_ready_fibers() const noexcept { return home_->has_ready_fibers(); }

void Algorithm::suspend_until(Clock::time_point const& deadline) noexcept { home_->block_until(deadline); }

void Algorithm::notify() noexcept { home_->notify_from_boost(); }

void install_algorithm(Home& h) {
    bf::context* const active = bf::context::active();
    if (installed_algorithm) {
        installed_algorithm->move_to(h);
        return;
    }
    introduce(*active, h);
    bf::use_scheduling_algorithm<Algorithm>(h);
}

} // namespace frond::inline v0::detail
