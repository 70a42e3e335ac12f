#include "support/gate.hpp"

#include <frond/frond.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace frond::test {
namespace {

using namespace std::chrono_literals;

// A member waited for the others' end, and the last of them ended while an item from another thread was on
// its way: then nobody told the member.
TEST(CancelWithAPutOnItsWay, TellsTheMemberThatCancels) {
    Bag<int> bag;
    std::atomic<bool> may_put{false};
    std::atomic<bool> has_put{false};
    std::thread other{[&] {
        may_put.wait(false);
        bag.put(7);
        has_put = true;
        has_put.notify_one();
    }};
    bag.spawn([&] {
        Shield const shield;
        yield();
        may_put = true;
        may_put.notify_one();
        has_put.wait(false); // blocks the thread: the item is still on its way when this task ends
    });
    bag.spawn([&] { bag.cancel(); });
    Group ticker; // else it would be found as a stall
    auto const tick = ticker.spawn([] { sleep_for(1h); });
    EXPECT_EQ(bag.next_for(10s), 7);
    EXPECT_FALSE(bag.next_for(10s));
    EXPECT_EQ(bag.size(), 0U);
    tick.cancel();
    other.join();
}

} // namespace
} // namespace frond::test
