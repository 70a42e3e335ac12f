#pragma once

#include <frond/detail/task_value.hpp>

#include <concepts>
#include <cstdint>
#include <memory>
#include <utility>

namespace frond::inline v0 {

/// A variable of which each task has its own, which begins as a copy of what its spawner had at the spawn: a
/// request's id, a user, a logger's prefix, handed down to nested work without a parameter.
///
/// Example:
///     frond::Inherited<std::string> request;
///     request.get() = "r-17";
///     group.spawn([&] { log(request.get()); });   // r-17, whatever happens to ours from now on
///
/// Lifetime: as with `Local`. Thread safety: any task may ask, on any thread; each gets its own.
/// *Suspends* never. Cost: a copy for each spawn by a task that has a value, and an allocation; a search
/// among the task's values. The idea is Python's `contextvars`.
template <std::copy_constructible T>
class Inherited {
public:
    Inherited()
        requires std::default_initializable<T>
        : initial_{} {}
    /// @param initial for who has inherited nothing
    explicit Inherited(T initial) : initial_{std::move(initial)} {}
    Inherited(Inherited const&) = delete;
    Inherited& operator=(Inherited const&) = delete;

    /// @throws what copying the initial value throws, at the first call
    T& get() {
        if (void* const there = detail::find_value(key_)) return *static_cast<T*>(there);
        auto fresh = std::make_unique<T>(initial_);
        detail::add_value(key_, fresh.get(), detail::inherited_value_ops<T>);
        return *fresh.release();
    }
    T& operator*() { return get(); }
    T* operator->() { return &get(); }

private:
    std::uint64_t const key_ = detail::next_value_key();
    T const initial_;
};

} // namespace frond::inline v0
