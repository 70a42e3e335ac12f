#include "support/lives.hpp"
#include "support/stall_test.hpp"

#include <frond/frond.hpp>

#include <gtest/gtest.h>

#include <chrono>

namespace frond::test {
namespace {

using namespace std::chrono_literals;

class UndoneSpawn : public StallTest {};

// It stayed in the queue and ran later, when what it referred to was gone.
TEST_F(UndoneSpawn, OfACallThatEndsInADeadlockNeverRuns) {
    Lives lives;
    Pool pool{1};
    for (bool const waits_for_the_end : {false, true}) {
        Event event;
        bool ran = false;
        pool.spawn([&event] { event.wait(); });
        auto const call = [&ran, mortal = Mortal{lives}] { ran = true; };
        if (waits_for_the_end)
            EXPECT_THROW(pool.run(call), Deadlock);
        else
            EXPECT_THROW(pool.spawn_wait(call), Deadlock);
        EXPECT_EQ(lives.alive(), 1);
        event.set();
        pool.join();
        EXPECT_FALSE(ran);
    }
}

} // namespace
} // namespace frond::test
