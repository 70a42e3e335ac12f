#pragma once

#include <frond/detail/export.hpp>

#include <atomic>
#include <cstdint>

namespace frond::inline v0::detail {

struct TaskNode;

/// How a value that belongs to a task is destroyed, and how a child gets its own.
struct ValueOps {
    void (*destroy)(void*) noexcept;
    void* (*copy)(void const*); ///< nullptr: children get none
};

/// Names a Local or an Inherited; never used twice.
FROND_API std::uint64_t next_value_key() noexcept;
/// The calling task's value, or nullptr. Outside of tasks each fiber, in particular each thread, has its own.
FROND_API void* find_value(std::uint64_t key) noexcept;
/// Gives the calling task a value; takes the object if it returns. @throws std::bad_alloc
FROND_API void add_value(std::uint64_t key, void* object, ValueOps const& ops);

/// Whether anybody has ever had a value that children inherit: else spawns need not look.
extern FROND_API constinit std::atomic<bool> values_are_inherited;
/// Gives a new task copies of what the calling one hands down. @throws what the copying throws; then the node
/// is gone
FROND_API void inherit_values(TaskNode& child);
inline void hand_down_values(TaskNode& child) {
    if (values_are_inherited.load(std::memory_order_relaxed)) [[unlikely]]
        inherit_values(child);
}

template <class T>
inline constexpr ValueOps own_value_ops{[](void* p) noexcept { delete static_cast<T*>(p); }, nullptr};
template <class T>
inline constexpr ValueOps inherited_value_ops{
    [](void* p) noexcept { delete static_cast<T*>(p); },
    [](void const* p) -> void* { return new T(*static_cast<T const*>(p)); }};

} // namespace frond::inline v0::detail
