#include <cstdint>

#include <boost/fiber/mutex.hpp>
#include <boost/fiber/operations.hpp>

#include "../boost_fiber_spawner.hpp"
#include "workload.hpp"

namespace {

void alone(benchmark::State& state) {
    boost::fibers::mutex mutex;
    bench::lock_alone(state, mutex);
}

void in_turn(benchmark::State& state) {
    bench::time_in_turn(state, [](std::uint64_t& times) {
        boost::fibers::mutex mutex;
        auto spawn = bench::queued_default_stack();
        auto const body = [&] { bench::lock_in_turn(mutex, times, [] { boost::this_fiber::yield(); }); };
        auto first = spawn(body);
        auto second = spawn(body);
        first.join();
        second.join();
    });
}

BENCHMARK(alone)->Apply(bench::once_by_wall_clock);
BENCHMARK(in_turn)->Apply(bench::once_by_wall_clock);

} // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, bench::boost_version()); }
