#include "scheduler/remote.hpp"

#include "scheduler/stall.hpp"

#include <frond/errors.hpp>

#include <stdexcept>
#include <string>

namespace frond::inline v0::detail {

bool RemoteWait::complete(WakeReason why, std::exception_ptr e) noexcept {
    error = std::move(e);
    reason = why;
    auto expected = State::waiting;
    if (!state.compare_exchange_strong(expected, State::done, std::memory_order_acq_rel)) {
        drop();
        return false;
    }
    deliver = [](Message& m, Home& h) noexcept {
        auto& self = static_cast<RemoteWait&>(m);
        // Its deadline may have woken it in this very turn, before it could say that it has given up.
        if (self.local && self.local->fiber->waiting == self.local) h.wake(*self.local, WakeReason::done);
        self.drop();
    };
    if (!requester->post(*this)) drop();
    return true;
}

void wait_remotely(Home& h, Waiter& w, Clock::time_point deadline,
                   void (*begin)(RemoteWait&, Guard&) noexcept,
                   void (*give_up)(RemoteWait&, Guard&) noexcept) {
    Home& here = Home::current();
    here.check_may_wait();
    auto* const r = new RemoteWait{here, w};
    r->begin = begin;
    r->deliver = [](Message& m, Home& home) noexcept {
        auto& self = static_cast<RemoteWait&>(m);
        Guard guard{home};
        self.begin(self, guard);
    };
    if (!h.post(*r)) {
        // The home ended in between: what it leaves behind is read under its lock.
        std::lock_guard const lock{h.ended_lock};
        r->local = nullptr;
        {
            Guard guard{h};
            begin(*r, guard);
        }
        w.reason = r->reason;
        w.error = r->error;
        r->drop();
        return;
    }
    here.park(w, deadline);
    if (w.reason != WakeReason::done) {
        r->local = nullptr;
        auto expected = RemoteWait::State::waiting;
        if (r->state.compare_exchange_strong(expected, RemoteWait::State::abandoned,
                                             std::memory_order_acq_rel)) {
            // The proxy leaves its list, or those of a thread that polls would pile up there.
            if (w.reason == WakeReason::timeout) give_up = nullptr;
            send_to(h, [r, give_up](Guard& guard) {
                if (give_up) give_up(*r, guard);
                if (r->proxy.list) {
                    r->proxy.unlist();
                    r->drop();
                }
                r->drop();
            });
            return;
        }
    }
    w.reason = r->reason;
    w.error = r->error;
    r->drop();
}

bool notify(Guard& guard, Waiter& w, WakeReason reason, std::exception_ptr error) noexcept {
    if (w.refused) reason = WakeReason::closed;
    if (w.remote) {
        w.unlist();
        return w.remote->complete(reason, std::move(error));
    }
    w.error = std::move(error);
    guard.wake(w, reason);
    return true;
}

void throw_deadlock() {
    throw Deadlock("frond: nothing can run any more; this wait would never end\n" +
                   std::exchange(Home::current().stall_graph, {}));
}

} // namespace frond::inline v0::detail
