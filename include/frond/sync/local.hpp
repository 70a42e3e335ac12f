#pragma once

#include <frond/detail/task_value.hpp>

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

namespace frond::inline v0 {

/// A variable of which each task has its own, made when the task first asks for it. What `thread_local` is
/// to threads; a `thread_local` itself is shared by all tasks of a thread.
///
/// Example:
///     frond::Local<std::mt19937> dice;
///     group.spawn([&] { roll(dice.get()); });     // seeded anew in each task
///
/// Lifetime: a task's value dies when the task ends, on its fiber, shielded from cancellation; the values
/// that were made last die first. It may outlive the Local. Outside of tasks each thread has one, until it
/// ends. Thread safety: any task may ask, on any thread; each gets its own.
/// *Suspends* never. Cost: one allocation a task and value; a search among the task's values.
template <class T>
class Local {
public:
    Local()
        requires std::default_initializable<T>
    = default;
    /// @param make called in each task for the first value, also on several threads at once
    explicit Local(std::function<T()> make) : make_{std::move(make)} {}
    Local(Local const&) = delete;
    Local& operator=(Local const&) = delete;

    /// @throws what making the value throws
    T& get() {
        if (void* const there = detail::find_value(key_)) return *static_cast<T*>(there);
        auto fresh = make();
        detail::add_value(key_, fresh.get(), detail::own_value_ops<T>);
        return *fresh.release();
    }
    T& operator*() { return get(); }
    T* operator->() { return &get(); }

private:
    std::unique_ptr<T> make() {
        if constexpr (std::default_initializable<T>)
            if (!make_) return std::make_unique<T>();
        return std::unique_ptr<T>{new T(make_())};
    }

    std::uint64_t const key_ = detail::next_value_key();
    std::function<T()> make_;
};

} // namespace frond::inline v0
