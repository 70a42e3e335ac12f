#pragma once

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

/// A wait of a fiber for something that lives on another home. The proxy stands in the list there; completion
/// and deadline race for `state`, and whoever wins decides, so that a result is delivered or stays where it
/// is.
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
                  Home&) noexcept = nullptr; ///< on the target's home: enlist the proxy, or complete

    /// Target's home. @return false: the requester has given up; nothing was delivered
    bool complete(WakeReason why, std::exception_ptr e = nullptr) noexcept;
    void drop() noexcept {
        if (refs.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }
};

/// Waits, on the calling thread, for `w.target`, which lives on `h`. `begin` runs there; it enlists the proxy
/// or completes the wait at once. Sets `w.reason` and `w.error`.
void wait_remotely(Home& h, Waiter& w, Clock::time_point deadline,
                   void (*begin)(RemoteWait&, Home&) noexcept);

/// @throws Deadlock with the wait graph
[[noreturn]] void throw_deadlock();

/// Ends any wait, of this home's fiber or of another's. @return false: a remote waiter has given up
bool notify(Home& h, Waiter& w, WakeReason reason, std::exception_ptr error = nullptr) noexcept;

/// Runs `f` on the home's thread, or here if that has ended; the caller waits for it. `f` must not wait.
template <class F>
auto call_on(Home& h, F&& f) -> std::invoke_result_t<F&> {
    using R = std::invoke_result_t<F&>;
    if (h.is_here()) return f();
    struct Call {
        F& f;
        std::optional<std::conditional_t<std::is_void_v<R>, bool, R>> result;
        std::exception_ptr error;
        void run() noexcept {
            try {
                if constexpr (std::is_void_v<R>)
                    f();
                else
                    result.emplace(f());
            } catch (...) {
                error = std::current_exception();
            }
        }
    } call{f, std::nullopt, nullptr};
    if (h.state.load(std::memory_order_acquire) == HomeState::live && thread_may_wait()) {
        Waiter w{WaitKind::remote, &call};
        wait_remotely(h, w, Clock::time_point::max(), [](RemoteWait& r, Home&) noexcept {
            static_cast<Call*>(const_cast<void*>(r.proxy.target))->run();
            r.complete(WakeReason::done);
        });
        if (w.reason == WakeReason::stalled) throw_deadlock();
    } else {
        std::lock_guard const lock{h.ended_lock};
        call.run();
    }
    if (call.error) std::rethrow_exception(std::move(call.error));
    if constexpr (!std::is_void_v<R>) return std::move(*call.result);
}

/// Sends `f` to the home, to run there some time; where the home has ended it runs here and now.
/// Without memory for the message it is lost: only for what may be.
template <class F>
void send_to(Home& h, F f) noexcept {
    struct Letter : Message {
        F f;
        explicit Letter(F&& g) noexcept : f{std::move(g)} {
            deliver = [](Message& m, Home&) noexcept {
                std::unique_ptr<Letter> const self{static_cast<Letter*>(&m)};
                self->f();
            };
        }
    };
    if (auto* const m = new (std::nothrow) Letter{std::move(f)}; m && !h.post(*m)) {
        std::unique_ptr<Letter> const self{m};
        std::lock_guard const lock{h.ended_lock};
        self->f();
    }
}

} // namespace frond::inline v0::detail
