#include "ownership/lifecycle.hpp"
#include "scheduler/home.hpp"
#include "scheduler/stall.hpp"

namespace frond::inline v0::detail {

namespace {

/// Nobody will read their results any more, so what they hold back would never come to its turn.
void stop_streams(Home& h) noexcept {
    auto const next = [&h] {
        GroupCore* g = h.groups.head;
        while (g && (!g->results || g->cancelled || g->size.get() == 0)) g = g->home_next;
        return g;
    };
    while (GroupCore* const g = next()) {
        Guard guard{h};
        cancel_group(guard, *g, "the thread has ended");
    }
}

} // namespace

void wait_for_last_task(Home& h) noexcept {
    stop_streams(h);
    while (h.live_tasks > 0) {
        Waiter w{WaitKind::home_end, &h};
        w.destructor = true;
        h.last_task_waiter = &w;
        h.park(w);
        h.last_task_waiter = nullptr;
        if (w.reason == WakeReason::stalled) die_of_stall();
    }
}

} // namespace frond::inline v0::detail
