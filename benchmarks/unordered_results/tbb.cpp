#include <cstdint>

#include <oneapi/tbb/parallel_pipeline.h>
#include <oneapi/tbb/task.h>

#include "../results_workload.hpp"
#include "../tbb_threads.hpp"

namespace {

template <class Yield>
auto pipeline(Yield yield) {
    return [yield](std::uint64_t items, bench::AsTheyCome& consumer) {
        using tbb::filter_mode;
        std::uint64_t next = 0;
        auto const feed = [&](tbb::flow_control& input) {
            if (next == items) input.stop();
            return next++;
        };
        auto const work = [&](std::uint64_t item) { return bench::result_of(item, yield); };
        auto const consume = [&](std::uint64_t result) { consumer(result); };
        tbb::parallel_pipeline(
            bench::in_flight,
            tbb::make_filter<void, std::uint64_t>(filter_mode::serial_in_order, feed) &
                tbb::make_filter<std::uint64_t, std::uint64_t>(filter_mode::parallel, work) &
                tbb::make_filter<std::uint64_t, void>(filter_mode::serial_out_of_order, consume));
    };
}

// A task of oneTBB cannot yield: here it just goes on.
void without_yields(benchmark::State& state, int threads) {
    bench::on_tbb_threads(threads, [&] {
        bench::time_results<bench::AsTheyCome>(state, bench::item_count(), pipeline([] {}));
    });
}

// The nearest to a yield: a resumable task, which waits on a stack of its own while its thread takes another.
// Fewer items, because each takes microseconds.
void resumable(benchmark::State& state, int threads) {
    auto const yield = [] { tbb::task::suspend([](tbb::task::suspend_point p) { tbb::task::resume(p); }); };
    bench::on_tbb_threads(threads, [&] {
        bench::time_results<bench::AsTheyCome>(state, bench::item_count() / 10, pipeline(yield));
    });
}

BENCHMARK_CAPTURE(without_yields, 1, 1)
    ->Name("unordered_results/without_yields_1_thread")
    ->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(without_yields, 2, 2)
    ->Name("unordered_results/without_yields_2_threads")
    ->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(resumable, 1, 1)
    ->Name("unordered_results/resumable_1_thread")
    ->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(resumable, 2, 2)
    ->Name("unordered_results/resumable_2_threads")
    ->Apply(bench::once_by_wall_clock);

} // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, bench::tbb_version()); }
