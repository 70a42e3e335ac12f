// Work that goes to and fro between two threads: what every step costs in time, and in switches of the
// system's scheduler. `run.py --strace` adds the system calls.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include <sys/resource.h>

#include <frond/asio.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/task.hpp>

#include "../frond_threads.hpp"
#include "../report.hpp"

namespace {

using Clock = std::chrono::steady_clock;

std::uint64_t handovers() { return bench::smoke() ? 200 : 100'000; }

std::uint64_t context_switches() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::uint64_t>(usage.ru_nvcsw);
}

/// Adds up what passes between `start` and `stop`.
class Meter {
public:
    void start() {
        switches_ -= context_switches();
        began_ = Clock::now();
    }
    void stop() {
        took_ += Clock::now() - began_;
        switches_ += context_switches();
    }
    void report(benchmark::State& state, std::uint64_t steps, std::uint64_t crossings) const {
        auto const number = [](auto n) { return static_cast<double>(n); };
        auto const us = std::chrono::duration<double, std::micro>(took_).count();
        bench::report_counts(state, {{"steps", number(steps)},
                                     {"to the other thread", number(crossings)},
                                     {"µs a step", us / number(steps)},
                                     {"context switches a step", number(switches_) / number(steps)}});
    }

private:
    Clock::time_point began_{};
    Clock::duration took_{};
    std::uint64_t switches_ = 0;
};

/// Where tasks that run one after the other have run.
class Track {
public:
    void step() {
        auto const here = std::hash<std::thread::id>{}(std::this_thread::get_id());
        steps_.fetch_add(1, std::memory_order_relaxed);
        if (last_.exchange(here, std::memory_order_relaxed) != here)
            crossings_.fetch_add(1, std::memory_order_relaxed);
    }
    std::uint64_t steps() const { return steps_; }
    std::uint64_t crossings() const { return crossings_; }

private:
    std::atomic<std::size_t> last_{0};
    std::atomic<std::uint64_t> steps_{0};
    std::atomic<std::uint64_t> crossings_{0};
};

enum class Sleep { in_futex, in_asio };

/// A thread that has an `io_context` sleeps there, and is woken through an eventfd.
void prepare(frond::Runtime& runtime, Sleep sleep) {
    if (sleep == Sleep::in_asio) runtime.run_on_each([] { frond::io_context(); });
}

/// Calls `spawn(0)`, `spawn(1)`, … `spawn(n - 1)` on the two threads in turn. None of what it spawns starts
/// before both are done: they wait without frond's knowledge.
template <class F>
void spawn_in_turn(frond::Runtime& runtime, std::uint64_t n, F spawn) {
    std::atomic<std::uint64_t> next{0};
    std::atomic<std::uint64_t> place{0};
    runtime.run_on_each([&] {
        for (std::uint64_t i = place++; i < n; i += 2) {
            while (next.load(std::memory_order_acquire) != i) std::this_thread::yield();
            spawn(i);
            next.store(i + 1, std::memory_order_release);
        }
        while (next.load(std::memory_order_acquire) < n) std::this_thread::yield();
    });
}

/// A pool of one slot, whose tasks are pinned to the threads in turn: the slot crosses at the end of each.
void slot(benchmark::State& state, Sleep sleep) {
    bench::on_frond_threads(2, [&](frond::Runtime& runtime) {
        prepare(runtime, sleep);
        Meter meter;
        Track track;
        for (auto _ : state) {
            frond::Pool pool{1};
            spawn_in_turn(runtime, handovers(),
                          [&](std::uint64_t) { pool.spawn({.pinned = true}, [&] { track.step(); }); });
            meter.start();
            pool.join();
            meter.stop();
        }
        meter.report(state, track.steps(), track.crossings());
    });
}

/// The same pool with tasks that any thread may run: nothing has to cross.
void slot_unpinned(benchmark::State& state) {
    bench::on_frond_threads(2, [&](frond::Runtime&) {
        Meter meter;
        Track track;
        for (auto _ : state) {
            frond::Pool pool{1};
            meter.start();
            for (std::uint64_t i = 0; i < handovers(); ++i) pool.spawn([&] { track.step(); });
            pool.join();
            meter.stop();
        }
        meter.report(state, track.steps(), track.crossings());
    });
}

/// Each task waits in `get` for one on the other thread, which waits for one on this, …
void get(benchmark::State& state, Sleep sleep) {
    bench::on_frond_threads(2, [&](frond::Runtime& runtime) {
        prepare(runtime, sleep);
        constexpr std::uint64_t chain = 100;
        Meter meter;
        Track track;
        std::vector<frond::Task<void>> tasks(chain);
        for (auto _ : state) {
            for (std::uint64_t done = 0; done < handovers(); done += chain) {
                frond::Group group;
                spawn_in_turn(runtime, chain, [&](std::uint64_t i) {
                    tasks[i] = group.spawn({.pinned = true}, [&tasks, &track, i] {
                        if (i > 0) tasks[i - 1].get();
                        track.step();
                    });
                });
                meter.start();
                group.join();
                meter.stop();
            }
        }
        meter.report(state, track.steps(), track.crossings());
    });
}

/// Two runtimes of one thread each: there with `spawn`, back with `get`.
void spawn_and_get(benchmark::State& state, Sleep sleep) {
    frond::Runtime near{{.threads = 1}};
    frond::Runtime far{{.threads = 1}};
    prepare(near, sleep);
    prepare(far, sleep);
    Meter meter;
    Track track;
    far.run([&] {
        frond::Group group;
        near.run([&] {
            meter.start();
            for (auto _ : state)
                for (std::uint64_t i = 0; i < handovers() / 2; ++i) {
                    group.spawn([&] { track.step(); }).get();
                    track.step();
                }
            meter.stop();
        });
    });
    meter.report(state, track.steps(), track.crossings());
}

/// From a plain thread: there and back with `run`.
void run(benchmark::State& state) {
    frond::Runtime runtime{{.threads = 1}};
    Meter meter;
    Track track;
    meter.start();
    for (auto _ : state)
        for (std::uint64_t i = 0; i < handovers() / 2; ++i) {
            runtime.run([&] { track.step(); });
            track.step();
        }
    meter.stop();
    meter.report(state, track.steps(), track.crossings());
}

BENCHMARK_CAPTURE(slot, 1, Sleep::in_futex)
    ->Name("handover/slot_of_a_pool")
    ->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(slot, 2, Sleep::in_asio)
    ->Name("handover/slot_of_a_pool,_threads_with_IO")
    ->Apply(bench::once_by_wall_clock);
BENCHMARK(slot_unpinned)->Name("handover/slot_of_a_pool,_not_pinned")->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(get, 1, Sleep::in_futex)->Name("handover/get")->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(get, 2, Sleep::in_asio)
    ->Name("handover/get,_threads_with_IO")
    ->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(spawn_and_get, 1, Sleep::in_futex)
    ->Name("handover/spawn_and_get_between_runtimes")
    ->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(spawn_and_get, 2, Sleep::in_asio)
    ->Name("handover/spawn_and_get_between_runtimes,_threads_with_IO")
    ->Apply(bench::once_by_wall_clock);
BENCHMARK(run)->Name("handover/run_from_a_plain_thread")->Apply(bench::once_by_wall_clock);

} // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, "frond"); }
