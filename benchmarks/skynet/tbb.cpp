#include <array>
#include <cstdint>
#include <numeric>

#include <oneapi/tbb/task_group.h>

#include "../tbb_threads.hpp"
#include "workload.hpp"

namespace {

std::uint64_t sum(std::uint64_t first, std::uint64_t leaves) {
    if (leaves == 1) return first;
    std::uint64_t const share = leaves / bench::children_per_task;
    std::array<std::uint64_t, bench::children_per_task> sums;
    tbb::task_group children;
    for (std::uint64_t i = 0; i < sums.size(); ++i)
        children.run([&result = sums[i], begin = first + i * share, share] { result = sum(begin, share); });
    children.wait();
    return std::accumulate(sums.begin(), sums.end(), std::uint64_t{0});
}

std::uint64_t sum_of_leaves(std::uint64_t leaves) {
    std::uint64_t result = 0;
    tbb::task_group root;
    root.run([&result, leaves] { result = sum(0, leaves); });
    root.wait();
    return result;
}

void skynet(benchmark::State& state, int threads) {
    bench::on_tbb_threads(threads, [&] { bench::time_skynet(state, sum_of_leaves); });
}

BENCHMARK_CAPTURE(skynet, 1_thread, 1)->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(skynet, 2_threads, 2)->Apply(bench::once_by_wall_clock);

} // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, bench::tbb_version()); }
