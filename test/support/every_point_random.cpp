// Programs stopped at random moments in a runtime.

#include "support/every_point.hpp"

#include "scheduler/guard.hpp"
#include "scheduler/team.hpp"
#include "support/every_point_run.hpp"
#include "support/every_point_switches.hpp"
#include "support/parallel_watchdog.hpp"
#include "support/scale.hpp"

#include <frond/runtime.hpp>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

namespace frond::test {

using detail::Fiber;
using detail::Guard;
using detail::Home;
using detail::Message;
using detail::TaskNode;

namespace {

/// Seen to on the dispatcher of whichever thread it is sent to.
struct Letter : Message {
    std::function<void()> act;

    void send(Home& to, std::function<void()> what) {
        act = std::move(what);
        deliver = [](Message& m, Home&) noexcept { static_cast<Letter&>(m).act(); };
        to.post(*this);
    }
};

struct RandomStops final : Switches {
    explicit RandomStops(std::size_t threads) : runtime{std::in_place, RuntimeOptions{.threads = threads}} {
        runtime->run_on_each([this] { WatchedAlgorithm::install(*this); });
        outside = std::thread{[this] { serve_outside(); }};
    }
    RandomStops(RandomStops const&) = delete;
    RandomStops& operator=(RandomStops const&) = delete;
    ~RandomStops() {
        over = true;
        call_outside();
        outside.join();
        runtime.reset();
    }

    enum class Who : std::uint8_t { here, another_thread, outsider, a_task };

    std::string run(StoppedProgram const& p, std::uint64_t seed);
    void choose(StoppedProgram const& p, std::uint64_t seed);
    void check(std::string& complaints);

    void between(Home& h, Fiber& left) noexcept override {
        pause();
        at_point(
            [&] {
                if (how == Stop::suspended) return left.task && left.task != driver;
                return how != Stop::resumed && !is_by_itself(how);
            },
            [&] { stop(h, left.task); });
    }
    void before(Home&, Fiber& next) noexcept override {
        at_point([&] { return how == Stop::resumed && next.task && next.task != driver; },
                 [&] {
                     request_cancel(*next.task);
                     --acting;
                 });
    }
    void falls_asleep(Home& h) noexcept override {
        at_point(
            [this] {
                return endless && !is_by_itself(how) && how != Stop::resumed && how != Stop::suspended;
            },
            [&] { stop(h, nullptr); });
    }

    /// Sometimes a thread takes its time between two fibers.
    void pause() const noexcept {
        thread_local std::minstd_rand dice{
            static_cast<unsigned>(std::hash<std::thread::id>{}(std::this_thread::get_id()) % 1'000'003 + 1)};
        if (!is_armed.load() || dice() % 16 != 0) return;
        auto const until = Clock::now() + std::chrono::microseconds{dice() % 30};
        while (Clock::now() < until) std::this_thread::yield();
    }

    /// What was chosen for the run may be looked at only once `acting` keeps the run from ending.
    template <class Fits, class F>
    void at_point(Fits&& fits, F&& f) {
        ++acting;
        if (is_armed && fits() && ++seen == point) {
            was_stopped = true;
            f();
        } else {
            --acting;
        }
    }

    void stop(Home& h, TaskNode* suspended) noexcept {
        if (how == Stop::nothing || has_deadline(how) || who == Who::a_task) {
            --acting;
            return;
        }
        if (who == Who::outsider) {
            call_outside();
            return;
        }
        Home& to = who == Who::here ? h : *h.team->homes[seed_of_run % h.team->homes.size()];
        if (how == Stop::suspended) detail::add_ref(*suspended);
        letter.send(to, [this, suspended] {
            if (how == Stop::suspended) {
                request_cancel(*suspended);
                detail::drop_ref(*suspended);
            } else {
                current->request();
            }
            --acting;
        });
    }

    void call_outside() noexcept {
        ++calls_outside;
        calls_outside.notify_one();
    }
    void serve_outside() {
        for (unsigned done = 0;; ++done) {
            calls_outside.wait(done);
            if (over) return;
            if (waits(how))
                current->cancel();
            else
                current->request();
            --acting;
        }
    }

    std::thread outside;
    std::optional<Runtime> runtime;
    std::map<std::string, std::uint64_t> points_of; ///< of programs that were not stopped
    std::map<std::string, std::chrono::nanoseconds> length_of;

    // --- of the present run; chosen before it is armed
    Stop how = Stop::nothing;
    Who who = Who::here;
    bool endless = false;
    std::uint64_t seed_of_run = 0;
    std::uint64_t point = 0;
    Run* current = nullptr;
    TaskNode const* driver = nullptr;
    Letter letter;
    std::atomic<std::uint64_t> seen{0};
    std::atomic<bool> is_armed{false};
    std::atomic<bool> was_stopped{false};
    std::atomic<unsigned> acting{0}; ///< who looks whether to stop it, or does
    std::atomic<unsigned> calls_outside{0};
    std::atomic<bool> over{false};
};

void RandomStops::choose(StoppedProgram const& p, std::uint64_t seed) {
    std::mt19937_64 dice{seed};
    seed_of_run = dice();
    endless = p.length == StoppedProgram::Length::endless;
    bool const is_known = points_of.contains(p.name);
    how = is_known ? every_stop[dice() % std::size(every_stop)] : Stop::nothing;
    who = static_cast<Who>(dice() % 4);
    if (how == Stop::task_from_afar || how == Stop::group_from_afar) who = Who::outsider;
    if (waits(how)) who = dice() % 2 == 0 ? Who::outsider : Who::a_task;
    if (is_of_one_task(how)) who = dice() % 2 == 0 ? Who::here : Who::another_thread;
    auto const points = is_by_itself(how) ? 20 : is_known ? points_of[p.name] * 5 / 4 : 1;
    point = 1 + dice() % (points + 1);
    seen = 0;
    was_stopped = false;
}

/// In the driver's task, when all is over.
void RandomStops::check(std::string& complaints) {
    Home& here = Home::current();
    {
        Guard guard{here};
        guard.widen();
        if (auto const live = here.team->live_tasks(); live != 1)
            complaints += std::to_string(live - 1) + " tasks left alive\n";
        for (Home const* h : here.team->homes)
            for (detail::GroupCore const* g = h->groups.head; g; g = g->home_next)
                if (g != driver->group) complaints += "a group is left\n";
    }
    std::mutex mutex;
    runtime->run_on_each([&] {
        yield(); // what others have sent is seen to first
        std::lock_guard const lock{mutex};
        check_home(Home::current(), complaints, driver);
    });
}

std::string RandomStops::run(StoppedProgram const& p, std::uint64_t seed) {
    choose(p, seed);
    auto& length = length_of[p.name];
    auto const most = std::max<std::chrono::nanoseconds>(length, std::chrono::microseconds{50}) * 3 / 2;
    std::chrono::nanoseconds const limit{static_cast<std::int64_t>(seed_of_run >> 16) % most.count()};
    Run run{p, how, limit, std::chrono::milliseconds{5}};
    current = &run;
    std::string complaints;
    runtime->run([&] {
        driver = Home::current().current_task();
        run.scene().on_here([this] {
            if (is_by_itself(how) && is_armed && ++seen == point) current->cancel();
        });
        auto const began = Clock::now();
        {
            std::atomic<bool> is_over{false};
            Group helpers;
            if (who == Who::a_task)
                helpers.spawn([&] {
                    yield_until([&] { return was_stopped || is_over; });
                    if (!was_stopped || has_deadline(how) || is_by_itself(how) || how == Stop::nothing)
                        return;
                    if (waits(how))
                        run.cancel();
                    else
                        run.request();
                });
            complaints = run.go([this] { is_armed = true; },
                                [&] {
                                    is_armed = false;
                                    yield_until([this] { return acting == 0; });
                                    is_over = true;
                                    helpers.join();
                                });
        }
        if (how == Stop::nothing) {
            points_of[p.name] = seen;
            length = Clock::now() - began;
        }
        check(complaints);
    });
    if (complaints.empty()) return "";
    return std::string{", stop "} + name_of(how) + ":\n" + complaints;
}

} // namespace

std::string stop_at_random(std::span<StoppedProgram const> programs, std::size_t threads,
                           std::size_t rounds) {
    char const* const given = std::getenv("FROND_TEST_SEED");
    std::uint64_t const first = given ? std::strtoull(given, nullptr, 10) : 1;
    Watchdog watchdog{"the first", longest_run};
    RandomStops stops{threads};
    for (std::uint64_t seed = first; seed < first + scaled(rounds); ++seed) {
        StoppedProgram const& p = programs[seed % programs.size()];
        auto const text =
            p.name + " on " + std::to_string(threads) + " threads, FROND_TEST_SEED=" + std::to_string(seed);
        watchdog.pat(text);
        for (int again = 0; again < (given ? 100 : 1); ++again)
            if (auto const complaints = stops.run(p, seed); !complaints.empty()) return text + complaints;
    }
    return "";
}

} // namespace frond::test
