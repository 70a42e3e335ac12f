#include "support/model.hpp"
#include "support/scale.hpp"

#include <cstdint>
#include <cstdlib>
#include <iostream>

#include <gtest/gtest.h>

namespace frond::test {
namespace {

// FROND_TEST_SEED=N runs the one program of that seed, and prints it.
TEST(Model, RandomProgramsDoWhatTheOraclePredicts) {
    if (char const* const given = std::getenv("FROND_TEST_SEED")) {
        auto const program = random_program(std::strtoull(given, nullptr, 10));
        std::cout << program;
        EXPECT_EQ(run_and_compare(program), "");
        return;
    }
    for (std::uint64_t seed = 1; seed <= scaled(20'000); ++seed) {
        auto const complaints = run_and_compare(random_program(seed));
        ASSERT_EQ(complaints, "") << "FROND_TEST_SEED=" << seed << " runs this program again";
    }
}

} // namespace
} // namespace frond::test
