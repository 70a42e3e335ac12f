#include <cstdint>

#include <frond/group.hpp>

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

BENCHMARK(once)->Apply(bench::once_by_wall_clock);
BENCHMARK(batches)->Apply(bench::once_by_wall_clock);

} // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, "frond"); }
