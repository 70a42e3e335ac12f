#pragma once

#include <frond/detail/export.hpp>

#include <cstdint>
#include <exception>
#include <functional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>

namespace frond::inline v0 {

/// What every wait throws in a task that was cancelled, and in a deadline scope whose time is up (no function
/// lists it again for that), and `get` of a task that ended so; a task may throw it itself, to end as
/// cancelled. Deliberately not a `std::exception`: a handler for errors must not take a stop for one
/// of them. Who catches it with `catch (...)` should throw it on.
struct Cancelled {
    std::string text;
    /// Why, if anybody said so; valid as long as this object.
    std::string_view reason() const noexcept { return text; }
};

/// A deadline has passed: thrown by `with_timeout`, kept as the error of a task that was given one, thrown by
/// the `join` of a group that was.
struct FROND_API TimedOut : std::runtime_error {
    TimedOut() : std::runtime_error("frond: timed out") {}
    using std::runtime_error::runtime_error;
};

/// Thrown at whoever would wait for ever: a task that joins its own group, gets its own result or closes a
/// circle of waits; or, in a program where nothing can happen any more, the outermost waiter. `what()` holds
/// the wait graph: every blocked task and what it waits for.
struct FROND_API Deadlock : std::logic_error {
    using std::logic_error::logic_error;
};

/// Thrown by `spawn` and its kin when the group, the pool, or the thread or `Runtime` they live on accepts no
/// more work. The callable has been destroyed.
struct FROND_API Closed : std::logic_error {
    using std::logic_error::logic_error;
};

/// The input of a stream has failed, not a task: `nested_ptr` is what it threw. Made in the handler of that.
struct FROND_API ProviderError : std::runtime_error, std::nested_exception {
    explicit ProviderError(std::string const& what)
        : std::runtime_error("frond: the input of a stream failed: " + what) {}
};

/// One exception that left a task, with where it came from.
struct TaskError {
    std::exception_ptr error;
    std::uint64_t id = 0; ///< the task's id; 0: a group's deadline, or an Asio handler
    std::string name;     ///< the task's name; empty if it was given none
    std::source_location spawned_at;
    std::uint64_t more = 0; ///< how many further errors of the same group nobody saw
};

/// Replaces what happens to errors that nobody has seen when their group ends. The default writes one line
/// for the group to stderr: the first task's name, spawn site, `what()`, and how many more. An empty function
/// restores the default. It also gets, at once, the errors of `OnError::report` and of Asio handlers. It must
/// not throw, and may be called on any thread.
/// *Suspends* never. Thread safety: callable from anywhere.
FROND_API void set_unhandled_error_handler(std::function<void(TaskError const&)> handler);

} // namespace frond::inline v0
