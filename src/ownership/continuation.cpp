#include "ownership/lifecycle.hpp"
#include "scheduler/remote.hpp"
#include "scheduler/task_extras.hpp"

#include <frond/group.hpp>
#include <frond/task.hpp>

namespace frond::inline v0::detail {

namespace {

/// Behind all that follows `source` already. @return false: it has ended
bool attach(TaskNode& source, TaskNode& next) {
    TaskExtras& own = extras_of(next);
    own.source = &source;
    if (is_final(source.state.load(std::memory_order_relaxed))) return false;
    TaskNode* last = &source;
    for (TaskExtras const* x = extras_if_any(*last); x && x->follower; x = extras_if_any(*last))
        last = x->follower;
    TaskExtras& before = extras_of(*last);
    own.before = last;
    before.follower = &next;
    last->marks.fetch_or(TaskNode::continued, std::memory_order_relaxed);
    begin_life(next);
    if (next.group->cancelled) next.marks.fetch_or(TaskNode::cancelled, std::memory_order_relaxed);
    return true;
}

} // namespace

void follow(TaskNode& source, TaskNode& next) {
    Home& h = *source.home;
    bool attached = false;
    try {
        h.check_not_forked("frond: this task belongs to the parent process");
        if (next.id == 0) next.id = next_task_id();
        attached = call_on(h, [&](Guard&) { return attach(source, next); });
    } catch (...) {
        discard_with_handle(next);
        throw;
    }
    if (!attached) submit(next, SpawnMode::queue);
}

} // namespace frond::inline v0::detail
