#include "ownership/lifecycle.hpp"
#include "scheduler/home.hpp"
#include "scheduler/stall.hpp"

#include <frond/detail/result_buffer.hpp>

namespace frond::inline v0::detail {

namespace {

bool is_alive(Home const& h, std::uint64_t task) noexcept {
    if (task == 0) return false;
    for (GroupCore const* g = h.groups.head; g; g = g->home_next)
        for (TaskNode const* t = g->live.head; t; t = t->live_next)
            if (t->id == task) return true;
    return false;
}

/// Nobody will read their results any more, so what they hold back would never come to its turn. Those that
/// a task has made, and those that somebody reads, are left to them.
void stop_streams(Home& h) noexcept {
    auto const is_stopped = [&h](GroupCore const& g) {
        return !g.results || g.cancelled || g.size.get() == 0 || g.results->readers ||
               is_alive(h, g.parent_task);
    };
    auto const next = [&] {
        GroupCore* g = h.groups.head;
        while (g && is_stopped(*g)) g = g->home_next;
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
