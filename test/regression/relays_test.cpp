#include "support/gate.hpp"

#include <frond/frond.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <ranges>

namespace frond::test {
namespace {

using namespace std::chrono_literals;

// The task that reads the input waited for a task of the pool, and was taken for one that yields when that
// ends: nobody lent a slot for the next one.
TEST(Relays, AnInputThatWaitsForTasksOfAFullPoolGetsTheirSlots) {
    Pool pool{1};
    Group ticker; // with a timer pending nothing else looks for whom to lend to
    auto const tick = ticker.spawn([] { sleep_for(1h); });
    auto const reader = pool.spawn([&pool] {
        auto const input = std::views::iota(0, 2) | std::views::transform([&pool](int i) {
                               pool.spawn([] {}).wait();
                               auto const second = pool.spawn([i] { return i; });
                               second.wait();
                               return second;
                           });
        int n = 0;
        for (auto&& task : as_completed(input)) n += 1 + task.get();
        return n;
    });
    EXPECT_TRUE(reader.wait_for(10s));
    EXPECT_EQ(reader.get(), 3);
    tick.cancel();
}

} // namespace
} // namespace frond::test
