// What an item through a bag costs, and how long it takes from `put` to a consumer that waits for it.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include <frond/bag.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/this_task.hpp>

#include "../frond_threads.hpp"
#include "../report.hpp"

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t cap = 100;

double median(std::vector<double>& values) {
    auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::ranges::nth_element(values, middle);
    return *middle;
}

// The tasks of both, one after the other so that a slow moment of the machine meets both.
void item(benchmark::State& state) {
    std::uint64_t const tasks = bench::smoke() ? 1'000 : 100'000;
    std::size_t const rounds = bench::smoke() ? 1 : 21;
    auto const ns_a_task = [&](auto run) {
        auto const began = Clock::now();
        run();
        return std::chrono::duration<double, std::nano>(Clock::now() - began).count() /
               static_cast<double>(tasks);
    };
    auto const in_group = [&] {
        frond::Pool pool{cap};
        frond::Group group{pool};
        for (std::uint64_t i = 0; i < tasks; ++i) group.spawn([i] { return i; });
        group.join();
    };
    auto const in_bag = [&] {
        std::uint64_t sum = 0;
        frond::Pool pool{cap};
        frond::Bag<std::uint64_t> bag{pool};
        for (std::uint64_t i = 0; i < tasks; ++i) bag.spawn([i] { return i; });
        while (auto const result = bag.next()) sum += *result;
        bench::require_equal(sum, tasks * (tasks - 1) / 2);
    };

    std::vector<double> group;
    std::vector<double> bag;
    for (auto _ : state) {
        in_group();
        in_bag();
        for (std::size_t round = 0; round < rounds; ++round) {
            group.push_back(ns_a_task(in_group));
            bag.push_back(ns_a_task(in_bag));
        }
    }
    std::vector<double> difference(rounds);
    std::ranges::transform(bag, group, difference.begin(), std::minus{});
    bench::report_counts(state, {{"tasks", static_cast<double>(tasks)},
                                 {"ns a task in a group", median(group)},
                                 {"ns a task in a bag", median(bag)},
                                 {"ns an item", median(difference)}});
}

void item_in_runtime(benchmark::State& state, std::size_t threads) {
    bench::on_frond_threads(threads, [&](frond::Runtime&) { item(state); });
}

std::size_t put_count() { return bench::smoke() ? 100 : 5'000; }

/// The consumer's side: takes when each item was put, and notes how long ago that is.
std::vector<double> take_times(frond::Bag<Clock::time_point>& bag) {
    std::vector<double> us;
    while (auto const put = bag.next())
        us.push_back(std::chrono::duration<double, std::micro>(Clock::now() - *put).count());
    bench::require_equal(us.size(), put_count());
    return us;
}

void report_latency(benchmark::State& state, std::vector<double> us) {
    std::ranges::sort(us);
    bench::report_counts(state, {{"items", static_cast<double>(us.size())},
                                 {"µs at the median", us[us.size() / 2]},
                                 {"µs at the 99th percentile", us[us.size() * 99 / 100]}});
}

/// The consumer waits again whenever the task that puts goes on after its `yield`.
void latency(benchmark::State& state) {
    for (auto _ : state) {
        frond::Bag<Clock::time_point> bag;
        bag.spawn([&bag] {
            for (std::size_t i = 0; i < put_count(); ++i) {
                frond::yield();
                bag.put(Clock::now());
            }
        });
        report_latency(state, take_times(bag));
    }
}

void latency_in_runtime(benchmark::State& state) {
    bench::on_frond_threads(1, [&](frond::Runtime&) { latency(state); });
}

/// The consumer's thread has nothing else to do, and sleeps.
void latency_across_threads(benchmark::State& state) {
    bench::on_frond_threads(2, [&](frond::Runtime& runtime) {
        for (auto _ : state) {
            frond::Bag<Clock::time_point> bag;
            auto const consumer = std::this_thread::get_id();
            runtime.run_on_each([&] {
                if (std::this_thread::get_id() == consumer) return;
                bag.spawn({.pinned = true}, [&bag] {
                    for (std::size_t i = 0; i < put_count(); ++i) {
                        frond::sleep_for(std::chrono::microseconds{200});
                        bag.put(Clock::now());
                    }
                });
            });
            report_latency(state, take_times(bag));
        }
    });
}

BENCHMARK(item)->Name("item/no_runtime")->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(item_in_runtime, 1, 1)->Name("item/1_thread")->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(item_in_runtime, 2, 2)->Name("item/2_threads")->Apply(bench::once_by_wall_clock);
BENCHMARK(latency)->Name("put_to_next/no_runtime")->Apply(bench::once_by_wall_clock);
BENCHMARK(latency_in_runtime)->Name("put_to_next/1_thread")->Apply(bench::once_by_wall_clock);
BENCHMARK(latency_across_threads)
    ->Name("put_to_next/to_a_thread_that_sleeps")
    ->Apply(bench::once_by_wall_clock);

} // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, "frond"); }
