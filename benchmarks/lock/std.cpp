// std::mutex, in a process of one thread. Fibers of one thread cannot take turns with it: the second would
// block the thread for ever.
#include <mutex>

#include "workload.hpp"

namespace {

void alone(benchmark::State& state) {
    std::mutex mutex;
    bench::lock_alone(state, mutex);
}

BENCHMARK(alone)->Apply(bench::once_by_wall_clock);

} // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, "none"); }
