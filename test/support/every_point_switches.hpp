#pragma once

#include "scheduler/algorithm.hpp"
#include "scheduler/home.hpp"
#include "support/gate.hpp"

#include <utility>

namespace frond::test {

class Switches {
public:
    /// On the dispatcher, where nothing is held: the thread has left `left`, and nothing has been chosen yet.
    virtual void between(detail::Home& h, detail::Fiber& left) noexcept = 0;
    /// Likewise; `next` has been chosen, and does not know yet.
    virtual void before(detail::Home& h, detail::Fiber& next) noexcept = 0;
    virtual void falls_asleep(detail::Home& h) noexcept = 0;

protected:
    ~Switches() = default;
};

/// Wrapped around the scheduling algorithm. A message that is always on its way leads every switch over the
/// dispatcher, which asks us.
class WatchedAlgorithm final : public boost::fibers::algo::algorithm, detail::Message {
public:
    WatchedAlgorithm(detail::Home& h, Switches& watcher) : inner_{h}, watcher_{watcher} {
        deliver = [](detail::Message& m, detail::Home&) noexcept {
            static_cast<WatchedAlgorithm&>(m).is_sent_ = false;
        };
    }

    void awakened(boost::fibers::context* c) noexcept override { inner_.awakened(c); }
    boost::fibers::context* pick_next() noexcept override {
        detail::Fiber* const from = detail::fiber_of(*boost::fibers::context::active());
        if (!from || from->kind != detail::FiberKind::dispatcher) return inner_.pick_next();
        detail::Home& h = inner_.home();
        if (left_) watcher_.between(h, *left_);
        auto* const to = inner_.pick_next();
        left_ = to ? detail::fiber_of(*to) : nullptr;
        if (!left_) return to;
        watcher_.before(h, *left_);
        if (!std::exchange(is_sent_, true)) h.post(*this);
        return to;
    }
    bool has_ready_fibers() const noexcept override { return inner_.has_ready_fibers(); }
    void suspend_until(Clock::time_point const& deadline) noexcept override {
        watcher_.falls_asleep(inner_.home());
        inner_.suspend_until(deadline);
    }
    void notify() noexcept override { inner_.notify(); }

    /// Replaces the calling thread's algorithm, which must have nothing to do.
    static void install(Switches& watcher) {
        detail::Home& h = detail::Home::current();
        yield_until([&h] { return !h.has_ready_fibers(); });
        boost::fibers::use_scheduling_algorithm<WatchedAlgorithm>(h, watcher);
    }

private:
    detail::Algorithm inner_;
    Switches& watcher_;
    detail::Fiber* left_ = nullptr; ///< ran last; it may have retired since
    bool is_sent_ = false;
};

} // namespace frond::test
