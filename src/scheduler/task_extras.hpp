#pragma once

#include "scheduler/inbox.hpp"
#include "scheduler/timer_queue.hpp"

#include <frond/detail/task_node.hpp>

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
};

/// Makes them at the first use. @throws std::bad_alloc
inline TaskExtras& extras_of(TaskNode& t) {
    if (!t.extras) t.extras = new TaskExtras{t};
    return *t.extras;
}

inline int priority_of(TaskNode const& t) noexcept { return t.extras ? t.extras->priority : 0; }

inline std::string_view name_of_task(TaskNode const& t) noexcept {
    return t.extras ? std::string_view{t.extras->name} : std::string_view{};
}

} // namespace frond::inline v0::detail
