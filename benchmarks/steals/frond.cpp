// How many searches, steals and wakes it takes to spread tasks over the threads of a Runtime. Counted, not
// timed: so there may be more threads than processors, and `standing_still` stands for as many processors as
// threads.
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <thread>

#include <frond/group.hpp>
#include <frond/pool.hpp>

#include "../frond_threads.hpp"
#include "../report.hpp"

namespace {

using Clock = std::chrono::steady_clock;

/// Keeps a processor busy for 5 µs of its time, whoever else wants it meanwhile.
void compute() {
    static std::uint64_t const rounds = [] {
        constexpr std::uint64_t probe = 1'000'000;
        auto const start = Clock::now();
        for (std::uint64_t i = 0; i < probe; ++i) benchmark::DoNotOptimize(i);
        auto const took = std::chrono::duration<double, std::micro>(Clock::now() - start).count();
        return static_cast<std::uint64_t>(5.0 * static_cast<double>(probe) / took);
    }();
    for (std::uint64_t i = 0; i < rounds; ++i) benchmark::DoNotOptimize(i);
}

std::uint64_t skynet(std::uint64_t leaves) {
    if (leaves == 1) return 1;
    std::array<std::uint64_t, 10> sums{};
    std::uint64_t const share = leaves / sums.size();
    frond::Group children;
    for (std::uint64_t& sum : sums) children.spawn([&sum, share] { sum = skynet(share); });
    children.join();
    return std::accumulate(sums.begin(), sums.end(), std::uint64_t{1});
}

std::uint64_t tree(std::size_t) {
    std::uint64_t const leaves = bench::smoke() ? 1'000 : 1'000'000;
    return skynet(leaves) - 1; // all but the root, which is not spawned
}

/// One parent, equal tasks.
template <class F>
std::uint64_t flat(std::uint64_t tasks, F body) {
    std::atomic<std::uint64_t> ran{0};
    frond::Group group;
    for (std::uint64_t i = 0; i < tasks; ++i)
        group.spawn([&] {
            body();
            ran.fetch_add(1, std::memory_order_relaxed);
        });
    group.join();
    bench::require_equal(ran.load(), tasks);
    return tasks;
}

std::uint64_t equal(std::size_t) { return flat(bench::smoke() ? 1'000 : 100'000, compute); }

/// As many tasks at a time as there are threads, without as many processors: each stops its thread for 1 ms
/// outside frond, which is to a scheduler what a computation of that length is.
std::uint64_t standing_still(std::size_t threads) {
    return flat(threads * (bench::smoke() ? 10 : 1'000),
                [] { std::this_thread::sleep_for(std::chrono::milliseconds{1}); });
}

/// 1,000 tasks of a pool open a group in that pool, with 100 tasks each, and wait for it.
std::uint64_t nested_pool(std::size_t threads) {
    std::uint64_t const parents = bench::smoke() ? 10 : 1'000;
    constexpr std::uint64_t children = 100;
    std::atomic<std::uint64_t> ran{0};
    frond::Pool pool{2 * threads};
    for (std::uint64_t i = 0; i < parents; ++i)
        pool.spawn([&] {
            frond::Group group{pool};
            for (std::uint64_t k = 0; k < children; ++k)
                group.spawn([&] {
                    compute();
                    ran.fetch_add(1, std::memory_order_relaxed);
                });
            group.join();
        });
    pool.join();
    bench::require_equal(ran.load(), parents * children);
    return parents * (children + 1);
}

void count(benchmark::State& state, std::uint64_t (*run)(std::size_t threads)) {
    auto const threads = static_cast<std::size_t>(state.range(0));
    frond::Runtime runtime{{.threads = threads}};
    compute(); // calibrates
    std::uint64_t tasks = 0;
    auto const before = runtime.stats();
    for (auto _ : state) runtime.run([&] { tasks = run(threads); });
    auto const after = runtime.stats();
    auto const searches = after.searches - before.searches;
    auto const steals = after.steals - before.steals;
    auto const stolen = after.stolen - before.stolen;
    auto const wakes = after.wakes - before.wakes;
    auto const number = [](auto n) { return static_cast<double>(n); };
    bench::report_counts(state, {{"tasks", number(tasks)},
                                 {"searches", number(searches)},
                                 {"steals", number(steals)},
                                 {"tasks a steal", steals == 0 ? 0 : number(stolen) / number(steals)},
                                 {"wakes", number(wakes)},
                                 {"wakes per 1,000 tasks", 1000 * number(wakes) / number(tasks)}});
}

void on_all_sizes(benchmark::internal::Benchmark* registered) {
    bench::once_by_wall_clock(registered);
    registered->ArgName("threads");
    for (int threads = 2; threads <= 64; threads *= 2) registered->Arg(threads);
}

BENCHMARK_CAPTURE(count, skynet, &tree)->Name("skynet")->Apply(on_all_sizes);
BENCHMARK_CAPTURE(count, equal, &equal)->Name("equal_tasks_of_5_us")->Apply(on_all_sizes);
BENCHMARK_CAPTURE(count, nested_pool, &nested_pool)->Name("nested_pool")->Apply(on_all_sizes);
BENCHMARK_CAPTURE(count, standing_still, &standing_still)->Name("a_processor_a_thread")->Apply(on_all_sizes);

} // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, "frond"); }
