#include "ownership/lifecycle.hpp"
#include "scheduler/home.hpp"
#include "scheduler/stall.hpp"

namespace frond::inline v0::detail {

void wait_for_last_task(Home& h) noexcept {
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
