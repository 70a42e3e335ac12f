#pragma once

#include <frond/detail/held.hpp>
#include <frond/group.hpp>

#include <tuple>
#include <utility>

namespace frond::inline v0 {

/// Calls all of `f` at once, each in a task, bound to no pool, and waits for them: their results as a tuple,
/// a `std::reference_wrapper` for a reference and a `std::monostate` for `void`. The first error cancels the
/// others and, once they have ended, is thrown. The callables may refer to the caller's variables.
///
/// Example:
///     auto [user, orders] = frond::gather([&] { return load_user(id); }, [&] { return load_orders(id); });
///
/// *Suspends*. @throws what the first of them threw; Cancelled, Deadlock. Cost: that of a group with as many
/// tasks.
template <class... F>
    requires(detail::Spawnable<F> && ...)
std::tuple<detail::Held<detail::ResultOf<F>>...> gather(F&&... f) {
    Group group{GroupOptions{.on_error = OnError::cancel}};
    std::tuple<Task<detail::ResultOf<F>>...> tasks{group.spawn(std::forward<F>(f))...};
    group.join();
    auto const result_of = []<class T>(Task<T>& task) -> detail::Held<T> {
        if constexpr (std::is_void_v<T>) {
            task.get(); // it may have ended cancelled
            return {};
        } else {
            return task.take();
        }
    };
    return std::apply(
        [&](auto&... task) { return std::tuple<detail::Held<detail::ResultOf<F>>...>{result_of(task)...}; },
        tasks);
}

} // namespace frond::inline v0
