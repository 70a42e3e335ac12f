#include "scheduler/timer_queue.hpp"

#include "support/scale.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace frond::detail {
namespace {

Clock::time_point at(std::int64_t tick) { return Clock::time_point{std::chrono::nanoseconds{tick}}; }

constexpr auto always = Clock::time_point::max();

TEST(TimerQueue, EmptyQueueIsNeverDue) {
    TimerQueue queue;
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.next(), Clock::time_point::max());
    EXPECT_EQ(queue.pop_due(always), nullptr);
}

TEST(TimerQueue, FiresAtItsMomentAndNotBefore) {
    TimerQueue queue;
    Timer timer;
    queue.arm(timer, at(10));
    EXPECT_TRUE(timer.armed());
    EXPECT_EQ(queue.next(), at(10));
    EXPECT_EQ(queue.pop_due(at(9)), nullptr);
    EXPECT_EQ(queue.pop_due(at(10)), &timer);
    EXPECT_FALSE(timer.armed());
    EXPECT_TRUE(queue.empty());
}

TEST(TimerQueue, EqualMomentsFireInTheOrderOfArming) {
    TimerQueue queue;
    std::vector<Timer> timers(50);
    for (auto& t : timers) queue.arm(t, at(5));
    for (auto& t : timers) EXPECT_EQ(queue.pop_due(at(5)), &t);
}

TEST(TimerQueue, DisarmedTimerDoesNotFire) {
    TimerQueue queue;
    Timer first;
    Timer second;
    queue.arm(first, at(1));
    queue.arm(second, at(2));
    queue.disarm(first);
    EXPECT_FALSE(first.armed());
    EXPECT_EQ(queue.pop_due(always), &second);
    EXPECT_EQ(queue.pop_due(always), nullptr);
}

TEST(TimerQueue, DisarmingTwiceOrWithoutArmingDoesNothing) {
    TimerQueue queue;
    Timer armed;
    Timer never;
    queue.arm(armed, at(1));
    queue.disarm(never);
    queue.disarm(armed);
    queue.disarm(armed);
    EXPECT_TRUE(queue.empty());
}

TEST(TimerQueue, TimerCanBeArmedAgain) {
    TimerQueue queue;
    Timer timer;
    queue.arm(timer, at(5));
    queue.disarm(timer);
    queue.arm(timer, at(3));
    EXPECT_EQ(queue.next(), at(3));
    EXPECT_EQ(queue.pop_due(at(3)), &timer);
}

// Against a sorted list: any order of arming, disarming and firing.
TEST(TimerQueue, BehavesLikeASortedList) {
    struct Entry {
        std::int64_t when;
        std::uint64_t order;
        Timer* timer;
        bool operator<(Entry const& o) const { return when != o.when ? when < o.when : order < o.order; }
    };
    std::mt19937 random{42};
    std::vector<Timer> timers(200);
    TimerQueue queue;
    std::vector<Entry> model;
    std::uint64_t order = 0;
    for (std::size_t round = 0; round < test::scaled(50'000); ++round) {
        auto& timer = timers[random() % timers.size()];
        auto const known =
            std::find_if(model.begin(), model.end(), [&](auto& e) { return e.timer == &timer; });
        ASSERT_EQ(timer.armed(), known != model.end());
        if (random() % 4 == 0) {
            auto const now = static_cast<std::int64_t>(random() % 1000);
            auto const first = std::min_element(model.begin(), model.end());
            Timer* const expected = first != model.end() && first->when <= now ? first->timer : nullptr;
            ASSERT_EQ(queue.pop_due(at(now)), expected);
            if (expected) model.erase(first);
        } else if (timer.armed()) {
            queue.disarm(timer);
            model.erase(known);
        } else {
            auto const when = static_cast<std::int64_t>(random() % 1000);
            queue.arm(timer, at(when));
            model.push_back({when, ++order, &timer});
        }
        ASSERT_EQ(queue.size(), model.size());
    }
}

} // namespace
} // namespace frond::detail
