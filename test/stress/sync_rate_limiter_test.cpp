#include <frond/sync/rate_limiter.hpp>

#include "support/scale.hpp"
#include "support/sync_stress.hpp"

#include <frond/duration.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>

using frond::Clock;
using frond::RateLimiter;
using frond::test::scaled;
using frond::test::Whims;

namespace {

using RateLimiterStress = frond::test::SyncStress;
INSTANTIATE_TEST_SUITE_P(, RateLimiterStress, frond::test::stress_places(), frond::test::stress_place_name);

TEST_P(RateLimiterStress, NoMoreTokensThanTheRateHoweverWaitsEnd) {
    constexpr double per_second = 100'000;
    constexpr unsigned burst = 4;
    auto const begin = Clock::now();
    RateLimiter limiter{{.per_second = per_second, .burst = burst}};
    std::atomic<std::size_t> taken{0};
    auto const rounds = scaled(1'000);
    crowd([&](Whims& whims, unsigned) {
        for (std::size_t n = 0; n < rounds; ++n) {
            auto const k = 1 + whims.below(burst);
            switch (whims.below(3)) {
            case 0:
                limiter.acquire(k);
                taken += k;
                break;
            case 1:
                if (limiter.try_acquire_for(whims.moment(), k)) taken += k;
                break;
            default:
                whims.cut_short([&limiter, &taken, k] {
                    limiter.acquire(k);
                    taken += k;
                });
            }
        }
    });
    std::chrono::duration<double> const passed = Clock::now() - begin;
    EXPECT_LE(static_cast<double>(taken), burst + passed.count() * per_second + 1);
}

} // namespace
