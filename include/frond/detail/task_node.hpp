#pragma once

#include <frond/detail/export.hpp>
#include <frond/detail/intrusive_list.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <source_location>

namespace frond::inline v0 {

/// Where a task stands. *queued*: not started; *waiting*: started and suspended; the last three are final.
enum class TaskState : std::uint8_t { queued, running, waiting, done, failed, cancelled };

namespace detail {

class Home;
struct Fiber;
struct GroupCore;
struct TaskExtras;
struct TaskNode;
struct Waiter;

/// What the compiled core needs to know of a callable and its result.
struct TaskOps {
    void (*run)(TaskNode&);                    ///< calls it, keeps the result, destroys it; may throw
    void (*drop_callable)(TaskNode&) noexcept; ///< for a task that never runs
    void (*drop_result)(TaskNode&) noexcept;   ///< nullptr: nothing to destroy
    std::uint32_t size;
    std::uint16_t align;
    std::uint16_t memory_class;
};

/// Nodes come in steps of 16 bytes; larger ones and over-aligned ones are left to operator new.
inline constexpr std::size_t node_step = 16;
inline constexpr std::uint16_t node_classes = 32;

constexpr std::uint16_t node_class(std::size_t size, std::size_t align) noexcept {
    std::size_t const klass = (size - 1) / node_step;
    return klass < node_classes && align <= node_step ? static_cast<std::uint16_t>(klass) : node_classes;
}

/// A task: links, owner, state, the callable and its result, in one allocation. It costs no stack before it
/// starts.
///
/// Invariants
/// 1. Everything but the atomics belongs to the home: its thread or, in a `Runtime`, who holds its lock.
///    Other threads go through the home's inbox or, once that thread has ended, its lock.
/// 2. `state` enters {done, failed, cancelled} once, with release order; result and error stay as they are
///    from then on, but that `take` moves the result out (`taken` lets one caller through). Other threads
///    read them, and so nothing that they read shares a bit field with what the home still changes.
/// 3. `group` is valid while the task is live and, after a failure, as long as `in_errors` is set.
/// 4. The bits of a task that can start belong to the home in whose run queue it is; it may not be its own.
struct TaskNode {
    TaskOps const* ops;
    TaskNode* queue_next = nullptr; ///< run queue, admission queue or inbox
    TaskNode* queue_prev = nullptr;
    TaskNode* live_next = nullptr; ///< the group's live tasks; after a failure its unseen errors
    TaskNode* live_prev = nullptr;
    GroupCore* group;
    Home* home;
    Waiter* waiters = nullptr; ///< circular list, first come first: the tail is waiters->prev
    union {
        Fiber* fiber = nullptr;   ///< while it runs or waits
        Home* queued_at;          ///< while it is in a run queue
        std::exception_ptr error; ///< once it has ended; null unless it threw
    };
    std::atomic<TaskExtras*> extras{nullptr}; ///< what most tasks do without: name, timer, stop token
    std::source_location site;
    std::uint64_t id = 0;
    std::uint32_t refs; ///< the home thread's: at first the task itself and spawn's handle
    std::atomic<std::uint32_t>
        foreign_refs; ///< other threads' handles; all of them where threads share the home
    std::uint32_t born_ms = 0;
    std::atomic<TaskState> state{TaskState::queued};
    std::atomic<std::uint8_t> marks{0}; ///< see below
    std::uint8_t stack_class : 3 = 0;   ///< 0: the home's default; else a stack class plus one
    bool pinned : 1 = false;            ///< only `extras->pinned_to` may start it
    bool in_run_queue : 1 = false;      ///< admitted, not started
    bool first_of_batch : 1 = false;    ///< the task before it in the run queue is of a newer batch
    std::uint8_t : 0;                   // what follows is another memory location
    bool in_pool_queue : 1 = false;     ///< waits for a slot
    bool boosted : 1 = false;           ///< a waiter has moved it to the front
    bool has_slot : 1 = false;
    bool lent : 1 = false;           ///< its slot serves what it waits for
    bool counted_active : 1 = false; ///< in its group's `active`
    bool delayed : 1 = false;        ///< spawn_after: its time has not come
    bool in_errors : 1 = false;      ///< failed, and nobody has seen the error yet
    bool old_error : 1 = false;      ///< failed before the group's last quiescence

    static constexpr std::uint8_t taken = 1;     ///< the result was moved out, or the error was seen
    static constexpr std::uint8_t cancelled = 2; ///< it is not to start any more, or to stop at its next wait
    static constexpr std::uint8_t starved = 4;   ///< it cannot start for want of memory
    static constexpr std::uint8_t has_stop = 8;  ///< `extras->stop` is in use
    static constexpr std::uint8_t limited = 16;  ///< its running time is: by `extras->timeout` or its pool
    static constexpr std::uint8_t yields = 32;   ///< an ItemNode with a value
    static constexpr std::uint8_t gated = 64;    ///< its ResultBuffer is to be asked before it starts
    static constexpr std::uint8_t continued = 128; ///< tasks are to follow in its slot
    static constexpr std::uint32_t first_refs = 2;

    TaskNode(TaskOps const& o, GroupCore& g, Home& h, bool home_is_shared, std::source_location at) noexcept
        : ops{&o},
          group{&g},
          home{&h},
          site{at},
          refs{home_is_shared ? 0 : first_refs},
          foreign_refs{home_is_shared ? first_refs : 0} {}
    ~TaskNode() {} // destroy_node ends what lives in the union
    TaskNode(TaskNode const&) = delete;
    TaskNode& operator=(TaskNode const&) = delete;

    bool is_marked(std::uint8_t m) const noexcept { return (marks.load(std::memory_order_acquire) & m) != 0; }
};

inline bool is_final(TaskState s) noexcept { return s >= TaskState::done; }

/// Memory for nodes, from a free list of the thread. @throws std::bad_alloc
FROND_API void* allocate_node(TaskOps const& ops);
FROND_API void free_node(void* p, TaskOps const& ops) noexcept;

/// The calling thread's home, or nullptr before its first use of frond and after its end.
extern FROND_API constinit thread_local Home* this_home;
/// The same, but nullptr on the threads of a `Runtime`: nothing belongs to one of them alone.
extern FROND_API constinit thread_local Home* own_home;

FROND_API void destroy_node(TaskNode& n) noexcept;
FROND_API void add_foreign_ref(TaskNode& n) noexcept;
FROND_API void drop_foreign_ref(TaskNode& n) noexcept;
FROND_API void settle_foreign_refs(TaskNode& n) noexcept;

/// One more handle. Plain on a home thread that has its tasks to itself, atomic elsewhere.
inline void add_ref(TaskNode& n) noexcept {
    if (n.home == own_home)
        ++n.refs;
    else
        add_foreign_ref(n);
}

/// One handle less; the last one destroys the node.
inline void drop_ref(TaskNode& n) noexcept {
    if (n.home == own_home) {
        if (--n.refs == 0) settle_foreign_refs(n);
    } else {
        drop_foreign_ref(n);
    }
}

} // namespace detail
} // namespace frond::inline v0
