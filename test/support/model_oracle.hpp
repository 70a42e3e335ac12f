#pragma once

#include "support/model_program.hpp"
#include "support/model_scopes.hpp"

#include <frond/errors.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace frond::test {

/// The books of a running program: what must be true by the documented rules, told event by event and without
/// a look at the library, but for one: when a destructor that waits passes its own cancellation on is not
/// seen, and then a task's stop token tells. All events of one program come from one thread, at the very
/// moments at which they happen in the library: nothing can run between the two.
class Oracle {
public:
    explicit Oracle(Program const& p);

    // --- tasks ---
    void spawned(std::uint32_t task);
    void started(std::uint32_t task, std::uint64_t id);
    void returned(std::uint32_t task);
    void failed(std::uint32_t task, std::exception_ptr error);
    void cancelled_itself(std::uint32_t task, std::exception_ptr error);
    /// The callable died without a call.
    void dropped(std::uint32_t task);
    /// Around every wait for tasks: meanwhile the task may have lent its slot.
    void stops_working(std::uint32_t task);
    void works_again(std::uint32_t task);

    // --- stopping: model_stops.cpp ---
    class Wait;
    void cancel_task(std::uint32_t task, Verdict certainty = Verdict::yes);
    /// @param spared a member that cancels the others; 0: nobody. @return how many it reaches
    std::size_t cancel_group(std::uint32_t group, std::uint32_t spared = 0, Verdict certainty = Verdict::yes);
    void stop_group(std::uint32_t group);
    bool is_member(std::uint32_t task, std::uint32_t group) const {
        return task != 0 && program_.tasks[task].group == group;
    }
    bool has_queued(std::uint32_t group) const;
    bool has_ended(std::uint32_t task) const { return tasks_[task].phase > Phase::running; }
    /// Called by `Group::run`, which knows no options.
    void runs(std::uint32_t task) { tasks_[task].is_run = true; }
    bool was_run(std::uint32_t task) const { return tasks_[task].is_run; }
    bool is_end_of(std::uint32_t task, std::exception_ptr const& error) const {
        return tasks_[task].error == error;
    }
    bool was_cancelled(std::uint32_t task) const { return tasks_[task].phase == Phase::cancelled; }

    // All these are asked by the running task itself.
    bool is_cancelled(std::uint32_t me);
    /// Whether a wait that begins now throws.
    Verdict must_stop(std::uint32_t me);
    /// It does. @param long_ago it went on to wait for what it took along, and may have been cancelled since
    void cut_short(std::uint32_t me, std::string_view reason, bool long_ago = false);
    void enters(std::uint32_t me, StopScopes::Kind kind, Limit limit);
    /// @return whether TimedOut is thrown
    Verdict leaves(std::uint32_t me, StopScopes::Exit how);
    void passed_on(std::uint32_t me);
    /// The task's own time limit has ended it.
    void timed_out(std::uint32_t me);
    bool anybody_waits() const { return !waits_.empty(); }
    std::size_t cut_waits() const { return cut_waits_; }

    // --- what waiters see ---
    void saw_value(std::uint32_t task, int value);
    void saw_error(std::uint32_t task, std::exception_ptr const& error);
    void saw_cancelled(std::uint32_t task, std::exception_ptr const& error);
    void saw_taken(std::uint32_t task, char const* text);
    void took(std::uint32_t task) { tasks_[task].taken = true; }
    void saw_end(std::uint32_t task, bool ended);

    // --- groups ---
    struct Join {
        Wait const* wait = nullptr;
        bool over = false;
        std::uint32_t error = 0; ///< whose
    };
    /// Keep the result alive until `join_ended`.
    Join& join_begins(std::uint32_t group, Wait const& wait);
    void join_ended(std::uint32_t group, Join& join, std::exception_ptr const& error);
    void join_cut_short(std::uint32_t group, Join& join);
    void took_errors(std::uint32_t group, std::vector<TaskError> const& errors);
    void unhandled(TaskError const& error);
    void group_dies(std::uint32_t group, bool unwinding);
    void group_dead(std::uint32_t group);
    std::size_t size_of(std::uint32_t group) const { return groups_[group].size; }
    bool is_dropping(std::uint32_t group) const { return groups_[group].dropping; }
    bool may_drop(std::uint32_t group) const { return groups_[group].dropping || groups_[group].may_drop; }
    /// A pool whose destructor has begun takes tasks from its members only.
    bool refuses(std::uint32_t spawner, std::uint32_t group) const;
    bool was_spawned(std::uint32_t task) const { return tasks_[task].phase != Phase::unborn; }

    /// When all is over.
    void finished();

    static int value_of(std::uint32_t task) { return static_cast<int>(task) * 7 + 1; }
    /// Tasks that work, without those that wait for others: each of them has a slot for certain.
    std::size_t working_in(std::uint32_t pool) const { return working_[pool]; }
    std::size_t most_working_in(std::uint32_t pool) const { return most_working_[pool]; }
    std::size_t admitted_at_least(std::uint32_t pool) const { return started_in_[pool]; }
    std::size_t dropped_tasks() const { return dropped_; }
    std::vector<std::string> const& complaints() const { return complaints_; }
    void complain(std::string text);

private:
    enum class Phase : std::uint8_t { unborn, queued, running, done, failed, cancelled };
    struct TaskState {
        Phase phase = Phase::unborn;
        std::exception_ptr error;
        bool taken = false;
        bool in_errors = false;
        bool old_error = false;
        bool report_expected = false;
        bool timed_out = false; ///< failed for its own time limit
        bool is_run = false;
        bool cancelled = false;
        bool may_be_cancelled = false;
        Wait* wait = nullptr;
        StopScopes scopes;
    };
    struct GroupState {
        std::size_t size = 0;
        bool dropping = false;
        bool may_drop = false;
        bool stopped = false; ///< by its token: for ever
        bool dying = false;
        bool dead = false;
        std::vector<std::uint32_t> errors; ///< unseen, oldest first
        std::size_t uncounted = 0;         ///< beyond the 64 that are kept
        std::deque<Join> joins;
        std::vector<Join*> waiting_joins;
        bool reported = false;
        std::uint32_t report_task = 0;
        std::size_t report_more = 0;
    };

    void ended(std::uint32_t task, Phase how);
    void quiescent(std::uint32_t group);
    void task_has_come(std::uint32_t task);
    void group_has_come(std::uint32_t group);
    void settle(std::uint32_t me);
    std::uint32_t next_error(GroupState const& g) const;
    bool is_error(std::uint32_t task, std::exception_ptr const& error) const;
    void forget_error(std::uint32_t task);
    std::uint32_t task_of(TaskError const& error) const;

    Program const& program_;
    std::vector<TaskState> tasks_;
    std::vector<GroupState> groups_;
    std::unordered_map<std::uint64_t, std::uint32_t> by_id_;
    std::vector<std::size_t> working_;
    std::vector<std::size_t> most_working_;
    std::vector<std::size_t> started_in_;
    std::vector<Wait*> waits_;
    std::size_t dropped_ = 0;
    std::size_t cut_waits_ = 0;
    std::vector<std::string> complaints_;
};

} // namespace frond::test
