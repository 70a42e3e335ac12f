#pragma once

#include <frond/detail/callable_node.hpp>
#include <frond/detail/export.hpp>

#include <concepts>
#include <exception>
#include <functional>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace frond::inline v0 {

namespace detail {

/// Calls `work(argument)` on an offload thread and suspends the caller until it has returned; `stop` is told
/// when the caller has to stop. @throws Cancelled, also where `work` is never called
FROND_API void offload(void (*work)(void*), void* argument, std::stop_source* stop);

template <class F>
struct BlockingCall {
    using Result = std::invoke_result_t<F>;
    static Result invoke(F&& f, std::stop_source const*) { return std::invoke(std::forward<F>(f)); }
};
template <class F>
    requires std::invocable<F, std::stop_token>
struct BlockingCall<F> {
    using Result = std::invoke_result_t<F, std::stop_token>;
    static Result invoke(F&& f, std::stop_source const* stop) {
        return std::invoke(std::forward<F>(f), stop->get_token());
    }
};

} // namespace detail

/// Calls `f` on an offload thread, for calls that block their thread: files, DNS, libraries without an
/// asynchronous interface, long computations. Only this fiber waits. There are min(32, cores + 4) such
/// threads for the process, made at the first use; more calls than that queue.
///
/// A call that has begun is waited for, whatever happens. `f` may take a `std::stop_token`, which stops when
/// the calling task is cancelled or a deadline around it passes; what it returns or throws after that is
/// dropped. A call that has not begun by then never will.
///
/// Example:
///     with_timeout(1s, [&] {
///         return frond::blocking([&](std::stop_token stop) { return search(haystack, stop); });
///     });
///
/// *Suspends* always, until `f` has returned. @throws what `f` throws; Cancelled; std::logic_error in an Asio
/// handler
///
/// Cost: two allocations and about two thread switches, 10-20 µs.
template <class F>
    requires std::invocable<F> || std::invocable<F, std::stop_token>
typename detail::BlockingCall<F>::Result blocking(F&& f) {
    detail::check_callable(f);
    using R = typename detail::BlockingCall<F>::Result;
    struct Call {
        F& f;
        std::stop_source stop;
        std::exception_ptr error = nullptr;
        std::optional<
            std::conditional_t<std::is_void_v<R>, bool,
                               std::conditional_t<std::is_reference_v<R>, std::remove_reference_t<R>*, R>>>
            result = std::nullopt;

        R operator()() { return detail::BlockingCall<F>::invoke(std::forward<F>(f), &stop); }
    };
    constexpr bool takes_token = std::invocable<F, std::stop_token>;
    Call call{f, takes_token ? std::stop_source{} : std::stop_source{std::nostopstate}};
    detail::offload(
        [](void* argument) {
            auto& c = *static_cast<Call*>(argument);
            try {
                if constexpr (std::is_void_v<R>) {
                    c();
                } else if constexpr (std::is_reference_v<R>) {
                    R&& found = c();
                    c.result = &found;
                } else {
                    c.result.emplace(c());
                }
            } catch (...) {
                c.error = std::current_exception();
            }
        },
        &call, takes_token ? &call.stop : nullptr);
    if (call.error) std::rethrow_exception(std::move(call.error));
    if constexpr (std::is_reference_v<R>)
        return static_cast<R>(**call.result);
    else if constexpr (!std::is_void_v<R>)
        return std::move(*call.result);
}

} // namespace frond::inline v0
