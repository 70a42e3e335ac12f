#pragma once

#include <frond/detail/export.hpp>

#include <concepts>
#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace frond::inline v0 {

namespace detail {

/// Calls `work(argument)` on an offload thread and suspends the caller until it has returned.
FROND_API void offload(void (*work)(void*), void* argument);

} // namespace detail

/// Calls `f` on an offload thread, for calls that block their thread: files, DNS, libraries without an
/// asynchronous interface, long computations. Only this fiber waits. There are min(32, cores + 4) such
/// threads for the process, made at the first use; more calls than that queue. *Suspends* always, until `f`
/// has returned. @throws what `f` throws; std::logic_error in an Asio handler Cost: about two thread
/// switches, 10-20 µs.
template <std::invocable F>
std::invoke_result_t<F> blocking(F&& f) {
    using R = std::invoke_result_t<F>;
    struct Call {
        F& f;
        std::exception_ptr error = nullptr;
        std::optional<
            std::conditional_t<std::is_void_v<R>, bool,
                               std::conditional_t<std::is_reference_v<R>, std::remove_reference_t<R>*, R>>>
            result = std::nullopt;
    } call{f};
    detail::offload(
        [](void* argument) {
            auto& c = *static_cast<Call*>(argument);
            try {
                if constexpr (std::is_void_v<R>)
                    std::invoke(std::forward<F>(c.f));
                else if constexpr (std::is_reference_v<R>)
                    c.result = &std::invoke(std::forward<F>(c.f));
                else
                    c.result.emplace(std::invoke(std::forward<F>(c.f)));
            } catch (...) {
                c.error = std::current_exception();
            }
        },
        &call);
    if (call.error) std::rethrow_exception(std::move(call.error));
    if constexpr (std::is_reference_v<R>)
        return static_cast<R>(**call.result);
    else if constexpr (!std::is_void_v<R>)
        return std::move(*call.result);
}

} // namespace frond::inline v0
