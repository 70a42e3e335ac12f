#pragma once

#include "scheduler/fiber.hpp"
#include "scheduler/home.hpp"

#include <boost/fiber/algo/algorithm.hpp>
#include <boost/fiber/context.hpp>
#include <boost/fiber/operations.hpp>
#include <boost/fiber/properties.hpp>

namespace frond::inline v0::detail {

/// Our record of a context, where Boost keeps it: every context of the thread gets one before it is ever
/// resumed, also those that the user makes with Boost.Fiber.
class FiberProperties final : public boost::fibers::fiber_properties {
public:
    FiberProperties(boost::fibers::context* c, FiberKind kind) noexcept : fiber_properties{c} {
        fiber.context = c;
        fiber.kind = kind;
    }
    ~FiberProperties() override;

    Fiber fiber;
};

inline Fiber* fiber_of(boost::fibers::context& c) noexcept {
    auto* const p = static_cast<FiberProperties*>(c.get_properties());
    return p ? &p->fiber : nullptr;
}

/// Boost.Fiber's view of a home.
class Algorithm final : public boost::fibers::algo::algorithm {
public:
    explicit Algorithm(Home& h) noexcept;
    ~Algorithm() override;

    void awakened(boost::fibers::context* c) noexcept override;
    boost::fibers::context* pick_next() noexcept override;
    bool has_ready_fibers() const noexcept override;
    void suspend_until(Clock::time_point const& deadline) noexcept override;
    void notify() noexcept override;

    /// In a forked child: the same thread gets a new home.
    void move_to(Home& h) noexcept { home_ = &h; }
    Home& home() noexcept { return *home_; }

private:
    Fiber& known(boost::fibers::context& c) noexcept;

    Home* home_;
};

/// Installs an algorithm for `h` on this thread, or moves the one that is there to it.
void install_algorithm(Home& h);

} // namespace frond::inline v0::detail
