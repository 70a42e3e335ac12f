#pragma once

#include <frond/task.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <utility>

namespace frond::test {

/// The handles of a program's tasks. Thread safety: all of it, for tasks wait for each other and threads
/// outside look at them.
class ParallelHandles {
public:
    explicit ParallelHandles(std::size_t tasks) : slots_(tasks) {}

    /// How many tasks the program has, with a handle or without.
    std::uint32_t size() const { return static_cast<std::uint32_t>(slots_.size()); }
    /// @return empty if it was not spawned yet, or its handle was dropped
    Task<int> of(std::uint32_t task) const {
        std::lock_guard const lock{slots_[task].mutex};
        return slots_[task].handle;
    }
    void keep(std::uint32_t task, Task<int> handle) {
        std::lock_guard const lock{slots_[task].mutex};
        slots_[task].handle = std::move(handle);
    }
    void drop(std::uint32_t task) {
        std::lock_guard const lock{slots_[task].mutex};
        slots_[task].handle = {};
    }

private:
    struct Slot {
        mutable std::mutex mutex;
        Task<int> handle;
    };

    std::deque<Slot> slots_;
};

} // namespace frond::test
