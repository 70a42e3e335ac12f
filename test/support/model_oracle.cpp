#include "support/model_oracle.hpp"

#include "support/model_wait.hpp"

#include <algorithm>
#include <utility>

namespace frond::test {

namespace {

constexpr std::size_t errors_kept_at_most = 64;

std::string numbered(char const* what, std::uint32_t n) { return what + std::to_string(n) + ": "; }

} // namespace

Oracle::Oracle(Program const& p)
    : program_{p},
      tasks_(p.tasks.size()),
      groups_(p.groups.size()),
      working_(p.pools.size()),
      most_working_(p.pools.size()),
      started_in_(p.pools.size()) {}

void Oracle::complain(std::string text) {
    if (complaints_.size() < 20) complaints_.push_back(std::move(text));
}

// --- tasks ------------------------------------------------------------------------------------------------

void Oracle::spawned(std::uint32_t task) {
    auto& t = tasks_[task];
    auto& g = groups_[program_.tasks[task].group];
    if (t.phase != Phase::unborn) complain(numbered("task ", task) + "spawned twice");
    t.phase = Phase::queued;
    t.cancelled = g.dropping;
    t.may_be_cancelled = g.may_drop;
    // A new round: what is still unseen comes after what fails from now on.
    if (g.size++ == 0)
        for (auto const e : g.errors) tasks_[e].old_error = true;
}

void Oracle::started(std::uint32_t task, std::uint64_t id) {
    by_id_[id] = task;
    auto& t = tasks_[task];
    if (t.phase != Phase::queued) complain(numbered("task ", task) + "runs, but not as a queued task");
    if (t.cancelled) complain(numbered("task ", task) + "starts although it was cancelled");
    t.phase = Phase::running;
    if (auto const pool = program_.groups[program_.tasks[task].group].pool; pool != no_pool)
        ++started_in_[pool];
    works_again(task);
}

void Oracle::works_again(std::uint32_t task) {
    if (task == 0) return;
    auto const pool = program_.groups[program_.tasks[task].group].pool;
    if (pool == no_pool) return;
    most_working_[pool] = std::max(most_working_[pool], ++working_[pool]);
}

void Oracle::stops_working(std::uint32_t task) {
    if (task == 0) return;
    if (auto const pool = program_.groups[program_.tasks[task].group].pool; pool != no_pool) --working_[pool];
}

void Oracle::returned(std::uint32_t task) {
    stops_working(task);
    ended(task, Phase::done);
}

void Oracle::cancelled_itself(std::uint32_t task, std::exception_ptr error) {
    stops_working(task);
    tasks_[task].error = std::move(error);
    ended(task, Phase::cancelled);
}

void Oracle::failed(std::uint32_t task, std::exception_ptr error) {
    stops_working(task);
    auto& t = tasks_[task];
    auto const index = program_.tasks[task].group;
    auto& g = groups_[index];
    t.error = std::move(error);
    if (program_.groups[index].on_error == OnError::report) {
        t.report_expected = true;
    } else if (g.errors.size() == errors_kept_at_most) {
        ++g.uncounted;
    } else {
        t.in_errors = true;
        g.errors.push_back(task);
    }
    ended(task, Phase::failed);
    if (program_.groups[index].on_error == OnError::cancel && g.size > 0) cancel_group(index);
}

void Oracle::dropped(std::uint32_t task) {
    auto& t = tasks_[task];
    if (t.phase == Phase::unborn) return; // refused
    if (t.phase != Phase::queued)
        complain(numbered("task ", task) + "its callable died unused, but it had started");
    if (!t.cancelled && !t.may_be_cancelled) complain(numbered("task ", task) + "dropped without a reason");
    ++dropped_;
    ended(task, Phase::cancelled);
}

void Oracle::ended(std::uint32_t task, Phase how) {
    tasks_[task].phase = how;
    auto const group = program_.tasks[task].group;
    auto& g = groups_[group];
    if (g.dead) complain(numbered("task ", task) + "ends after its group");
    task_has_come(task);
    if (--g.size <= 1) group_has_come(group);
    if (g.size == 0) quiescent(group);
}

// --- errors -----------------------------------------------------------------------------------------------

void Oracle::quiescent(std::uint32_t group) {
    auto& g = groups_[group];
    g.dropping = g.stopped;
    g.may_drop = false;
    auto const error = next_error(g);
    bool seen = false;
    for (Join* const j : std::exchange(g.waiting_joins, {})) {
        if (!j->wait->has_come()) continue; // it was cancelled before
        j->over = true;
        j->error = error;
        seen = seen || !j->wait->may_throw();
    }
    if (seen && error) forget_error(error);
}

/// The first one of this round, else the oldest. @return whose; 0: none
std::uint32_t Oracle::next_error(GroupState const& g) const {
    for (auto const e : g.errors)
        if (!tasks_[e].old_error) return e;
    return g.errors.empty() ? 0 : g.errors.front();
}

bool Oracle::is_error(std::uint32_t task, std::exception_ptr const& error) const {
    auto const& t = tasks_[task];
    if (!t.timed_out) return t.error == error;
    try {
        std::rethrow_exception(error);
    } catch (TimedOut const&) {
        return true;
    } catch (...) {
        return false;
    }
}

void Oracle::forget_error(std::uint32_t task) {
    if (!std::exchange(tasks_[task].in_errors, false)) return;
    std::erase(groups_[program_.tasks[task].group].errors, task);
}

Oracle::Join& Oracle::join_begins(std::uint32_t group, Wait const& wait) {
    auto& g = groups_[group];
    auto& join = g.joins.emplace_back();
    join.wait = &wait;
    if (g.size > 0) {
        g.waiting_joins.push_back(&join);
    } else {
        join.over = true;
        join.error = next_error(g);
        if (join.error) forget_error(join.error);
    }
    return join;
}

void Oracle::join_ended(std::uint32_t group, Join& join, std::exception_ptr const& error) {
    std::erase(groups_[group].waiting_joins, &join);
    if (!join.over) return complain("a join returns before its group is quiescent");
    if (join.error) forget_error(join.error);
    if (!error != !join.error)
        complain(!error ? "a join should have thrown" : "a join throws an error that it should not see");
    else if (error && !is_error(join.error, error))
        complain("a join throws the wrong error");
}

void Oracle::join_cut_short(std::uint32_t group, Join& join) {
    std::erase(groups_[group].waiting_joins, &join);
}

void Oracle::took_errors(std::uint32_t group, std::vector<TaskError> const& errors) {
    auto& g = groups_[group];
    if (errors.size() != g.errors.size()) {
        complain(numbered("group ", group) + "errors() gives " + std::to_string(errors.size()) + ", not " +
                 std::to_string(g.errors.size()));
    } else {
        for (std::size_t i = 0; i < errors.size(); ++i)
            if (task_of(errors[i]) != g.errors[i] || !is_error(g.errors[i], errors[i].error))
                complain(numbered("group ", group) + "errors() gives another error or order");
    }
    for (auto const e : std::vector{g.errors}) forget_error(e);
    if (!errors.empty() && errors.back().more != std::exchange(g.uncounted, 0))
        complain(numbered("group ", group) + "errors() counts the rest wrongly");
}

/// 0: none that ever ran.
std::uint32_t Oracle::task_of(TaskError const& error) const {
    auto const found = by_id_.find(error.id);
    return found == by_id_.end() ? 0 : found->second;
}

void Oracle::unhandled(TaskError const& error) {
    auto const task = task_of(error);
    if (task == 0) return complain("an unhandled error of no task");
    auto& t = tasks_[task];
    if (!is_error(task, error.error)) complain(numbered("task ", task) + "reported with another error");
    auto const index = program_.tasks[task].group;
    if (program_.groups[index].on_error == OnError::report) {
        if (!std::exchange(t.report_expected, false)) complain(numbered("task ", task) + "reported twice");
        return;
    }
    auto& g = groups_[index];
    if (std::exchange(g.reported, true)) complain(numbered("group ", index) + "reports more than one line");
    g.report_task = task;
    g.report_more = error.more;
}

void Oracle::group_dies(std::uint32_t group, bool unwinding) {
    auto& g = groups_[group];
    g.dying = true;
    if (unwinding && g.size > 0) cancel_group(group);
}

bool Oracle::refuses(std::uint32_t spawner, std::uint32_t group) const {
    auto const pool = program_.groups[group].pool;
    if (pool == no_pool || !groups_[pool].dying) return false;
    return spawner == 0 || program_.groups[program_.tasks[spawner].group].pool != pool;
}

void Oracle::group_dead(std::uint32_t group) {
    auto& g = groups_[group];
    g.dead = true;
    if (g.size != 0) complain(numbered("group ", group) + "ended before its tasks");
    if (g.reported != !g.errors.empty()) {
        complain(numbered("group ", group) +
                 (g.reported ? "reports an error that was seen" : "hides an error"));
    } else if (g.reported) {
        if (g.report_task != g.errors.front())
            complain(numbered("group ", group) + "reports not the first error");
        if (g.report_more != g.errors.size() - 1 + g.uncounted)
            complain(numbered("group ", group) + "counts its other errors wrongly");
    }
}

// --- what waiters see --------------------------------------------------------------------------------------

void Oracle::saw_value(std::uint32_t task, int value) {
    if (tasks_[task].phase != Phase::done || value != value_of(task))
        complain(numbered("task ", task) + "a waiter got the value " + std::to_string(value));
    if (tasks_[task].taken) complain(numbered("task ", task) + "a value came out after it was taken");
}

void Oracle::saw_error(std::uint32_t task, std::exception_ptr const& error) {
    auto const& t = tasks_[task];
    if (!error || !is_error(task, error)) complain(numbered("task ", task) + "a waiter got another error");
    if (t.phase == Phase::failed) forget_error(task);
}

void Oracle::saw_cancelled(std::uint32_t task, std::exception_ptr const& error) {
    auto const& t = tasks_[task];
    if (t.phase != Phase::cancelled) complain(numbered("task ", task) + "seems cancelled and is not");
    if (t.error && t.error != error) complain(numbered("task ", task) + "a waiter got another Cancelled");
}

void Oracle::saw_taken(std::uint32_t task, char const* text) {
    if (!tasks_[task].taken) complain(numbered("task ", task) + "a waiter got: " + text);
}

void Oracle::saw_end(std::uint32_t task, bool ended) {
    auto const phase = tasks_[task].phase;
    if (ended != (phase == Phase::done || phase == Phase::failed || phase == Phase::cancelled))
        complain(numbered("task ", task) + (ended ? "a wait ends too early" : "a wait misses the end"));
}

void Oracle::finished() {
    for (std::uint32_t i = 1; i < tasks_.size(); ++i) {
        auto const& t = tasks_[i];
        if (t.phase == Phase::queued || t.phase == Phase::running)
            complain(numbered("task ", i) + "never ended");
        if (t.report_expected) complain(numbered("task ", i) + "its error was not reported");
    }
    for (std::size_t p = 0; p < working_.size(); ++p)
        if (working_[p] != 0) complain("a pool's tasks work after the end");
}

} // namespace frond::test
