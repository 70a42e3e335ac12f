#include <cstddef>
#include <cstdint>

#include <frond/group.hpp>
#include <frond/sync/mutex.hpp>
#include <frond/this_task.hpp>

#include "../frond_threads.hpp"
#include "workload.hpp"

namespace {

void alone(benchmark::State& state) {
    frond::Mutex mutex;
    bench::lock_alone(state, mutex);
}

void in_turn(benchmark::State& state) {
    bench::time_in_turn(state, [](std::uint64_t& times) {
        frond::Mutex mutex;
        frond::Group group;
        for (int fiber = 0; fiber < 2; ++fiber)
            group.spawn([&] { bench::lock_in_turn(mutex, times, [] { frond::yield(); }); });
        group.join();
    });
}

void alone(benchmark::State& state, std::size_t threads) {
    bench::on_frond_threads(threads, [&](frond::Runtime&) { alone(state); });
}
void in_turn(benchmark::State& state, std::size_t threads) {
    bench::on_frond_threads(threads, [&](frond::Runtime&) { in_turn(state); });
}

BENCHMARK(alone)->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(alone, 1_thread, 1)->Apply(bench::once_by_wall_clock);
BENCHMARK(in_turn)->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(in_turn, 1_thread, 1)->Apply(bench::once_by_wall_clock);

} // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, "frond"); }
