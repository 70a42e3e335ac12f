#pragma once

#include "scheduler/fiber.hpp"

#include <frond/detail/stop_scope.hpp>
#include <frond/duration.hpp>

namespace frond::inline v0::detail {

struct Waiter;

/// What may end a fiber's waits early: its task's cancellation, its deadline scopes; and what holds them off:
/// shields, and exceptions in flight.
struct StopChain {
    Fiber& fiber;
    int uncaught; ///< exceptions in flight on the fiber

    /// Of the calling fiber.
    static StopChain of_running(Fiber& f) noexcept;
    /// Of one that is suspended in one of our waits.
    static StopChain of_suspended(Fiber& f) noexcept { return {f, static_cast<int>(f.exceptions.uncaught)}; }

    /// From when on its waits end: the past if they do now; `max()`: never, as far as is known.
    Clock::time_point moment() const noexcept { return look().moment; }
    /// The same, but for deadlines alone.
    Clock::time_point deadline() const noexcept { return look().deadline; }
    bool must_stop() const noexcept;
    /// The outermost deadline that has passed is the one that ends the wait. nullptr: the task was cancelled.
    StopScope* fire() const noexcept;
    /// The same where only a destructor waits.
    void cut_destructor() const noexcept;

private:
    struct View {
        Clock::time_point moment = Clock::time_point::max();
        Clock::time_point deadline = Clock::time_point::max();
    };
    View look() const noexcept;
    StopScope* outermost_expired() const noexcept;
    /// Calls `f(scope, moment)` for each deadline that counts, the innermost first: from that moment on it
    /// ends waits. @return from when on the task's cancellation does; `max()`: never
    template <class F>
    Clock::time_point visit_deadlines(F f) const noexcept;
};

/// Whether waits of the calling fiber end now. Cheap where nothing ever stopped it.
inline bool must_stop_now(Fiber& f) noexcept {
    return f.may_be_stopped() && StopChain::of_running(f).must_stop();
}
/// Throws what ends the calling fiber's waits now. @pre must_stop_now
[[noreturn]] void throw_cancelled(Fiber& f);
/// After a wait: throws Deadlock or Cancelled if that is how it ended.
void throw_if_cut_short(Waiter const& w);

} // namespace frond::inline v0::detail
