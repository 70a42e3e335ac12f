#pragma once

#include <frond/detail/export.hpp>
#include <frond/detail/spin_lock.hpp>
#include <frond/duration.hpp>

#include <cstddef>
#include <cstdint>

namespace frond::inline v0::detail {

struct Message;
struct Waiter;

/// What a fiber waits for in a WaitList, for `dump`.
enum class SyncKind : std::uint8_t { mutex, condition, event, semaphore, barrier, push, pop };

/// The fibers that wait for a primitive, first come, first served. Belongs to who holds the primitive's lock;
/// the fibers may be of any threads.
class FROND_API WaitList {
public:
    WaitList() noexcept = default;
    WaitList(WaitList const&) = delete;
    WaitList& operator=(WaitList const&) = delete;

    bool empty() const noexcept { return head_ == nullptr; }
    /// Counts them one by one.
    std::size_t size() const noexcept;
    /// What the first in the list brought along, in its own frame. @pre not empty
    void* first() const noexcept;

private:
    friend class Woken;
    friend class SyncWait;

    Waiter* head_ = nullptr;
};

/// Waiters taken off their lists under the primitive's lock. They go on when this dies, which must be after
/// the lock has been let go: declare it before the lock's guard. What they waited for is theirs from the
/// moment they were taken: neither deadline nor cancellation can take it back.
class FROND_API Woken {
public:
    Woken() noexcept = default;
    Woken(Woken const&) = delete;
    Woken& operator=(Woken const&) = delete;
    ~Woken() {
        if (first_) wake();
    }

    /// @return what it brought along. @pre not empty
    void* take_first(WaitList& list) noexcept;
    void take_all(WaitList& list) noexcept {
        while (!list.empty()) take_first(list);
    }

private:
    void wake() noexcept;

    Message* first_ = nullptr; ///< linked in the order in which they were taken
    Message* last_ = nullptr;
};

/// A wait of the calling fiber in a WaitList. Every wait of a primitive is one of these.
class FROND_API SyncWait {
public:
    /// @param target the primitive, for `dump`
    /// @param brought what `WaitList::first` gives; must stay valid until `wait` returns
    SyncWait(SyncKind kind, void const* target, void* brought = nullptr) noexcept
        : target_{target}, brought_{brought}, kind_{kind} {}

    /// Joins the end of `list`, lets go of `lock`, and suspends until somebody takes it off the list or the
    /// deadline comes. `lock` is free afterwards, whatever happens.
    /// @return false: the deadline came first, and it has left the list. @throws Cancelled, Deadlock,
    /// std::logic_error inside an I/O handler, std::bad_alloc; then, too, it is in no list
    bool wait(SpinLock& lock, WaitList& list, Clock::time_point deadline = Clock::time_point::max()) {
        return wait_after(lock, list, deadline, nullptr, nullptr);
    }
    /// The same, but calls `release(argument)` once it is in the list and `lock` is free. What that throws
    /// is thrown on, and it is in no list.
    bool wait_after(SpinLock& lock, WaitList& list, Clock::time_point deadline, void (*release)(void*),
                    void* argument);

private:
    void const* target_;
    void* brought_;
    SyncKind kind_;
};

/// Tells fibers apart, plain threads too: the calling one. An even address, other than nullptr.
FROND_API void const* current_fiber_id() noexcept;

} // namespace frond::inline v0::detail
