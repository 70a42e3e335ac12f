#include "support/scale.hpp"

#include <frond/frond.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace frond {
namespace {

using namespace std::chrono_literals;

/// Sleepers that all have their stacks before the first deadline is fixed, so that none comes too late to
/// sleep.
class Sleepers {
public:
    using Offset = std::chrono::microseconds;
    using Sleep = std::pair<Offset, std::size_t>; ///< deadline, and how many slept before it

    void add(Offset offset) {
        ++added_;
        group_.spawn([this, offset] {
            ++arrived_;
            start_.wait();
            Sleep const mine{offset, asleep_.size()};
            asleep_.push_back(mine);
            sleep_until(base_ + offset);
            EXPECT_GE(Clock::now(), base_ + offset) << "too early";
            woken_.push_back(mine);
        });
    }
    void run() {
        start_ = group_.spawn([this] {
            while (arrived_ < added_) yield();
            base_ = Clock::now() + 500ms;
        });
        group_.join();
    }
    std::vector<Sleep> const& asleep() const { return asleep_; }
    std::vector<Sleep> const& woken() const { return woken_; }

private:
    std::size_t added_ = 0;
    std::size_t arrived_ = 0;
    Clock::time_point base_;
    std::vector<Sleep> asleep_;
    std::vector<Sleep> woken_;
    Task<void> start_;
    Group group_;
};

TEST(Timers, SleepersWakeInTheOrderOfTheirDeadlines) {
    std::mt19937 random{1};
    Sleepers sleepers;
    auto const count = test::scaled(10'000);
    for (std::size_t i = 0; i < count; ++i) sleepers.add(Sleepers::Offset{random() % 200'000});
    sleepers.run();
    EXPECT_EQ(sleepers.woken().size(), count);
    auto expected = sleepers.asleep();
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(sleepers.woken(), expected);
}

TEST(Timers, EqualDeadlinesWakeInTheOrderOfTheSleeps) {
    Group group;
    auto const deadline = Clock::now() + 300ms;
    std::vector<int> asleep;
    std::vector<int> woken;
    for (int i = 0; i < 1000; ++i)
        group.spawn([&, i] {
            asleep.push_back(i);
            sleep_until(deadline);
            woken.push_back(i);
        });
    group.join();
    EXPECT_EQ(woken, asleep);
}

// A sleep must not come late because others compute: the dispatcher is visited every 61 starts or 1 ms.
TEST(Timers, SleeperWakesBesideAChainOfTasks) {
    Group group;
    bool stop = false;
    std::size_t links = 0;
    std::function<void()> link = [&] {
        ++links;
        if (!stop) group.spawn(link);
    };
    group.spawn(link);
    group.spawn([&] {
        for (int i = 0; i < 20; ++i) sleep_for(1ms);
        stop = true;
    });
    group.join();
    EXPECT_TRUE(stop);
    EXPECT_GT(links, 20U);
}

TEST(Timers, SpawnAfterStartsNothingBeforeItsTime) {
    std::mt19937 random{2};
    Pool pool{5};
    std::size_t started = 0;
    auto const count = test::scaled(2'000);
    for (std::size_t i = 0; i < count; ++i) {
        std::chrono::microseconds const delay{random() % 50'000};
        auto const due = Clock::now() + delay;
        pool.spawn_after(delay, [&started, due] {
            ++started;
            EXPECT_GE(Clock::now(), due);
        });
    }
    pool.join();
    EXPECT_EQ(started, count);
}

} // namespace
} // namespace frond
