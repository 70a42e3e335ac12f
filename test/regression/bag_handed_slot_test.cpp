#include "support/gate.hpp"

#include <frond/frond.hpp>

#include <gtest/gtest.h>

#include <optional>

namespace frond::test {
namespace {

// The end of a task that yields nothing made an item readable that stood behind its place. The reader was
// given the task's slot, and lent it at once to a task that the window had held back.
TEST(OrderedBag, AReaderKeepsTheSlotOfTheTaskWhoseEndItWaitedFor) {
    Pool pool{2};
    pool.run([&] {
        OrderedBag<int> bag{pool, {.window = 2}};
        Gate second_has_put;
        Gate is_read;
        bag.spawn([&] { second_has_put.pass(); });
        bag.spawn([&] {
            bag.put(1);
            second_has_put.open();
            is_read.pass();
        });
        bag.spawn([&] { is_read.pass(); }); // held
        EXPECT_EQ(bag.next(), 1);
        is_read.open();
        EXPECT_EQ(bag.next(), std::nullopt);
    });
    EXPECT_EQ(pool.stats().active_peak, 2U);
    EXPECT_EQ(pool.stats().overdraft_peak, 0U);
}

} // namespace
} // namespace frond::test
