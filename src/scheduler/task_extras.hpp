#pragma once

#include "scheduler/inbox.hpp"
#include "scheduler/task_values.hpp"
#include "scheduler/timer_queue.hpp"

#include <frond/detail/task_node.hpp>
#include <frond/duration.hpp>

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

namespace frond::inline v0::detail {

/// What most tasks do without.
struct TaskExtras : Timer, Message {
    explicit TaskExtras(TaskNode& t) noexcept : task{&t} {}

    TaskNode* task;             ///< for the timer of spawn_after
    Home* timer_home = nullptr; ///< on whose thread that is armed; gets `Message` to arm or disarm it
    Clock::time_point due;
    bool arming = false;       ///< the message to arm it is on its way
    Home* pinned_to = nullptr; ///< the only thread of its runtime that may start it
    std::string name;
    int priority = 0;
    std::chrono::nanoseconds timeout = forever; ///< of its running time
    std::stop_source stop{std::nostopstate};    ///< made when somebody asks; see TaskNode::has_stop
    Home* runs_on = nullptr;                    ///< where the news that it is cancelled goes
    std::unique_ptr<TaskValues> values;         ///< its `Local`s and `Inherited`s
    TaskNode* source = nullptr;                 ///< a continuation: whose outcome it is for
    TaskNode* before = nullptr;                 ///< the task after which it comes, while that has not ended
    TaskNode* follower = nullptr;               ///< what comes after this task, in its slot
};

inline TaskExtras* extras_if_any(TaskNode const& t) noexcept {
    return t.extras.load(std::memory_order_acquire);
}

/// Makes them at the first use. Under the guard of the task's home once others know the task.
/// @throws std::bad_alloc
inline TaskExtras& extras_of(TaskNode& t) {
    TaskExtras* x = extras_if_any(t);
    if (!x) t.extras.store(x = new TaskExtras{t}, std::memory_order_release);
    return *x;
}

/// It runs whatever comes, to be told what came of its source.
inline bool is_continuation(TaskNode const& t) noexcept {
    TaskExtras const* const x = extras_if_any(t);
    return x && x->source;
}

inline int priority_of(TaskNode const& t) noexcept {
    TaskExtras const* const x = extras_if_any(t);
    return x ? x->priority : 0;
}

inline std::string_view name_of_task(TaskNode const& t) noexcept {
    TaskExtras const* const x = extras_if_any(t);
    return x ? std::string_view{x->name} : std::string_view{};
}

} // namespace frond::inline v0::detail
