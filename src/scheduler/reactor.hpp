#pragma once

#include <frond/detail/export.hpp>
#include <frond/duration.hpp>

namespace frond::inline v0::detail {

/// Where a thread with I/O sleeps instead of on its futex. The scheduler knows no more of Asio than this.
class FROND_API Reactor {
public:
    virtual ~Reactor() = default;
    /// Runs what is ready without waiting. Home thread, on the reactor fiber's guarded stack.
    virtual void poll() = 0;
    /// Waits until something happens, `interrupt` is called or `deadline` passes, and runs it.
    virtual void wait_until(Clock::time_point deadline) = 0;
    /// Any thread: makes a present or the next `wait_until` return.
    virtual void interrupt() noexcept = 0;
    /// Any thread: whether an operation is under way that could still wake a fiber, or a handler is due.
    virtual bool has_work() = 0;
    /// The home thread is over; nothing is called any more until the reactor is installed elsewhere.
    virtual void thread_ended() noexcept = 0;
};

} // namespace frond::inline v0::detail
