#include <array>
#include <cstddef>
#include <cstdint>

#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include "../tbb_threads.hpp"
#include "workload.hpp"

namespace {

std::uint64_t on_one_thread(std::uint64_t tasks) {
    std::uint64_t ran = 0;
    tbb::task_group group;
    for (std::uint64_t i = 0; i < tasks; ++i) group.run([&ran] { ++ran; });
    group.wait();
    return ran;
}

// A counter a thread: a shared atomic would cost more than the tasks do.
struct alignas(64) Counter {
    std::uint64_t value = 0;
};

std::uint64_t on_two_threads(std::uint64_t tasks) {
    std::array<Counter, 2> ran;
    tbb::task_group group;
    for (std::uint64_t i = 0; i < tasks; ++i)
        group.run(
            [&ran] { ++ran[static_cast<std::size_t>(tbb::this_task_arena::current_thread_index())].value; });
    group.wait();
    return ran[0].value + ran[1].value;
}

void once(benchmark::State& state, int threads) {
    bench::on_tbb_threads(threads,
                          [&] { bench::time_once(state, threads == 1 ? on_one_thread : on_two_threads); });
}

void batches(benchmark::State& state, int threads) {
    bench::on_tbb_threads(threads,
                          [&] { bench::time_batches(state, threads == 1 ? on_one_thread : on_two_threads); });
}

BENCHMARK_CAPTURE(once, 1_thread, 1)->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(once, 2_threads, 2)->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(batches, 1_thread, 1)->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(batches, 2_threads, 2)->Apply(bench::once_by_wall_clock);

} // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, bench::tbb_version()); }
