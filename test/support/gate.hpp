#pragma once

#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <atomic>

namespace frond::test {

/// Lets everybody else go on until @p holds() is true. Keeps the caller's slot, and is never a stall.
template <class Predicate>
void yield_until(Predicate holds) {
    while (!holds()) this_task::yield();
}

/// Lets others go on until @p task waits. It says so under the lock of what it waits for: who looks there
/// next finds it in the queue. Nor does it wait for ever for one that has ended.
template <class T>
void until_waiting(Task<T> const& task) {
    yield_until([&task] { return task.state() == TaskState::waiting || task.ready(); });
}

/// Closed until somebody opens it, from any thread; it forces an order where a sleep would only suggest one.
class Gate {
public:
    void open() { open_.store(true, std::memory_order_release); }
    bool is_open() const { return open_.load(std::memory_order_acquire); }
    void pass() const {
        yield_until([this] { return is_open(); });
    }

private:
    std::atomic<bool> open_{false};
};

} // namespace frond::test
