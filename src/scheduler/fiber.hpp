#pragma once

#include "scheduler/exception_state.hpp"
#include "scheduler/stack_arena.hpp"
#include "scheduler/task_values.hpp"
#include "scheduler/waiter.hpp"

#include <frond/detail/task_node.hpp>

#include <atomic>
#include <cstdint>
#include <memory>

namespace boost::fibers {
class context;
}

namespace frond::inline v0::detail {

class Home;
class StopScope;

enum class FiberKind : std::uint8_t {
    main,       ///< the thread's own stack
    dispatcher, ///< Boost's: timers, messages, blocking
    carrier,    ///< runs tasks, one after another
    reactor,    ///< runs I/O handlers, on a guarded stack
    guest       ///< made by the user with Boost.Fiber
};

/// What the scheduler keeps about a Boost context. Belongs to the context's thread, but for what the walks
/// use: that belongs to who holds the locks of all homes concerned.
struct Fiber {
    boost::fibers::context* context = nullptr;
    Home* home = nullptr;
    TaskNode* task = nullptr;     ///< what it runs
    Waiter* waiting = nullptr;    ///< its wait, while it is suspended in one of ours; its own thread's
    Waiter* task_wait = nullptr;  ///< the same, if it stands in a list that walks may follow; its keeper's
    StopScope* scopes = nullptr;  ///< deadlines and shields around what it runs, the innermost
    TaskNode* assigned = nullptr; ///< carrier: the task to run when it is resumed
    Fiber* ready_next = nullptr;  ///< ready queue or idle list
    Fiber* all_next = nullptr;    ///< every fiber of the home
    Fiber* all_prev = nullptr;
    ExceptionState exceptions;
    std::uint64_t ready_order = 0; ///< when it became ready, counted in fibers
    std::uint64_t yield_until = 0; ///< number of starts for which it waits at most although it is ready
    /// A walk's place on the fiber. One for each direction: a walk up asks at every stop what waits below.
    struct WalkPlace {
        std::uint64_t mark = 0; ///< last walk of the wait graph that came by
        Fiber* next = nullptr;  ///< still to be visited by it
    };
    WalkPlace up;
    WalkPlace down;
    std::atomic<WaitKind> wait_kind{WaitKind::sleep}; ///< of the last wait of ours, for `dump`
    std::unique_ptr<TaskValues> values;               ///< outside of tasks: its `Local`s and `Inherited`s
    Stack stack{};
    FiberKind kind = FiberKind::guest;
    bool suspended_by_us = false; ///< it will look at the home again when it is resumed
    bool retire = false;          ///< carrier: leave at the next chance

    void wait_for_starts(std::uint64_t until, std::uint64_t order) noexcept {
        yield_until = until;
        ready_order = order;
    }
    /// Whether a wait has to look at what may end it early.
    bool may_be_stopped() const noexcept { return scopes || (task && task->is_marked(TaskNode::cancelled)); }
    /// Not while it runs handlers or sees to everything else: nobody would, if it waited.
    bool may_wait() const noexcept { return kind != FiberKind::reactor && kind != FiberKind::dispatcher; }
};

} // namespace frond::inline v0::detail
