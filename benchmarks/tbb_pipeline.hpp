// ordered_results and unordered_results with parallel_pipeline: the same but for the last filter.
#pragma once

#include <cstdint>
#include <string>

#include <oneapi/tbb/parallel_pipeline.h>
#include <oneapi/tbb/task.h>

#include "results_workload.hpp"
#include "tbb_threads.hpp"

namespace bench {

template <class Consumer, class Yield>
auto tbb_pipeline(tbb::filter_mode consuming, Yield yield) {
    return [consuming, yield](std::uint64_t items, Consumer& consumer) {
        std::uint64_t next = 0;
        auto const feed = [&](tbb::flow_control& input) {
            if (next == items) input.stop();
            return next++;
        };
        auto const work = [&](std::uint64_t item) { return result_of(item, yield); };
        auto const consume = [&](std::uint64_t result) { consumer(result); };
        tbb::parallel_pipeline(
            in_flight, tbb::make_filter<void, std::uint64_t>(tbb::filter_mode::serial_in_order, feed) &
                           tbb::make_filter<std::uint64_t, std::uint64_t>(tbb::filter_mode::parallel, work) &
                           tbb::make_filter<std::uint64_t, void>(consuming, consume));
    };
}

// A task of oneTBB cannot yield: here it just goes on.
template <class Consumer>
void without_yields(benchmark::State& state, tbb::filter_mode consuming, int threads) {
    on_tbb_threads(threads, [&] {
        time_results<Consumer>(state, item_count(), tbb_pipeline<Consumer>(consuming, [] {}));
    });
}

// The nearest to a yield: a resumable task, which waits on a stack of its own while its thread takes another.
// Fewer items, because each takes microseconds.
template <class Consumer>
void resumable(benchmark::State& state, tbb::filter_mode consuming, int threads) {
    auto const yield = [] { tbb::task::suspend([](tbb::task::suspend_point p) { tbb::task::resume(p); }); };
    on_tbb_threads(threads, [&] {
        time_results<Consumer>(state, item_count() / 10, tbb_pipeline<Consumer>(consuming, yield));
    });
}

template <class Consumer>
void register_pipelines(std::string const& name, tbb::filter_mode consuming) {
    for (int const threads : {1, 2}) {
        auto const on = std::to_string(threads) + (threads == 1 ? "_thread" : "_threads");
        benchmark::RegisterBenchmark((name + "/without_yields_" + on).c_str(), &without_yields<Consumer>,
                                     consuming, threads)
            ->Apply(once_by_wall_clock);
        benchmark::RegisterBenchmark((name + "/resumable_" + on).c_str(), &resumable<Consumer>, consuming,
                                     threads)
            ->Apply(once_by_wall_clock);
    }
}

} // namespace bench
