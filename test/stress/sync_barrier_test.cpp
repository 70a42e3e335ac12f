#include <frond/sync/barrier.hpp>

#include "support/scale.hpp"
#include "support/sync_stress.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>

using frond::Barrier;
using frond::test::scaled;
using frond::test::Whims;

namespace {

using BarrierStress = frond::test::SyncStress;
INSTANTIATE_TEST_SUITE_P(, BarrierStress, frond::test::stress_places(), frond::test::stress_place_name);

TEST_P(BarrierStress, ThreeAtATimeGoThroughHoweverOthersLeave) {
    constexpr std::size_t participants = 3;
    Barrier barrier{participants};
    std::atomic<std::size_t> through{0};
    auto const rounds = scaled(2'000);
    crowd([&](Whims& whims, unsigned) {
        for (std::size_t n = 0; n < rounds; ++n) {
            if (whims.below(2) == 0) {
                if (barrier.arrive_and_wait_for(whims.moment())) ++through;
            } else {
                whims.cut_short([&] {
                    barrier.arrive_and_wait();
                    ++through;
                });
            }
        }
    });
    EXPECT_EQ(through % participants, 0U);
    EXPECT_GT(through, 0U);
    crowd([&](Whims&, unsigned) { barrier.arrive_and_wait(); }); // nobody's arrival is left
    EXPECT_FALSE(barrier.arrive_and_wait_for(std::chrono::milliseconds{1}));
}

} // namespace
