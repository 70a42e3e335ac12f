// Programs stopped at every point, on one thread.

#include "support/every_point.hpp"

#include "scheduler/home_registry.hpp"
#include "scheduler/stall.hpp"
#include "support/every_point_run.hpp"
#include "support/every_point_switches.hpp"
#include "support/parallel_watchdog.hpp"

#include <frond/diagnostics.hpp>
#include <frond/group.hpp>
#include <frond/this_task.hpp>

#include <algorithm>
#include <iostream>
#include <sstream>
#include <thread>
#include <utility>

namespace frond::test {

using detail::Fiber;
using detail::Home;
using detail::TaskNode;
using detail::Waiter;
using detail::WaitKind;
using detail::WakeReason;

namespace {

/// A task that waits until it is told, without a turn of its own before.
class Bell {
public:
    void wait() {
        if (rung_) return;
        Waiter w{WaitKind::sleep};
        waiting_ = &w;
        Home::current().park(w);
    }
    void ring(Home& h) noexcept {
        rung_ = true;
        if (waiting_) h.wake(*std::exchange(waiting_, nullptr), WakeReason::done);
    }

private:
    Waiter* waiting_ = nullptr;
    bool rung_ = false;
};

// --- on one thread ----------------------------------------------------------------------------------------

class OneThread final : public Switches {
public:
    /// @param limit the deadline, where that stops it: later than any point
    OneThread(StoppedProgram const& p, Stop how, std::chrono::nanoseconds limit)
        : program_{p}, how_{how}, limit_{limit} {}

    /// @return whether it was stopped, that is whether there was such a point
    bool run(std::uint64_t point, std::string& complaints) {
        Home& h = Home::current();
        auto const began = Clock::now();
        Run run{program_, how_, limit_};
        run_ = &run;
        point_ = point;
        seen_ = 0;
        was_stopped_ = asked_to_end_ = ended_at_last_ = false;
        run.scene().on_here([this] {
            if (is_by_itself(how_) && is_armed_) at_point([this] { run_->cancel(); });
        });
        {
            Group cancellers;
            Bell bell;
            bell_ = &bell;
            if (waits(how_)) {
                cancellers.spawn([this, &bell, &run] {
                    bell.wait();
                    if (was_stopped_) run.cancel();
                });
                yield();
            }
            complaints = run.go([this] { is_armed_ = true; },
                                [&] {
                                    is_armed_ = false;
                                    bell.ring(h);
                                    if (waits(how_)) cancellers.join();
                                });
        }
        if (h.live_tasks != 0) complaints += std::to_string(h.live_tasks) + " tasks left alive\n";
        yield(); // the carriers that were the last ones go idle
        if (h.groups.head) complaints += "a group is left\n";
        check_home(h, complaints);
        length_ = Clock::now() - began;
        return was_stopped_;
    }

    void between(Home& h, Fiber& left) noexcept override {
        if (!is_armed_ || how_ == Stop::resumed || (how_ == Stop::suspended && !left.task)) return;
        if (!is_by_itself(how_)) at_point([&] { stop(h, left.task); });
    }
    void before(Home&, Fiber& next) noexcept override {
        if (is_armed_ && how_ == Stop::resumed && next.task) at_point([&] { request_cancel(*next.task); });
    }
    void falls_asleep(Home& h) noexcept override {
        if (!is_armed_) return;
        bool const stands_still = h.timers.next() > Clock::now() + std::chrono::seconds{1};
        bool const endless = program_.length == StoppedProgram::Length::endless;
        if (is_of_one_task(how_) || is_by_itself(how_)) {
            bool const may_need_help = endless || (is_of_one_task(how_) && was_stopped_ &&
                                                   program_.length != StoppedProgram::Length::ends);
            if (stands_still && may_need_help && !std::exchange(asked_to_end_, true)) run_->request();
            return;
        }
        if (endless && stands_still && !was_stopped_) {
            point_ = seen_ + 1;
            ended_at_last_ = true;
        }
        at_point([&] { stop(h, nullptr); });
    }

    /// Of the last run.
    std::chrono::nanoseconds length() const { return length_; }
    /// An endless program was stopped because there was nothing else to do: there are no more points.
    bool was_stopped_at_last() const { return ended_at_last_; }

private:
    template <class F>
    void at_point(F&& f) {
        if (++seen_ != point_) return;
        was_stopped_ = true;
        f();
    }

    void stop(Home& h, TaskNode* suspended) {
        switch (how_) {
        case Stop::nothing:
            was_stopped_ = false;
            break;
        case Stop::scope:
        case Stop::task_deadline:
        case Stop::group_deadline:
            run_->await_deadline(); // the thread looks at its timers next
            break;
        case Stop::suspended:
            request_cancel(*suspended);
            break;
        case Stop::task_and_wait:
        case Stop::group_and_wait:
            bell_->ring(h);
            break;
        case Stop::task_from_afar:
        case Stop::group_from_afar:
            std::thread{[this] { run_->request(); }}.join();
            break;
        default:
            run_->request();
        }
    }

    StoppedProgram const& program_;
    Stop const how_;
    std::chrono::nanoseconds const limit_;
    std::chrono::nanoseconds length_{};
    Run* run_ = nullptr;
    Bell* bell_ = nullptr;
    std::uint64_t point_ = 0;
    std::uint64_t seen_ = 0;
    bool is_armed_ = false;
    bool was_stopped_ = false;
    bool asked_to_end_ = false;
    bool ended_at_last_ = false;
};

/// What stands still is found and ended with a list of who waits for what, although the test has a thread
/// that frond does not know.
class StallsAreFound {
public:
    StallsAreFound() {
        detail::override_thread_count(stats().homes + detail::HomeRegistry::instance().idle_helpers);
    }
    StallsAreFound(StallsAreFound const&) = delete;
    StallsAreFound& operator=(StallsAreFound const&) = delete;
    ~StallsAreFound() { detail::override_thread_count(std::nullopt); }
};

std::string stop_at_every_point(StoppedProgram const& p, Stop how, std::chrono::nanoseconds& limit,
                                Watchdog& watchdog, std::ostream& counts) {
    std::string result;
    Home* home = nullptr;
    OneThread driver{p, how, limit}; // it sees the thread's end, too
    std::thread{[&] {
        home = &Home::current();
        StallsAreFound const watch;
        WatchedAlgorithm::install(driver);
        for (std::uint64_t point = 1;; ++point) {
            std::string complaints;
            watchdog.pat(describe(p, how, point));
            bool const stopped = driver.run(point, complaints);
            if (!complaints.empty()) {
                result = describe(p, how, point) + ":\n" + complaints;
                break;
            }
            if (!stopped || driver.was_stopped_at_last()) {
                if (how == Stop::nothing) limit = std::max(limit, 10 * driver.length());
                counts << ' ' << name_of(how) << ' ' << point - 1;
                break;
            }
        }
    }}.join();
    if (result.empty() && home->number != 0) result = p.name + ": a task or a group is left in memory";
    return result;
}

} // namespace

std::string stop_everywhere(StoppedProgram const& p) {
    Watchdog watchdog{p.name, longest_run};
    std::string complaints;
    std::ostringstream counts;
    std::chrono::nanoseconds limit = std::chrono::milliseconds{2};
    for (Stop const how : every_stop)
        if (how != Stop::nothing || p.length != StoppedProgram::Length::endless)
            complaints += stop_at_every_point(p, how, limit, watchdog, counts);
    std::cout << "points:" << counts.str() << "\n";
    return complaints;
}

} // namespace frond::test
