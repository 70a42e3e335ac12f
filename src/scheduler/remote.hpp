#pragma once

#include "scheduler/guard.hpp"
#include "scheduler/home.hpp"
#include "scheduler/inbox.hpp"
#include "scheduler/waiter.hpp"

#include <frond/duration.hpp>

#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

namespace frond::inline v0::detail {

/// A wait of a fiber for something that lives on another thread's own home. The proxy stands in the list
/// there; completion and deadline race for `state`, and whoever wins decides, so that a result is delivered
/// or stays where it is.
struct RemoteWait : Message {
    enum class State : std::uint8_t { waiting, done, abandoned };

    RemoteWait(Home& from, Waiter& w) noexcept : requester{&from}, local{&w}, proxy{w.kind, w.target} {
        proxy.remote = this;
        proxy.cargo = w.cargo;
    }

    Home* const requester;
    Waiter* local;            ///< requester's home only; nullptr once it has given up
    Waiter proxy;             ///< target's home only
    std::exception_ptr error; ///< written before `state` becomes done
    WakeReason reason = WakeReason::done;
    std::atomic<State> state{State::waiting};
    std::atomic<int> refs{2};
    void (*begin)(RemoteWait&,
                  Guard&) noexcept = nullptr; ///< on the target's home: enlist the proxy, or complete

    /// Target's home. @return false: the requester has given up; nothing was delivered
    bool complete(WakeReason why, std::exception_ptr e = nullptr) noexcept;
    void drop() noexcept {
        if (refs.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }
};

/// Waits, on the calling thread, for `w.target`, which lives on `h`. `begin` runs there; it enlists the proxy
/// or completes the wait at once. Sets `w.reason` and `w.error`. `give_up`: runs there if the wait was
/// cancelled or stalled; the proxy is still in its list if it was in one.
void wait_remotely(Home& h, Waiter& w, Clock::time_point deadline,
                   void (*begin)(RemoteWait&, Guard&) noexcept,
                   void (*give_up)(RemoteWait&, Guard&) noexcept = nullptr);

/// @throws Deadlock with the wait graph
[[noreturn]] void throw_deadlock();

/// Ends any wait, of this home's fiber or of another's. @return false: a remote waiter has given up
bool notify(Guard& guard, Waiter& w, WakeReason reason, std::exception_ptr error = nullptr) noexcept;

/// Calls `f(guard)` where the home's state may be touched: here, if it is ours or a runtime's; else on its
/// thread, and the caller waits for it; here again, if that thread is over. `f` must not wait.
template <class F>
auto call_on(Home& h, F&& f) -> std::invoke_result_t<F&, Guard&> {
    using R = std::invoke_result_t<F&, Guard&>;
    if (h.is_reachable()) {
        if (&h == own_home) h.hear();
        Guard guard{h};
        return f(guard);
    }
    struct Call {
        F& f;
        std::optional<std::conditional_t<std::is_void_v<R>, bool, R>> result;
        std::exception_ptr error;
        void run(Guard& guard) noexcept {
            try {
                if constexpr (std::is_void_v<R>)
                    f(guard);
                else
                    result.emplace(f(guard));
            } catch (...) {
                error = std::current_exception();
            }
        }
    } call{f, std::nullopt, nullptr};
    auto const state = h.state.load(std::memory_order_acquire);
    // One that is ending still runs its tasks. If it ends on the way, what is left is seen to under its lock.
    if ((state == HomeState::live || state == HomeState::ending) && thread_may_wait()) {
        Waiter w{WaitKind::remote, &call};
        w.shielded = true; // the call refers to this frame
        wait_remotely(h, w, Clock::time_point::max(), [](RemoteWait& r, Guard& guard) noexcept {
            static_cast<Call*>(const_cast<void*>(r.proxy.target))->run(guard);
            r.complete(WakeReason::done);
        });
        if (w.reason == WakeReason::stalled) throw_deadlock();
    } else {
        std::lock_guard const lock{h.ended_lock};
        Guard guard{h};
        call.run(guard);
    }
    if (call.error) std::rethrow_exception(std::move(call.error));
    if constexpr (!std::is_void_v<R>) return std::move(*call.result);
}

/// The same without waiting for it. @return false: there is no memory for the message, it is lost
template <class F>
bool send_to(Home& h, F f) noexcept {
    if (h.is_reachable()) {
        Guard guard{h};
        f(guard);
        return true;
    }
    struct Letter : Message {
        F f;
        explicit Letter(F&& g) noexcept : f{std::move(g)} {
            deliver = [](Message& m, Home& home) noexcept {
                std::unique_ptr<Letter> const self{static_cast<Letter*>(&m)};
                Guard guard{home};
                self->f(guard);
            };
        }
    };
    auto* const m = new (std::nothrow) Letter{std::move(f)};
    if (!m) return false;
    if (h.post(*m)) return true;
    std::unique_ptr<Letter> const self{m};
    std::lock_guard const lock{h.ended_lock};
    Guard guard{h};
    self->f(guard);
    return true;
}

} // namespace frond::inline v0::detail
