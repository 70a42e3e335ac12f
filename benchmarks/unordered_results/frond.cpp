#include <cstddef>
#include <cstdint>
#include <ranges>

#include <frond/pool.hpp>
#include <frond/stream.hpp>
#include <frond/this_task.hpp>

#include "../frond_threads.hpp"
#include "../results_workload.hpp"

namespace {

void take_all(std::uint64_t items, bench::AsTheyCome& consumer) {
    frond::Pool pool{bench::in_flight};
    auto const work = [](std::uint64_t item) { return bench::result_of(item, [] { frond::yield(); }); };
    auto results =
        pool.imap_unordered(std::views::iota(std::uint64_t{0}, items), work, {.buffer = bench::in_flight});
    for (std::uint64_t const result : results) consumer(result);
}

void without_runtime(benchmark::State& state) {
    bench::time_results<bench::AsTheyCome>(state, bench::item_count(), take_all);
}

void in_runtime(benchmark::State& state, std::size_t threads) {
    bench::on_frond_threads(threads, [&](frond::Runtime&) { without_runtime(state); });
}

BENCHMARK(without_runtime)->Name("unordered_results")->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(in_runtime, 1, 1)->Name("unordered_results/1_thread")->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(in_runtime, 2, 2)->Name("unordered_results/2_threads")->Apply(bench::once_by_wall_clock);

} // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, "frond"); }
