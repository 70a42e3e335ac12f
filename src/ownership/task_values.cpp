#include "scheduler/task_values.hpp"

#include "ownership/lifecycle.hpp"
#include "ownership/results.hpp"
#include "scheduler/guard.hpp"
#include "scheduler/home.hpp"
#include "scheduler/task_extras.hpp"

#include <frond/detail/stop_scope.hpp>

#include <memory>
#include <utility>

namespace frond::inline v0::detail {

constinit std::atomic<bool> values_are_inherited{false};

namespace {

TaskValues* values_of(Fiber const& f) noexcept {
    if (!f.task) return f.values.get();
    TaskExtras const* const x = extras_if_any(*f.task);
    return x ? x->values.get() : nullptr;
}

TaskValues& make_values_of(Fiber& f) {
    if (TaskValues* const v = values_of(f)) return *v;
    auto fresh = std::make_unique<TaskValues>();
    if (!f.task) return *(f.values = std::move(fresh));
    Guard const guard{*f.task->home};
    return *(extras_of(*f.task).values = std::move(fresh));
}

} // namespace

std::uint64_t next_value_key() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

void* find_value(std::uint64_t key) noexcept {
    if (!this_home) return nullptr;
    TaskValues const* const v = values_of(this_home->current_fiber());
    return v ? v->find(key) : nullptr;
}

void add_value(std::uint64_t key, void* object, ValueOps const& ops) {
    make_values_of(Home::current().current_fiber()).add(key, object, ops);
    if (ops.copy) values_are_inherited.store(true, std::memory_order_relaxed);
}

void inherit_values(TaskNode& child) {
    if (!this_home) return;
    TaskValues const* const own = values_of(this_home->current_fiber());
    TaskNode const* const parent = this_home->current_task();
    bool const has_place = parent && hands_down_place(*parent, child);
    if (!has_place && (!own || !own->has_inheritable())) return;
    try {
        auto fresh = std::make_unique<TaskValues>();
        // Its own place, not the one in which it was spawned itself.
        if (own) fresh->inherit_from(*own, has_place ? parent->group->results->place_key : 0);
        if (has_place) inherit_place(*parent, *fresh);
        extras_of(child).values = std::move(fresh);
    } catch (...) {
        discard_with_handle(child);
        throw;
    }
}

/// A destructor that waits is shielded: it could not throw.
void drop_values(TaskNode& t) noexcept {
    TaskExtras* const x = extras_if_any(t);
    if (!x->values) return;
    StopScope const shield{StopScope::Kind::shield, Clock::time_point::max()};
    x->values->clear();
}

} // namespace frond::inline v0::detail
