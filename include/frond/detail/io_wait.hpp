#pragma once

#include <frond/detail/export.hpp>

#include <cstddef>

namespace frond::inline v0::detail {

class Home;
struct Waiter;

/// One asynchronous operation, seen from the fiber that waits for it: made before the operation starts, in
/// the fiber's own frame, and left only after `complete`. This is the border between Asio's templates and the
/// compiled scheduler.
class FROND_API IoWait {
public:
    /// @throws std::logic_error inside a handler: there is no fiber that could wait
    IoWait();
    IoWait(IoWait const&) = delete;
    IoWait& operator=(IoWait const&) = delete;

    /// Any thread, exactly once: the handler has run or has been destroyed. What the caller wrote before is
    /// visible to the fiber. *this may be gone when it returns.
    void complete() noexcept;
    /// The fiber that made it: waits for `complete`. *Suspends* unless that has come already.
    void wait() noexcept;

private:
    struct Completion;

    void finish() noexcept;

    Home* home_;
    Waiter* waiter_ = nullptr; ///< while the fiber is suspended
    bool done_ = false;        ///< home thread only
    /// A `Completion`, should the handler run on another thread: then the news is sent home.
    alignas(void*) std::byte completion_[3 * sizeof(void*)];
};

} // namespace frond::inline v0::detail
