#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include <frond/group.hpp>

#include "../frond_threads.hpp"
#include "workload.hpp"

namespace {

std::uint64_t sum(std::uint64_t first, std::uint64_t leaves) {
    if (leaves == 1) return first;
    std::uint64_t const share = leaves / bench::children_per_task;
    std::array<std::uint64_t, bench::children_per_task> sums;
    frond::Group children;
    for (std::uint64_t i = 0; i < sums.size(); ++i)
        children.spawn([&result = sums[i], begin = first + i * share, share] { result = sum(begin, share); });
    children.join();
    return std::accumulate(sums.begin(), sums.end(), std::uint64_t{0});
}

std::uint64_t sum_of_leaves(std::uint64_t leaves) {
    std::uint64_t result = 0;
    frond::Group root;
    root.spawn([&result, leaves] { result = sum(0, leaves); });
    root.join();
    return result;
}

void without_runtime(benchmark::State& state) { bench::time_skynet(state, sum_of_leaves); }

void in_runtime(benchmark::State& state, std::size_t threads) {
    bench::on_frond_threads(threads, [&](frond::Runtime&) { bench::time_skynet(state, sum_of_leaves); });
}

BENCHMARK(without_runtime)->Name("skynet")->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(in_runtime, 1, 1)->Name("skynet/1_thread")->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(in_runtime, 2, 2)->Name("skynet/2_threads")->Apply(bench::once_by_wall_clock);

} // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, "frond"); }
