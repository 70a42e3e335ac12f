#include "support/gate.hpp"

#include <frond/frond.hpp>

#include <gtest/gtest.h>

namespace frond::test {
namespace {

// A spawner waits in front of the backlog with a task for which a slot holder already waits: letting it in
// lends that slot, which makes room once more, and the same spawner was let in twice.
TEST(Backlog, ASpawnerIsLetInOnceAlthoughItsTaskMakesASlotFree) {
    Pool pool{PoolOptions{.limit = 3, .max_pending = 1}};
    Gate first;
    Gate second;
    int runs = 0;
    Group awaited{pool};
    Group outside;
    awaited.spawn([&] { first.pass(); });
    awaited.spawn([&] { second.pass(); });
    pool.spawn([&] { awaited.join(); });
    yield();
    pool.spawn([] {}); // fills the backlog
    outside.spawn([&] { awaited.spawn([&] { ++runs; }); });
    yield();
    first.open();
    outside.join();
    second.open();
    pool.join();
    awaited.join();
    EXPECT_EQ(runs, 1);
    EXPECT_EQ(pool.stats().admitted, 5U);
    EXPECT_EQ(pool.stats().completed, 5U);
}

} // namespace
} // namespace frond::test
