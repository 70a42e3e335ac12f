#include <frond/duration.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>
#include <stdexcept>

using namespace std::chrono_literals;
using frond::Clock;
using frond::forever;
using frond::unlimited;
using frond::detail::checked_count;
using frond::detail::deadline_after;
using frond::detail::deadline_at;
using frond::detail::saturate;

namespace {

static_assert(Clock::is_steady);
static_assert(saturate(3ms) == 3'000'000ns);
static_assert(saturate(std::chrono::duration<double>{0.5}) == 500ms);
static_assert(saturate(std::chrono::hours::max()) == forever);
static_assert(saturate(std::chrono::hours::min()) == -forever);
static_assert(saturate(std::chrono::duration<double>{1e300}) == forever);
static_assert(saturate(forever) == forever);
static_assert(saturate(std::chrono::duration<std::int8_t, std::ratio<31'556'952>>{100}) == 100 * 31'556'952s);

TEST(Duration, DeadlineAfterIsNotBeforeItsTime) {
    auto const before = Clock::now();
    EXPECT_GE(deadline_after(5ms), before + 5ms);
    EXPECT_GE(deadline_after(-5ms), before - 5ms);
    EXPECT_LT(deadline_after(-5ms), Clock::now());
}

TEST(Duration, DeadlineAfterForeverIsNever) {
    EXPECT_EQ(deadline_after(forever), Clock::time_point::max());
    EXPECT_EQ(deadline_after(forever - 1ns), Clock::time_point::max()); // beyond what the clock can tell
    EXPECT_EQ(deadline_after(std::chrono::years{1'000'000}), Clock::time_point::max());
}

TEST(Duration, DeadlineAtKeepsItsOwnClock) {
    auto const t = Clock::now() + 1h;
    EXPECT_EQ(deadline_at(t), t);
    EXPECT_EQ(deadline_at(Clock::time_point::max()), Clock::time_point::max());
    EXPECT_EQ(deadline_at(Clock::time_point::min()), Clock::time_point::min());
}

TEST(Duration, DeadlineAtMovesOtherClocks) {
    auto const before = Clock::now();
    EXPECT_GE(deadline_at(std::chrono::system_clock::now() + 1h), before + 59min);
    EXPECT_EQ(deadline_at(std::chrono::system_clock::time_point::max()), Clock::time_point::max());
}

TEST(Count, PassesPositiveNumbersOfAnyType) {
    EXPECT_EQ(checked_count(1, ""), 1U);
    EXPECT_EQ(checked_count(std::uint8_t{200}, ""), 200U);
    EXPECT_EQ(checked_count(std::numeric_limits<std::int64_t>::max(), ""), unlimited);
    EXPECT_EQ(checked_count(unlimited, ""), unlimited);
}

TEST(Count, RejectsZeroNegativeAndWrappedNumbers) {
    EXPECT_THROW(checked_count(0, ""), std::invalid_argument);
    EXPECT_THROW(checked_count(-1, ""), std::invalid_argument);
    EXPECT_THROW(checked_count(std::size_t(-1), ""), std::invalid_argument);
    EXPECT_THROW(checked_count(std::numeric_limits<std::int64_t>::min(), ""), std::invalid_argument);
}

TEST(Count, TakesZeroWhereItHasAMeaning) { EXPECT_EQ(checked_count(0, "", true), 0U); }

TEST(Count, NamesWhatItRejects) {
    try {
        checked_count(-1, "the window");
        FAIL();
    } catch (std::invalid_argument const& e) {
        EXPECT_STREQ(e.what(), "the window");
    }
}

} // namespace
