// What the benchmarks share: their sizes, the check of a result, the figures reported and main().
#pragma once

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

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
