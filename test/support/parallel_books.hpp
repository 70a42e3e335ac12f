#pragma once

#include "support/model_program.hpp"
#include "support/parallel_stops.hpp"

#include <frond/errors.hpp>
#include <frond/task.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace frond::test {

/// The books of a program that runs on several threads: only what must be true under any schedule. Every
/// event is noted by the thread at which it happens, before the library can make anybody else see it.
class ParallelBooks {
public:
    explicit ParallelBooks(Program const& p);

    ParallelStops stops;

    // --- tasks ---
    enum class Phase : std::uint8_t { unborn, running, done, failed, cancelled };

    void started(std::uint32_t task);
    /// Between two steps: it is still where it started.
    void still_here(std::uint32_t task);
    void returned(std::uint32_t task);
    void failed(std::uint32_t task, std::exception_ptr error);
    void cancelled_itself(std::uint32_t task, std::exception_ptr error);
    /// The callable has died, with or without a call.
    void callable_died(std::uint32_t task, bool called);
    void offered(std::uint32_t task) { ++tasks_[task].callables; }
    void spawned(std::uint32_t task) { tasks_[task].spawned = true; }
    void refused(std::uint32_t task) { tasks_[task].refused = true; }
    void pinned_to(std::uint32_t task, std::thread::id thread);
    void forget_pin(std::uint32_t task) { tasks_[task].pinned_to.reset(); }
    /// Around every wait for tasks: meanwhile the task may have lent its slot.
    void stops_working(std::uint32_t task);
    void works_again(std::uint32_t task);

    // --- what waiters see ---
    void saw_value(std::uint32_t task, int value);
    void saw_error(std::uint32_t task, std::exception_ptr const& error);
    void saw_cancelled(std::uint32_t task);
    void saw_end(std::uint32_t task);
    void saw_state(std::uint32_t task, TaskState state);
    void saw_taken(std::uint32_t task);
    bool was_cancelled(std::uint32_t task) const { return tasks_[task].phase == Phase::cancelled; }
    /// Whether the task has ended with just that.
    bool is_end_of(std::uint32_t task, std::exception_ptr const& error) const {
        return has_ended(task) && tasks_[task].error == error;
    }
    void takes(std::uint32_t task) { tasks_[task].take_begun = true; }
    void took(std::uint32_t task);

    // --- groups ---
    void may_refuse(std::uint32_t pool) { pools_[pool].may_refuse = true; }
    void closed_unasked(std::uint32_t group);
    /// Tasks that a join which begins now has to wait for.
    std::vector<std::uint32_t> spawned_in(std::uint32_t group) const;
    void join_ended(std::uint32_t group, std::vector<std::uint32_t> const& awaited,
                    std::exception_ptr const& error);
    void took_errors(std::uint32_t group, std::vector<TaskError> const& errors);
    void unhandled(TaskError const& error);
    void group_dies(std::uint32_t group);
    void group_dead(std::uint32_t group);
    void raise_limit(std::uint32_t pool, std::size_t limit);

    /// Checks a pool when all its tasks have ended.
    template <class Stats>
    void pool_is_idle(std::uint32_t pool, Stats const& s) {
        auto const name = "pool " + std::to_string(pool) + ": ";
        auto const& p = pools_[pool];
        auto const most = p.most_working.load();
        if (s.active != 0 || s.pending != 0 || s.live != 0) complain(name + "something is left at its end");
        if (s.admitted != s.completed)
            complain(name + std::to_string(s.admitted) + " admitted, " + std::to_string(s.completed) +
                     " completed");
        if (s.admitted < p.started) complain(name + "started more than it admitted");
        if (most > p.highest_limit + s.overdraft_peak)
            complain(name + std::to_string(most) + " at work, limit " + std::to_string(p.highest_limit) +
                     ", overdrawn by " + std::to_string(s.overdraft_peak));
        if (s.active_peak > p.highest_limit + s.overdraft_peak) complain(name + "uncounted overdraft");
        if (p.strict && !program_.stops && s.overdraft_peak > program_.extra_waiters + drops_.load())
            complain(name + "overdrawn by " + std::to_string(s.overdraft_peak) + ", predicted " +
                     std::to_string(program_.extra_waiters + drops_.load()));
    }
    void not_strict(std::uint32_t pool) { pools_[pool].strict = false; }

    /// When all is over.
    void finished();
    void complain(std::string text);
    std::string complaints() const;
    static int value_of(std::uint32_t task) { return static_cast<int>(task) * 7 + 1; }

private:
    struct TaskRecord {
        std::atomic<Phase> phase{Phase::unborn};
        std::exception_ptr error; ///< written before `phase`
        std::thread::id thread;   ///< where it started
        std::optional<std::thread::id> pinned_to;
        std::atomic<std::uint64_t> id{0};
        std::atomic<int> calls{0};
        std::atomic<int> callables{0}; ///< alive
        std::atomic<int> takes{0};
        std::atomic<bool> spawned{false};
        std::atomic<bool> dropped_unasked{false};
        std::atomic<bool> refused{false};
        std::atomic<bool> take_begun{false};
        std::atomic<bool> seen{false};         ///< somebody has the error
        std::atomic<bool> seen_by_get{false};  ///< among them one who waited for the task
        std::atomic<bool> delivered{false};    ///< by join or errors, which must not happen twice
        std::atomic<bool> reported{false};     ///< to the handler
        std::atomic<bool> must_be_seen{false}; ///< a join returned without it
        std::atomic<bool> seen_in_life{false}; ///< before the group's destructor
    };
    struct GroupRecord {
        std::atomic<bool> dead{false};
        std::atomic<int> lines{0}; ///< of the handler, at its end
        std::size_t unhandled = 0;
        std::size_t seen_in_life = 0;
        std::vector<std::uint32_t> tasks;
    };
    struct PoolRecord {
        std::atomic<std::size_t> working{0};
        std::atomic<std::size_t> most_working{0};
        std::atomic<std::size_t> started{0};
        std::atomic<std::size_t> highest_limit{0};
        std::atomic<bool> may_refuse{false};
        std::atomic<bool> strict{true};
    };

    std::uint32_t pool_of(std::uint32_t task) const {
        return program_.groups[program_.tasks[task].group].pool;
    }
    bool has_ended(std::uint32_t task) const;
    std::vector<std::uint32_t> twins_of(std::uint32_t task) const;
    bool deliver(std::uint32_t task);
    void check_errors_of(std::uint32_t group);

    Program const& program_;
    std::deque<TaskRecord> tasks_;
    std::deque<GroupRecord> groups_;
    std::deque<PoolRecord> pools_;
    std::atomic<std::size_t> drops_{0};
    mutable std::mutex mutex_;
    std::vector<std::string> complaints_;
};

} // namespace frond::test
