#pragma once

#include "scheduler/inbox.hpp"
#include "scheduler/timer_queue.hpp"

#include <frond/detail/spin_lock.hpp>
#include <frond/duration.hpp>

#include <cstdint>
#include <exception>

namespace frond::inline v0::detail {

class Home;
struct Fiber;
struct RemoteWait;
struct TaskNode;

/// What a fiber waits for; `Waiter::target` points at it.
enum class WaitKind : std::uint8_t {
    sleep,     ///< nothing but its deadline
    task,      ///< TaskNode: its end
    admission, ///< TaskNode: a slot for it
    group,     ///< GroupCore: quiescence
    others,    ///< GroupCore: the end of all its tasks but the one that waits
    backlog,   ///< PoolCore: room for a task in front of the full backlog
    slot,      ///< PoolCore: a free slot
    pool_end,  ///< PoolCore: the last task of all groups bound to it
    home_end,  ///< Home: the last task of the thread
    team_end,  ///< Team: the last task of a runtime
    stop,      ///< a runtime's thread: the runtime's end
    io,        ///< an asynchronous operation's handler
    offload,   ///< a call on an offload thread
    remote,    ///< an answer of another home
    mutex,     ///< a Mutex: its lock
    condition, ///< a ConditionVariable: a notification
    event,     ///< an Event: that it is set
    semaphore, ///< a Semaphore: its turn, and enough permits
    barrier,   ///< a Barrier: the last to arrive
    push,      ///< a Channel: room for an item, or somebody to take it
    pop,       ///< a Channel: an item
    result,    ///< GroupCore: the next result of its tasks
    place      ///< GroupCore: a stream's feeder, until it may read on
};

enum class WakeReason : std::uint8_t {
    none,
    done,      ///< what it waited for has come
    timeout,   ///< its deadline came first
    closed,    ///< it will never come: the pool was closed
    cancelled, ///< its task was cancelled, or a deadline scope around it has expired
    stalled    ///< nothing can happen any more, and this is the outermost waiter
};

/// One wait of one fiber; lives on that fiber's stack, or in a RemoteWait for a fiber of another home. Every
/// wait of the library is one of these, so that deadlines, `dump` and the search for circles act in one
/// place.
struct Waiter : Timer, Message {
    Waiter* list_next = nullptr; ///< circular, in the list of what it waits for
    Waiter* list_prev = nullptr;
    Waiter** list = nullptr;  ///< the head of that list; nullptr: in none
    Home* keeper = nullptr;   ///< whose guard covers that list
    SpinLock* lock = nullptr; ///< what covers it, where it is a primitive's; both nullptr: in no list
    Fiber* fiber = nullptr;   ///< nullptr: a proxy for a fiber of another home
    RemoteWait* remote = nullptr;
    void const* target = nullptr;
    TaskNode* cargo = nullptr; ///< backlog: the task to submit when there is room
    void* brought = nullptr;   ///< to a primitive's list: what whoever takes it off looks at
    Clock::time_point deadline = Clock::time_point::max(); ///< its own, not that of a scope
    std::exception_ptr error;                              ///< group: what the join has to throw
    WaitKind kind = WaitKind::sleep;
    WakeReason reason = WakeReason::none;
    bool destructor = false;   ///< nobody could catch a Deadlock
    bool shielded = false;     ///< neither cancellation nor a deadline scope ends it
    bool exempt = false;       ///< in a team: whether a cancellation ends it only its own thread can tell
    bool stops = false;        ///< the timer stands for a deadline scope, not for its own deadline
    bool blind = false;        ///< group: leaves the errors to others
    bool cancels = false;      ///< what it waits for was cancelled, and with it the waits down there
    bool refused = false;      ///< admission: the pool was closed, there will be no slot
    bool patient = false;      ///< more of what it waits for may come at once: it can take that along
    bool must_reclaim = false; ///< a lender's slot could not be taken back when it was woken

    explicit Waiter(WaitKind k, void const* t = nullptr) noexcept : target{t}, kind{k} {}
    Waiter(Waiter const&) = delete;
    Waiter& operator=(Waiter const&) = delete;

// Whoever wakes a waiter takes it off its list first; the compiler sees only that a local variable's address
// is kept.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdangling-pointer"
#endif
    void enlist(Waiter*& head) noexcept {
        list = &head;
        if (head) {
            list_next = head;
            list_prev = head->list_prev;
            list_prev->list_next = list_next->list_prev = this;
        } else {
            head = list_next = list_prev = this;
        }
    }
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

    void unlist() noexcept {
        if (!list) return;
        if (list_next == this) {
            *list = nullptr;
        } else {
            list_next->list_prev = list_prev;
            list_prev->list_next = list_next;
            if (*list == this) *list = list_next;
        }
        list = nullptr;
    }
};

/// Calls `f(Waiter&)` for each; the list must not change meanwhile. Stops when `f` returns true.
template <class F>
bool any_waiter(Waiter* head, F&& f) {
    if (!head) return false;
    Waiter* w = head;
    do {
        if (f(*w)) return true;
        w = w->list_next;
    } while (w != head);
    return false;
}

} // namespace frond::inline v0::detail
