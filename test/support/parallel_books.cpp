#include "support/parallel_books.hpp"

#include <frond/this_task.hpp>

#include <algorithm>
#include <utility>

namespace frond::test {

namespace {

constexpr std::size_t errors_kept_at_most = 64;

std::string numbered(char const* what, std::uint32_t n) { return what + std::to_string(n) + ": "; }

void raise_to(std::atomic<std::size_t>& peak, std::size_t n) {
    for (auto seen = peak.load(); seen < n && !peak.compare_exchange_weak(seen, n);) {
    }
}

} // namespace

ParallelBooks::ParallelBooks(Program const& p)
    : stops{p, [this](std::string text) { complain(std::move(text)); }},
      program_{p},
      tasks_(p.tasks.size()),
      groups_(p.groups.size()),
      pools_(p.pools.size()) {
    for (std::uint32_t i = 1; i < p.tasks.size(); ++i) groups_[p.tasks[i].group].tasks.push_back(i);
}

void ParallelBooks::complain(std::string text) {
    std::lock_guard const lock{mutex_};
    if (complaints_.size() < 20) complaints_.push_back(std::move(text));
}

std::string ParallelBooks::complaints() const {
    std::lock_guard const lock{mutex_};
    std::string text;
    for (auto const& each : complaints_) text += each + '\n';
    return text;
}

// --- tasks ------------------------------------------------------------------------------------------------

void ParallelBooks::started(std::uint32_t task) {
    auto& t = tasks_[task];
    if (t.calls++ != 0) complain(numbered("task ", task) + "runs twice");
    t.id = this_task::id();
    t.thread = std::this_thread::get_id();
    if (t.pinned_to && *t.pinned_to != t.thread)
        complain(numbered("task ", task) + "runs elsewhere than pinned");
    if (groups_[program_.tasks[task].group].dead)
        complain(numbered("task ", task) + "starts after its group's end");
    t.phase = Phase::running;
    if (auto const pool = pool_of(task); pool != no_pool) ++pools_[pool].started;
    works_again(task);
}

void ParallelBooks::still_here(std::uint32_t task) {
    auto const& t = tasks_[task];
    if (task != 0 && (t.thread != std::this_thread::get_id() || t.id != this_task::id()))
        complain(numbered("task ", task) + "has moved");
}

void ParallelBooks::pinned_to(std::uint32_t task, std::thread::id thread) { tasks_[task].pinned_to = thread; }

void ParallelBooks::works_again(std::uint32_t task) {
    if (task == 0 || task == ParallelStops::nobody) return;
    still_here(task);
    auto const pool = pool_of(task);
    if (pool != no_pool) raise_to(pools_[pool].most_working, ++pools_[pool].working);
}

void ParallelBooks::stops_working(std::uint32_t task) {
    if (task == 0 || task == ParallelStops::nobody) return;
    if (auto const pool = pool_of(task); pool != no_pool) --pools_[pool].working;
}

void ParallelBooks::returned(std::uint32_t task) {
    stops_working(task);
    tasks_[task].phase = Phase::done;
}

void ParallelBooks::cancelled_itself(std::uint32_t task, std::exception_ptr error) {
    stops_working(task);
    tasks_[task].error = std::move(error);
    tasks_[task].phase = Phase::cancelled;
}

void ParallelBooks::failed(std::uint32_t task, std::exception_ptr error) {
    stops_working(task);
    auto const group = program_.tasks[task].group;
    if (program_.groups[group].on_error == OnError::cancel) stops.cancels_group(group, true);
    tasks_[task].error = std::move(error);
    tasks_[task].phase = Phase::failed;
}

void ParallelBooks::callable_died(std::uint32_t task, bool called) {
    auto& t = tasks_[task];
    if (t.callables-- != 1) complain(numbered("task ", task) + "its callable died twice");
    if (called) return;
    ++drops_;
    if (t.calls != 0) complain(numbered("task ", task) + "runs and its callable died unused");
    t.dropped_unasked = !stops.may_be_cancelled(task);
    t.phase = Phase::cancelled;
}

bool ParallelBooks::has_ended(std::uint32_t task) const {
    auto const phase = tasks_[task].phase.load();
    return phase != Phase::unborn && phase != Phase::running;
}

// --- what waiters see -------------------------------------------------------------------------------------

void ParallelBooks::saw_end(std::uint32_t task) {
    if (!has_ended(task)) complain(numbered("task ", task) + "a wait ends too early");
}

void ParallelBooks::saw_state(std::uint32_t task, TaskState state) {
    auto const phase = tasks_[task].phase.load();
    auto const expected = phase == Phase::done     ? TaskState::done
                          : phase == Phase::failed ? TaskState::failed
                                                   : TaskState::cancelled;
    if (state != expected || !has_ended(task)) complain(numbered("task ", task) + "ended in another way");
}

void ParallelBooks::saw_value(std::uint32_t task, int value) {
    if (tasks_[task].phase != Phase::done || value != value_of(task))
        complain(numbered("task ", task) + "a waiter got the value " + std::to_string(value));
}

void ParallelBooks::saw_error(std::uint32_t task, std::exception_ptr const& error) {
    auto& t = tasks_[task];
    if (!has_ended(task) || t.error != error || !error)
        complain(numbered("task ", task) + "a waiter got another error");
    t.seen = t.seen_by_get = true;
}

void ParallelBooks::saw_cancelled(std::uint32_t task) {
    if (tasks_[task].phase != Phase::cancelled)
        complain(numbered("task ", task) + "seems cancelled and is not");
}

void ParallelBooks::saw_taken(std::uint32_t task) {
    if (!tasks_[task].take_begun) complain(numbered("task ", task) + "seems taken and is not");
}

void ParallelBooks::took(std::uint32_t task) {
    if (tasks_[task].takes++ != 0) complain(numbered("task ", task) + "taken twice");
}

// --- groups -----------------------------------------------------------------------------------------------

void ParallelBooks::closed_unasked(std::uint32_t group) {
    auto const pool = program_.groups[group].pool;
    if (pool == no_pool || !pools_[pool].may_refuse)
        complain(numbered("group ", group) + "is closed without a reason");
}

void ParallelBooks::raise_limit(std::uint32_t pool, std::size_t limit) {
    raise_to(pools_[pool].highest_limit, limit);
}

std::vector<std::uint32_t> ParallelBooks::spawned_in(std::uint32_t group) const {
    std::vector<std::uint32_t> tasks;
    for (auto const t : groups_[group].tasks)
        if (tasks_[t].spawned) tasks.push_back(t);
    return tasks;
}

/// An exception may leave several tasks of a group, one after the other; a join does not tell whose it was.
std::vector<std::uint32_t> ParallelBooks::twins_of(std::uint32_t task) const {
    std::vector<std::uint32_t> twins;
    for (auto const other : groups_[program_.tasks[task].group].tasks)
        if (other != task && tasks_[other].phase == Phase::failed &&
            tasks_[other].error == tasks_[task].error)
            twins.push_back(other);
    return twins;
}

/// @return whether this is the first time
bool ParallelBooks::deliver(std::uint32_t task) {
    tasks_[task].seen = true;
    if (!tasks_[task].delivered.exchange(true)) return true;
    for (auto const twin : twins_of(task)) {
        tasks_[twin].seen = true;
        if (!tasks_[twin].delivered.exchange(true)) return true;
    }
    return false;
}

/// Only the owner joins a group, so there is one join at a time.
void ParallelBooks::join_ended(std::uint32_t group, std::vector<std::uint32_t> const& awaited,
                               std::exception_ptr const& error) {
    for (auto const t : awaited)
        if (!has_ended(t)) complain(numbered("group ", group) + "a join misses " + numbered("task ", t));
    if (error) {
        for (bool const unseen : {true, false})
            for (auto const t : groups_[group].tasks)
                if (tasks_[t].phase == Phase::failed && tasks_[t].error == error &&
                    tasks_[t].seen != unseen && deliver(t))
                    return;
        complain(numbered("group ", group) + "a join throws what nobody threw, or twice");
        return;
    }
    if (program_.groups[group].on_error == OnError::report ||
        groups_[group].tasks.size() > errors_kept_at_most)
        return;
    for (auto const t : awaited)
        if (tasks_[t].phase == Phase::failed && !tasks_[t].seen && twins_of(t).empty())
            tasks_[t].must_be_seen = true;
}

void ParallelBooks::took_errors(std::uint32_t group, std::vector<TaskError> const& errors) {
    for (auto const& e : errors) {
        auto const& all = groups_[group].tasks;
        auto const t = std::find_if(all.begin(), all.end(), [&](auto i) { return tasks_[i].id == e.id; });
        if (t == all.end() || tasks_[*t].error != e.error || !deliver(*t))
            complain(numbered("group ", group) + "errors() gives what nobody threw, or twice");
    }
}

void ParallelBooks::unhandled(TaskError const& e) {
    for (std::uint32_t t = 1; t < tasks_.size(); ++t) {
        if (tasks_[t].id != e.id) continue;
        auto const index = program_.tasks[t].group;
        auto& g = groups_[index];
        if (tasks_[t].error != e.error) complain(numbered("task ", t) + "reported with another error");
        if (tasks_[t].reported.exchange(true)) complain(numbered("task ", t) + "reported twice");
        if (program_.groups[index].on_error == OnError::report) return;
        if ((tasks_[t].seen_in_life || tasks_[t].delivered) && twins_of(t).empty())
            complain(numbered("task ", t) + "reported although it was seen");
        if (g.lines++ != 0) complain(numbered("group ", index) + "reports two lines");
        g.unhandled = 1 + e.more;
        return;
    }
    complain("an unhandled error of no task");
}

void ParallelBooks::group_dies(std::uint32_t group) {
    auto& g = groups_[group];
    for (auto const t : g.tasks) {
        if (tasks_[t].phase != Phase::failed || !tasks_[t].seen) continue;
        tasks_[t].seen_in_life = true;
        ++g.seen_in_life;
    }
}

void ParallelBooks::group_dead(std::uint32_t group) {
    auto& g = groups_[group];
    g.dead = true;
    for (auto const t : g.tasks) {
        if (tasks_[t].spawned && !has_ended(t)) complain(numbered("group ", group) + "ends before its tasks");
        if (tasks_[t].callables != 0) complain(numbered("task ", t) + "its callable outlives its group");
    }
}

/// Every error is either seen, or counted in the group's last line. Who has just got it may not have said so
/// when the group dies: it can be both.
void ParallelBooks::check_errors_of(std::uint32_t group) {
    auto const& g = groups_[group];
    bool const reports = program_.groups[group].on_error == OnError::report;
    std::size_t all = 0;
    std::size_t seen = 0;
    std::size_t doubtful = 0;
    for (auto const t : g.tasks) {
        if (tasks_[t].phase != Phase::failed) continue;
        ++all;
        if (tasks_[t].seen)
            ++seen;
        else if (!twins_of(t).empty())
            ++doubtful;
        if (reports && !tasks_[t].reported) complain(numbered("task ", t) + "its error was not reported");
        if (reports && tasks_[t].delivered)
            complain(numbered("task ", t) + "its error was reported, and kept");
        if (tasks_[t].must_be_seen && !tasks_[t].seen_by_get)
            complain(numbered("task ", t) + "a join returned although nobody had seen its error");
    }
    if (reports || g.tasks.size() > errors_kept_at_most) return;
    if (g.unhandled + seen + doubtful < all) complain(numbered("group ", group) + "hides an error");
    if (g.unhandled + g.seen_in_life > all)
        complain(numbered("group ", group) + "counts errors that were seen");
}

void ParallelBooks::finished() {
    for (std::uint32_t i = 1; i < tasks_.size(); ++i) {
        auto const& t = tasks_[i];
        if (t.callables != 0) complain(numbered("task ", i) + "its callable was not destroyed");
        if (t.spawned && !has_ended(i)) complain(numbered("task ", i) + "never ended");
        if (t.spawned && t.dropped_unasked) complain(numbered("task ", i) + "dropped without a reason");
        if (t.refused && t.calls != 0) complain(numbered("task ", i) + "runs although it was refused");
        if (t.takes > 1) complain(numbered("task ", i) + "taken twice");
    }
    for (std::uint32_t g = 0; g < groups_.size(); ++g) check_errors_of(g);
    for (auto const& p : pools_)
        if (p.working != 0) complain("a pool's tasks work after the end");
}

} // namespace frond::test
