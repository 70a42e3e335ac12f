// What the benchmarks share: their sizes, the check of a result, the figures reported and main().
#pragma once

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <initializer_list>
#include <string>
#include <utility>

#include <benchmark/benchmark.h>

namespace bench {

// Set for a quick run that only shows that everything works; its times mean nothing.
inline bool smoke() { return std::getenv("FROND_BENCH_SMOKE") != nullptr; }

// A wrong result makes its time worthless, so it ends the program, not only the one benchmark.
inline void require_equal(std::uint64_t actual, std::uint64_t expected) {
    if (actual == expected) return;
    std::fprintf(stderr, "wrong result: %" PRIu64 " instead of %" PRIu64 "\n", actual, expected);
    std::exit(EXIT_FAILURE);
}

// Bytes. Read here and not by the parent from getrusage(), whose maximum starts at the size of the process
// that forked: a Python interpreter would hide every benchmark smaller than itself.
inline double peak_rss() {
    std::ifstream status{"/proc/self/status"};
    for (std::string word; status >> word;)
        if (double kib = 0; word == "VmHWM:" && status >> kib) return kib * 1024;
    return 0;
}

inline void report(benchmark::State& state, std::uint64_t tasks) {
    using benchmark::Counter;
    state.counters["seconds_per_task"] =
        Counter(static_cast<double>(tasks), Counter::kIsIterationInvariantRate | Counter::kInvert);
    state.counters["peak_rss"] = Counter(peak_rss(), Counter::kDefaults, Counter::kIs1024);
}

// For what is counted, not timed: run.py makes a column of each name, in this order.
inline void report_counts(benchmark::State& state,
                          std::initializer_list<std::pair<char const*, double>> counts) {
    // Google Benchmark sorts them by name.
    char place = 'a';
    for (auto const& [name, value] : counts)
        state.counters[std::string{place++} + " " + name] = benchmark::Counter(value);
}

// One iteration a repetition: run.py asks for several and tells the first, which pays for fresh memory, from
// the rest.
inline void once_by_wall_clock(benchmark::internal::Benchmark* registered) {
    registered->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);
}

inline int run(int argc, char** argv, std::string const& library) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return EXIT_FAILURE;
    benchmark::AddCustomContext("library", library);
#ifdef __clang__
    benchmark::AddCustomContext("compiler", __VERSION__);
#else
    benchmark::AddCustomContext("compiler", "GCC " __VERSION__);
#endif
#if defined(__OPTIMIZE__) && defined(NDEBUG)
    benchmark::AddCustomContext("optimised", "yes");
#else
    benchmark::AddCustomContext("optimised", "no");
#endif
    const std::size_t ran = benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return ran > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

} // namespace bench
