#include <cstddef>
#include <cstdint>

#include <frond/group.hpp>

#include "../frond_threads.hpp"
#include "workload.hpp"

namespace {

std::uint64_t spawn_and_join(std::uint64_t tasks) {
    std::uint64_t ran = 0;
    frond::Group group;
    for (std::uint64_t i = 0; i < tasks; ++i) group.spawn([&ran] { ++ran; });
    group.join();
    return ran;
}

void once(benchmark::State& state) { bench::time_once(state, spawn_and_join); }
void batches(benchmark::State& state) { bench::time_batches(state, spawn_and_join); }

// Calls `time` with what spawns and joins on that many threads.
template <class F>
void in_runtime(std::size_t threads, F time) {
    bench::on_frond_threads(threads, [&](frond::Runtime& runtime) {
        if (threads == 1) {
            time(spawn_and_join);
            return;
        }
        bench::PerThreadCounter ran{runtime};
        time([&ran](std::uint64_t tasks) {
            frond::Group group;
            for (std::uint64_t i = 0; i < tasks; ++i)
                group.spawn([] { bench::PerThreadCounter::increment(); });
            group.join();
            return ran.take();
        });
    });
}

void once(benchmark::State& state, std::size_t threads) {
    in_runtime(threads, [&](auto spawn) { bench::time_once(state, spawn); });
}
void batches(benchmark::State& state, std::size_t threads) {
    in_runtime(threads, [&](auto spawn) { bench::time_batches(state, spawn); });
}

BENCHMARK(once)->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(once, 1_thread, 1)->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(once, 2_threads, 2)->Apply(bench::once_by_wall_clock);
BENCHMARK(batches)->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(batches, 1_thread, 1)->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(batches, 2_threads, 2)->Apply(bench::once_by_wall_clock);

} // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, "frond"); }
