#pragma once

#include "support/model_program.hpp"
#include "support/model_scopes.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace frond::test {

/// Who may have been cancelled, and who has been for certain, in a program that runs on several threads. Who
/// cancels says so before, and again when the call is over.
class ParallelStops {
public:
    ParallelStops(Program const& p, std::function<void(std::string)> complain);

    /// Observers have no scopes, and nobody cancels them.
    static constexpr std::uint32_t nobody = UINT32_MAX;

    // --- any thread ---
    void cancels_task(std::uint32_t task) { tasks_[task].touched = true; }
    /// After the call: its next wait throws.
    void has_cancelled_task(std::uint32_t task) { tasks_[task].told = true; }
    /// @param over whether it is before the group is next quiescent
    void cancels_group(std::uint32_t group, bool over = false) {
        ++groups_[group].begun;
        if (over) ++groups_[group].over;
    }
    void has_cancelled_group(std::uint32_t group) { ++groups_[group].over; }
    /// After a join of the group by the only one who joins it: what was cancelled before concerns it no more.
    template <class IsEmpty>
    void joined(std::uint32_t group, IsEmpty&& is_empty) {
        auto& g = groups_[group];
        auto const over = g.over.load();
        if (g.begun == over && is_empty()) g.forgiven = over;
    }
    /// Whether there is a reason why the task may be cancelled: its own, its group's, or that of somebody who
    /// waits for it and takes it along.
    bool may_be_cancelled(std::uint32_t task) const;

    // --- the task itself ---
    Verdict must_stop(std::uint32_t me);
    void cut_short(std::uint32_t me, std::string_view reason, bool long_ago);
    void enters(std::uint32_t me, StopScopes::Kind kind, Limit limit);
    Verdict leaves(std::uint32_t me, StopScopes::Exit how);
    void passed_on(std::uint32_t me);
    /// The end of a group in the task's destructor.
    void waits_in_destructor(std::uint32_t me);
    void check_token(std::uint32_t me);
    /// A wait of the task for another has thrown `Cancelled`: whether that is its own.
    bool is_own(std::uint32_t me, std::string_view reason, bool other_is_cancelled);
    void complain(std::string text) { complain_(std::move(text)); }

private:
    struct TaskRecord {
        std::atomic<bool> touched{false};
        std::atomic<bool> told{false};
        StopScopes scopes;
        bool was_cancelled = false; ///< it has found out itself
        bool has_deadlines = false;
    };
    struct GroupRecord {
        std::atomic<std::uint64_t> begun{0}; ///< cancellations
        std::atomic<std::uint64_t> over{0};
        std::atomic<std::uint64_t> forgiven{0}; ///< those that cannot concern what is spawned from now on
    };

    Verdict cancellation_of(std::uint32_t me);
    /// The same, but of a moment ago.
    Verdict former_cancellation_of(std::uint32_t me);

    Program const& program_;
    std::function<void(std::string)> complain_;
    std::deque<TaskRecord> tasks_;
    std::deque<GroupRecord> groups_;
};

} // namespace frond::test
