#include <frond/sync/event.hpp>

#include "support/scale.hpp"
#include "support/sync_stress.hpp"

#include <frond/sync/barrier.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>

using namespace std::chrono_literals;
using frond::Barrier;
using frond::Event;
using frond::test::scaled;
using frond::test::Whims;

namespace {

using EventStress = frond::test::SyncStress;
INSTANTIATE_TEST_SUITE_P(, EventStress, frond::test::stress_places(), frond::test::stress_place_name);

TEST_P(EventStress, EachSetReachesAllThatDoNotGiveUp) {
    Event event;
    Barrier round{workers};
    auto const rounds = scaled(1'000);
    crowd([&](Whims& whims, unsigned number) {
        for (std::size_t n = 0; n < rounds; ++n) {
            round.arrive_and_wait();
            if (number == 0) {
                whims.dawdle();
                event.set();
            } else if (number < 4) {
                EXPECT_TRUE(event.wait_for(30s));
            } else if (number < 7) {
                bool const came = event.wait_for(whims.moment());
                EXPECT_TRUE(!came || event.is_set());
            } else {
                whims.cut_short([&] { event.wait(); });
            }
            round.arrive_and_wait();
            if (number == 0) event.reset();
        }
    });
}

} // namespace
