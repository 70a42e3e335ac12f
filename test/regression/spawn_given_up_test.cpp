#include "support/gate.hpp"

#include <frond/group.hpp>
#include <frond/pool.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace frond::test {
namespace {

// The slot came before the news that nobody wanted it any more, and the task ran although its spawn had
// thrown.
TEST(SpawnThatWasGivenUp, OnAnotherThreadLetsNothingIn) {
    Pool pool{1};
    Gate queued;
    std::atomic<bool> given_up{false};
    std::atomic<bool> ran{false};
    pool.spawn([&] {
        yield_until([&] { return pool.stats().pending == 1; });
        queued.open();
        given_up.wait(false); // blocks the thread: no message is read before this task's slot is free
    });
    std::thread other{[&] {
        Group group;
        auto const spawner = group.spawn([&] { pool.spawn_wait([&ran] { ran = true; }); });
        queued.pass();
        EXPECT_TRUE(spawner.cancel());
        given_up = true;
        given_up.notify_one();
    }};
    pool.join();
    other.join();
    EXPECT_FALSE(ran);
    EXPECT_EQ(pool.free_count(), 1U);
}

} // namespace
} // namespace frond::test
