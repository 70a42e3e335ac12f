#pragma once

#include "support/every_point.hpp"

#include "scheduler/home.hpp"

#include <frond/group.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <stop_token>
#include <string>

namespace frond::test {

inline bool is_by_itself(Stop how) { return how == Stop::task_by_itself || how == Stop::group_by_itself; }
inline bool is_of_one_task(Stop how) { return how == Stop::suspended || how == Stop::resumed; }
inline bool waits(Stop how) { return how == Stop::task_and_wait || how == Stop::group_and_wait; }
inline bool has_deadline(Stop how) {
    return how == Stop::scope || how == Stop::task_deadline || how == Stop::group_deadline;
}

/// How long a run may take before it counts as one that does not end.
inline constexpr std::chrono::seconds longest_run{60};

std::string describe(StoppedProgram const& p, Stop how, std::uint64_t point);

/// On its thread, while nothing of the program's is left but what outlives it: no fiber is leaked, no timer.
/// @param spared a task that may be there
void check_home(detail::Home& h, std::string& complaints, detail::TaskNode const* spared = nullptr);
/// Pools and what is bound to them, of the calling thread or its runtime: nobody holds or wants anything.
void check_groups(std::string& complaints);

/// A program, run once.
class Run {
public:
    /// @param limit the deadline, where that is what stops it
    /// @param patience after that time a program that does not end by itself is ended
    Run(StoppedProgram const& p, Stop how, std::chrono::nanoseconds limit,
        std::chrono::nanoseconds patience = forever)
        : program_{p}, how_{how}, limit_{limit}, patience_{patience} {}

    /// Runs the program and checks everything but what is the scheduler's. In a fiber of the home that is to
    /// run it.
    /// @param begins called when it can be stopped
    /// @param ends called when it has ended, while it still can be
    /// @return complaints
    std::string go(std::function<void()> const& begins, std::function<void()> const& ends);

    /// Stops it without waiting.
    void request() noexcept;
    /// Stops it and waits, where that is what is wanted.
    void cancel();
    void await_deadline() const noexcept;
    Scene& scene() { return scene_; }

private:
    void perform(std::function<void()> const& body);
    void join(Group& root);
    void expect_known(std::exception_ptr const& error, bool may_be_late = false);
    void look_at_outcome();
    void check_pools();

    StoppedProgram const& program_;
    Stop const how_;
    std::chrono::nanoseconds const limit_;
    std::chrono::nanoseconds const patience_;
    bool had_enough_ = false;
    Scene scene_;
    std::stop_source source_;
    Group* root_ = nullptr;
    Task<void> task_;
    std::atomic<bool> is_set_up_{false};
    std::atomic<bool> timed_out_{false};
    std::atomic<Clock::time_point> expires_{Clock::time_point::min()};
};
} // namespace frond::test
