#include <frond/this_task.hpp>

#include <frond/group.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using frond::Group;

namespace {

TEST(ThisTask, IdAndNameAreThoseOfItsHandle) {
    Group group;
    auto const task = group.spawn({.name = "me"}, [] {
        frond::yield(); // also after others ran
        return std::pair{frond::this_task::id(), std::string{frond::this_task::name()}};
    });
    group.spawn({.name = "other"}, [] { frond::yield(); });
    EXPECT_EQ(task.get().first, task.id());
    EXPECT_EQ(task.get().second, "me");
}

TEST(ThisTask, OutsideATaskHasIdZeroAndNoName) {
    EXPECT_EQ(frond::this_task::id(), 0U);
    EXPECT_EQ(frond::this_task::name(), "");
    Group group;
    group.run([] {});
    EXPECT_EQ(frond::this_task::id(), 0U);
    std::thread{[] { EXPECT_EQ(frond::this_task::id(), 0U); }}.join();
}

TEST(ThisTask, WithoutANameHasAnEmptyOne) {
    Group group;
    EXPECT_EQ(group.run([] { return std::string{frond::this_task::name()}; }), "");
}

TEST(SleepFor, LastsAtLeastAsLongAsAsked) {
    Group group;
    for (auto const d : {1us, 100us, 1000us, 5000us})
        group.spawn([d] {
            auto const start = std::chrono::steady_clock::now();
            frond::sleep_for(d);
            EXPECT_GE(std::chrono::steady_clock::now() - start, d);
        });
    group.join();
}

TEST(SleepFor, SuspendsOnlyItsCaller) {
    Group group;
    auto const start = std::chrono::steady_clock::now();
    for (int i = 0; i < 100; ++i) group.spawn([] { frond::sleep_for(20ms); });
    group.join();
    EXPECT_LT(std::chrono::steady_clock::now() - start, 1s); // 2 s one after another
}

TEST(SleepFor, WorksOutsideTasksWhileTasksRun) {
    Group group;
    int ran = 0;
    group.spawn([&ran] { ++ran; });
    auto const start = std::chrono::steady_clock::now();
    frond::sleep_for(2ms);
    EXPECT_GE(std::chrono::steady_clock::now() - start, 2ms);
    EXPECT_EQ(ran, 1);
}

TEST(SleepFor, NothingOrLessIsAYield) {
    Group group;
    int ran = 0;
    group.spawn([&ran] { ++ran; });
    frond::sleep_for(0s);
    EXPECT_EQ(ran, 1);
    group.spawn([&ran] { ++ran; });
    frond::sleep_for(-1h);
    EXPECT_EQ(ran, 2);
}

TEST(SleepFor, SleepersWakeInTheOrderOfTheirDeadlines) {
    Group group;
    std::vector<int> order;
    for (int const ms : {9, 3, 6, 1, 8, 2}) {
        group.spawn([&order, ms] {
            frond::sleep_for(std::chrono::milliseconds{ms});
            order.push_back(ms);
        });
    }
    group.join();
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
    EXPECT_EQ(order.size(), 6U);
}

TEST(SleepUntil, TakesAnyClock) {
    auto const steady = std::chrono::steady_clock::now() + 2ms;
    frond::sleep_until(steady);
    EXPECT_GE(std::chrono::steady_clock::now(), steady);
    auto const start = std::chrono::steady_clock::now();
    frond::sleep_until(std::chrono::system_clock::now() + 20ms);
    EXPECT_GE(std::chrono::steady_clock::now() - start, 10ms); // the wall clock may be moved meanwhile
    frond::sleep_until(std::chrono::steady_clock::time_point::min());
}

} // namespace
