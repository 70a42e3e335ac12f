// Workers that live as long as the run, and a channel to the consumer, the main fiber.
#include <cstddef>
#include <cstdint>
#include <vector>

#include <boost/fiber/buffered_channel.hpp>
#include <boost/fiber/operations.hpp>

#include "../boost_fiber_spawner.hpp"
#include "../results_workload.hpp"

namespace {

using boost::fibers::channel_op_status;

// A buffered_channel takes powers of two only, and has one place less than it is given.
constexpr std::size_t channel_size = 128;

void take_all(std::uint64_t items, bench::AsTheyCome& consumer) {
    boost::fibers::buffered_channel<std::uint64_t> results{channel_size};
    std::uint64_t next = 0;
    std::size_t working = bench::in_flight;
    auto spawn = bench::queued_default_stack();
    auto const work = [&] {
        while (next < items) results.push(bench::result_of(next++, [] { boost::this_fiber::yield(); }));
        if (--working == 0) results.close();
    };
    std::vector<boost::fibers::fiber> workers;
    workers.reserve(bench::in_flight);
    for (std::size_t i = 0; i < bench::in_flight; ++i) workers.push_back(spawn(work));
    for (std::uint64_t result = 0; results.pop(result) == channel_op_status::success;) consumer(result);
    for (boost::fibers::fiber& worker : workers) worker.join();
}

void unordered_results(benchmark::State& state) {
    bench::time_results<bench::AsTheyCome>(state, bench::item_count(), take_all);
}

BENCHMARK(unordered_results)->Apply(bench::once_by_wall_clock);

} // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, bench::boost_version()); }
