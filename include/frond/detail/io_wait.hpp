#pragma once

#include <frond/detail/export.hpp>

#include <cstddef>
#include <cstdint>

namespace frond::inline v0::detail {

class Home;
struct Waiter;

/// One asynchronous operation, seen from the fiber that waits for it: made before the operation starts, in
/// the fiber's own frame, and left only after `complete`, or once nobody will call that any more. This is the
/// border between Asio's templates and the compiled scheduler.
class FROND_API IoWait {
public:
    /// How a wait has ended.
    enum class End : std::uint8_t {
        complete, ///< undisturbed
        told,     ///< complete, but the operation was told to end before
        left      ///< before the operation: nobody will call `complete`
    };
    /// Tells the operation to end, because the fiber has to go on; called on the fiber, not necessarily once.
    /// @return whether nobody will call `complete` any more
    using Interrupt = bool (*)(IoWait&) noexcept;

    /// @throws std::logic_error inside a handler: there is no fiber that could wait; Cancelled if it must not
    IoWait();
    IoWait(IoWait const&) = delete;
    IoWait& operator=(IoWait const&) = delete;

    /// Any thread, exactly once unless the wait was left: the handler has run or has been destroyed. What the
    /// caller wrote before is visible to the fiber. *this may be gone when it returns.
    void complete() noexcept;
    /// The fiber that made it: waits for `complete`. *Suspends* unless that has come already. Cancellation
    /// and deadlines that come first are passed on by `interrupt`; nullptr: they have to wait.
    End wait(Interrupt interrupt) noexcept;
    /// After an interrupted wait: throws what has interrupted it.
    [[noreturn]] void throw_cut_short() const;

private:
    struct Completion;

    void finish() noexcept;

    Home* home_;
    Waiter* waiter_ = nullptr; ///< while the fiber is suspended
    bool done_ = false;        ///< home thread only
    bool no_memory_ = false;   ///< there was none for the timer of a deadline
    /// A `Completion`, should the handler run on another thread: then the news is sent home.
    alignas(void*) std::byte completion_[3 * sizeof(void*)];
};

} // namespace frond::inline v0::detail
