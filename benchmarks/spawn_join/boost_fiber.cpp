#include <cstdint>
#include <vector>

#include "../boost_fiber_spawner.hpp"
#include "workload.hpp"

namespace {

template <class Spawn>
auto spawn_and_join_with(Spawn spawn) {
    return [spawn](std::uint64_t tasks) mutable {
        std::uint64_t ran = 0;
        std::vector<boost::fibers::fiber> fibers;
        fibers.reserve(tasks);
        for (std::uint64_t i = 0; i < tasks; ++i) fibers.push_back(spawn([&ran] { ++ran; }));
        for (boost::fibers::fiber& fiber : fibers) fiber.join();
        return ran;
    };
}

template <class Spawn>
void once(benchmark::State& state, Spawn spawn) {
    bench::time_once(state, spawn_and_join_with(spawn));
}

template <class Spawn>
void batches(benchmark::State& state, Spawn spawn) {
    bench::time_batches(state, spawn_and_join_with(spawn));
}

// `once` has no pool: all stacks live at a time, where a pool only touches more of each.
// Nor launch::dispatch, which helps skynet: here a stack stays until its fiber is joined.
BENCHMARK_CAPTURE(once, queued_default_stack, bench::queued_default_stack())
    ->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(once, queued_small_stack, bench::queued_small_stack())->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(batches, queued_default_stack, bench::queued_default_stack())
    ->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(batches, queued_small_stack, bench::queued_small_stack())->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(batches, queued_pooled_stack, bench::queued_pooled_stack())
    ->Apply(bench::once_by_wall_clock);

} // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, bench::boost_version()); }
