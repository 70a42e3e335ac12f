#include "support/parallel_model.hpp"
#include "support/parallel_watchdog.hpp"
#include "support/scale.hpp"

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include <gtest/gtest.h>

namespace frond::test {
namespace {

class RuntimeModel : public testing::TestWithParam<std::size_t> {
protected:
    /// FROND_TEST_SEED=N runs the one program of that seed again and again, for one schedule is not like
    /// another; FROND_TEST_FIRST_SEED=N begins there.
    template <class F>
    void run_seeds(std::size_t count, F&& run) {
        Watchdog watchdog{"the first"};
        char const* const given = std::getenv("FROND_TEST_SEED");
        char const* const first = std::getenv("FROND_TEST_FIRST_SEED");
        std::uint64_t const begin = given   ? std::strtoull(given, nullptr, 10)
                                    : first ? std::strtoull(first, nullptr, 10)
                                            : 1;
        if (given) std::cout << describe_parallel(begin);
        for (std::uint64_t i = 0; i < scaled(count); ++i) {
            auto const seed = given ? begin : begin + i;
            auto const text =
                "FROND_TEST_SEED=" + std::to_string(seed) + " on " + std::to_string(GetParam()) + " threads";
            watchdog.pat(text);
            ASSERT_EQ(run(seed, GetParam()), "") << text << " runs this program again";
        }
    }
};

TEST_P(RuntimeModel, RandomProgramsDoWhatAnyScheduleMustDo) { run_seeds(1'000, run_in_parallel); }

TEST_P(RuntimeModel, WhoClosesACircleGetsDeadlockAndEverythingEnds) {
    run_seeds(300, run_circles_in_parallel);
}

INSTANTIATE_TEST_SUITE_P(Threads, RuntimeModel, testing::Values(1, 2, 4));

} // namespace
} // namespace frond::test
