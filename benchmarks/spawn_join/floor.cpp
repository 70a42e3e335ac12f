// No library: each type-erased closure is allocated, called and freed in a plain loop. Nothing is queued and
// nothing can wait, so this is no competitor: it shows what is left once scheduling costs nothing.
#include <cstdint>
#include <memory>

#include "workload.hpp"

namespace {

struct Closure {
    virtual ~Closure() = default;
    virtual void call() = 0;
};

struct Increment final : Closure {
    explicit Increment(std::uint64_t& counter) : counter_(counter) {}
    void call() override { ++counter_; }
    std::uint64_t& counter_;
};

std::uint64_t spawn_and_join(std::uint64_t tasks) {
    std::uint64_t ran = 0;
    for (std::uint64_t i = 0; i < tasks; ++i) {
        std::unique_ptr<Closure> closure = std::make_unique<Increment>(ran);
        benchmark::DoNotOptimize(closure); // or the compiler sees through all three steps
        closure->call();
    }
    return ran;
}

void once(benchmark::State& state) { bench::time_once(state, spawn_and_join); }
void batches(benchmark::State& state) { bench::time_batches(state, spawn_and_join); }

BENCHMARK(once)->Apply(bench::once_by_wall_clock);
BENCHMARK(batches)->Apply(bench::once_by_wall_clock);

} // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, "none"); }
