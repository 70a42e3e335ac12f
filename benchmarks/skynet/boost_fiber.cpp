#include <array>
#include <cstdint>
#include <numeric>

#include "../boost_fiber_spawner.hpp"
#include "workload.hpp"

namespace {

template <class Spawn>
std::uint64_t sum(Spawn& spawn, std::uint64_t first, std::uint64_t leaves) {
    if (leaves == 1) return first;
    std::uint64_t const share = leaves / bench::children_per_task;
    std::array<std::uint64_t, bench::children_per_task> sums;
    std::array<boost::fibers::fiber, bench::children_per_task> children;
    for (std::uint64_t i = 0; i < sums.size(); ++i)
        children[i] = spawn([&spawn, &result = sums[i], begin = first + i * share, share] {
            result = sum(spawn, begin, share);
        });
    for (boost::fibers::fiber& child : children) child.join();
    return std::accumulate(sums.begin(), sums.end(), std::uint64_t{0});
}

template <class Spawn>
void skynet(benchmark::State& state, Spawn spawn) {
    bench::time_skynet(state, [&spawn](std::uint64_t leaves) {
        std::uint64_t result = 0;
        spawn([&] { result = sum(spawn, 0, leaves); }).join();
        return result;
    });
}

// No pool of stacks: the tree is walked breadth first, so that nearly all of them live at a time.
BENCHMARK_CAPTURE(skynet, queued_default_stack, bench::queued_default_stack())
    ->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(skynet, queued_small_stack, bench::queued_small_stack())->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(skynet, at_once_small_stack, bench::at_once_small_stack())
    ->Apply(bench::once_by_wall_clock);

} // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, bench::boost_version()); }
