// Waits that can never end: closed circles, found at once, and stalls, found when nothing can happen any
// more.

#include <frond/errors.hpp>

#include "support/gate.hpp"
#include "support/stall_test.hpp"
#include "support/what_of.hpp"

#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using frond::Deadlock;
using frond::Group;
using frond::Pool;
using frond::Task;
using frond::test::Gate;
using frond::test::what_is_thrown_by;
using frond::test::what_of;

namespace {

TEST(Deadlock, JoinOfTheOwnGroup) {
    Group group;
    group.run([&group] { EXPECT_THROW(group.join(), Deadlock); });
    group.run([&group] { EXPECT_THROW(group.join_for(1h), Deadlock); });
}

TEST(Deadlock, JoinOfTheOwnPool) {
    Pool pool{1};
    pool.run([&pool] { EXPECT_THROW(pool.join(), Deadlock); });
}

TEST(Deadlock, JoinOfAnotherGroupOfTheOwnPoolIsNone) {
    Pool pool{1};
    Group group{pool};
    int ran = 0;
    pool.run([&] {
        group.spawn([&ran] { ++ran; });
        group.join();
    });
    group.run([&] {
        pool.spawn([&ran] { ++ran; });
        pool.join();
    });
    EXPECT_EQ(ran, 2);
}

TEST(Deadlock, GetOfTheOwnResult) {
    Group group;
    Task<void> task;
    task = group.spawn([&task] {
        EXPECT_THROW(task.get(), Deadlock);
        EXPECT_THROW(task.wait(), Deadlock);
        EXPECT_THROW(task.error(), Deadlock);
    });
    EXPECT_NO_THROW(task.get());
}

TEST(Deadlock, NamesEveryTaskOfTheCircle) {
    Group group;
    std::array<Task<void>, 3> tasks;
    std::string text;
    for (std::size_t i = 0; i < 3; ++i)
        tasks[i] = group.spawn({.name = std::string(1, "abc"[i])},
                               [&, i] { text += what_is_thrown_by([&] { tasks[(i + 1) % 3].get(); }); });
    group.join();
    auto const name = [&](std::size_t i) {
        return "task #" + std::to_string(tasks[i].id()) + " '" + "abc"[i] + "'";
    };
    EXPECT_EQ(text.substr(0, text.find('\n')), "frond: this wait closes a circle: " + name(2) +
                                                   " waits for " + name(0) + ", which waits for " + name(1) +
                                                   ", which waits for " + name(2));
}

// However long it is: the way round it is not found by recursion on the task's stack.
TEST(Deadlock, OfAVeryLongCircleIsThrown) {
    constexpr std::size_t length = 3'000;
    Group group;
    std::vector<Task<void>> tasks(length);
    std::string text;
    for (std::size_t i = 0; i < length; ++i)
        tasks[i] = group.spawn([&, i] { text += what_is_thrown_by([&] { tasks[(i + 1) % length].get(); }); });
    group.join();
    auto const circle = text.substr(0, text.find('\n'));
    EXPECT_NE(circle.find("2979 more, of which the last waits for task #"), std::string::npos) << circle;
}

TEST(Deadlock, JoinOfAnAncestorsGroup) {
    Group outer;
    auto const task = outer.spawn([&outer] {
        Group inner;
        inner.spawn([&outer] { outer.join(); }); // outer's task waits for this one
        inner.join();
    });
    EXPECT_THROW(task.get(), Deadlock);
}

/// Task i of n waits for task i + 1, the last one for the first.
template <std::size_t N>
void wait_in_a_circle(Group& group) {
    std::array<Task<int>, N> tasks;
    for (std::size_t i = 0; i < N; ++i)
        tasks[i] = group.spawn([&tasks, i] { return tasks[(i + 1) % N].get() + 1; });
    // The one who closes the circle gets it; the others see its error through theirs.
    EXPECT_THROW(tasks[N - 1].get(), Deadlock);
    for (auto& task : tasks) EXPECT_THROW(task.get(), Deadlock);
}

TEST(Deadlock, CircleOfTwo) {
    Group group;
    wait_in_a_circle<2>(group);
}

TEST(Deadlock, CircleOfThreeInAFullPool) {
    Pool pool{1};
    wait_in_a_circle<3>(pool);
    EXPECT_EQ(pool.stats().active, 0U);
}

TEST(Deadlock, IsThrownAtTheOneWhoClosesTheCircleOnly) {
    Group group;
    Task<void> first;
    Task<void> second;
    bool first_got_it = false;
    bool second_got_it = false;
    auto const waits_for = [](Task<void>& other, bool& got_it) {
        try {
            other.wait();
        } catch (Deadlock const&) {
            got_it = true;
        }
    };
    first = group.spawn([&] { waits_for(second, first_got_it); });
    second = group.spawn([&] { waits_for(first, second_got_it); });
    group.join();
    EXPECT_FALSE(first_got_it);
    EXPECT_TRUE(second_got_it);
}

TEST(Deadlock, CircleThroughTwoGroups) {
    Group left;
    Group right;
    left.spawn([&right] { right.join(); });
    auto const closer = right.spawn([&left] {
        frond::yield();
        left.join();
    });
    EXPECT_THROW(closer.get(), Deadlock);
    EXPECT_THROW(left.join(), Deadlock); // what right's join gave its task
}

TEST(Deadlock, CircleThroughAGroupAndATask) {
    Group group;
    Group other;
    auto const waiter = group.spawn([&other] { other.join(); });
    auto const closer = other.spawn([&waiter] { waiter.get(); });
    EXPECT_THROW(closer.get(), Deadlock);
    EXPECT_THROW(group.join(), Deadlock); // what other's join gave the waiter
}

TEST(Deadlock, ChainsAndDiamondsAreNone) {
    Group group;
    auto const base = group.spawn([] {
        frond::yield();
        return 1;
    });
    auto const left = group.spawn([&] { return base.get() + 1; });
    auto const right = group.spawn([&] { return base.get() + 2; });
    EXPECT_EQ(group.run([&] { return left.get() + right.get(); }), 5);
}

TEST(Deadlock, LeavesTheTaskAbleToGoOn) {
    Group group;
    EXPECT_EQ(group.run([&group] {
        EXPECT_THROW(group.join(), Deadlock);
        frond::yield();
        return group.spawn([] { return 4; }).get();
    }),
              4);
}

TEST(Deadlock, TextTellsWhoWaitsForWhom) {
    Group group{{.name = "workers"}};
    Task<void> first;
    Task<void> second;
    first = group.spawn({.name = "ping"}, [&] { second.wait(); });
    second = group.spawn({.name = "pong"}, [&] { first.wait(); });
    auto const text = what_of(second.error());
    for (char const* part : {"'workers'", "'ping'", "'pong'", "waits for", "deadlock_test.cpp:"})
        EXPECT_NE(text.find(part), std::string::npos) << part << " is not in\n" << text;
}

// --- stalls ------------------------------------------------------------------------------------------------

class Stall : public frond::test::StallTest {};

TEST_F(Stall, IsThrownAtMainInJoin) {
    Pool pool{1};
    pool.resize(0);
    auto const task = pool.spawn({.name = "stuck"}, [] { return 1; });
    auto const text = what_is_thrown_by([&] { pool.join(); });
    EXPECT_NE(text.find("'stuck'"), std::string::npos) << text;
    EXPECT_NE(text.find("queued"), std::string::npos) << text;
    pool.resize(1);
    EXPECT_EQ(task.get(), 1); // nothing was lost
}

TEST_F(Stall, TextListsEveryBlockedTaskAndWhatItWaitsFor) {
    Pool pool{{.limit = 1, .name = "paused"}};
    Group group;
    pool.resize(0);
    auto const task = pool.spawn({.name = "stuck"}, [] {});
    group.spawn({.name = "getter"}, [&task] { task.get(); });
    group.spawn({.name = "joiner"}, [&pool] { pool.join(); });
    auto const text = what_is_thrown_by([&] { group.join(); });
    for (char const* part : {"'stuck'", "'getter'", "'joiner'", "'paused'", "waits for task", "joins pool"})
        EXPECT_NE(text.find(part), std::string::npos) << part << " is not in\n" << text;
    pool.resize(1);
    group.join();
}

struct NamedWait {
    char const* name;
    void (*wait)(Pool& paused_and_full, Task<void> const& queued_there);
};

class StallInAnyWait : public frond::test::StallTest, public testing::WithParamInterface<NamedWait> {};

TEST_P(StallInAnyWait, IsThrownAtMain) {
    Pool pool{{.limit = 1, .max_pending = 1}};
    pool.resize(0);
    auto const task = pool.spawn([] {});
    EXPECT_THROW(GetParam().wait(pool, task), Deadlock);
    EXPECT_EQ(pool.stats().completed, 0U);
    pool.resize(1);
    pool.join();
}

INSTANTIATE_TEST_SUITE_P(
    Waits, StallInAnyWait,
    testing::Values(NamedWait{"Get", [](Pool&, Task<void> const& task) { task.get(); }},
                    NamedWait{"Take", [](Pool&, Task<void> const& task) { task.take(); }},
                    NamedWait{"Wait", [](Pool&, Task<void> const& task) { task.wait(); }},
                    NamedWait{"Error", [](Pool&, Task<void> const& task) { task.error(); }},
                    NamedWait{"Run", [](Pool& pool, Task<void> const&) { pool.run([] {}); }},
                    NamedWait{"SpawnInFrontOfAFullBacklog",
                              [](Pool& pool, Task<void> const&) { pool.spawn([] {}); }},
                    NamedWait{"SpawnWait", [](Pool& pool, Task<void> const&) { pool.spawn_wait([] {}); }},
                    NamedWait{"WaitAvailable", [](Pool& pool, Task<void> const&) { pool.wait_available(); }},
                    NamedWait{"Sleep", [](Pool&, Task<void> const&) { frond::sleep_for(frond::forever); }}),
    [](auto const& instance) { return std::string{instance.param.name}; });

TEST_F(Stall, IsThrownAgainWhenNothingHasChanged) {
    Pool pool{1};
    pool.resize(0);
    auto const task = pool.spawn([] {});
    EXPECT_THROW(task.get(), Deadlock);
    EXPECT_THROW(task.get(), Deadlock);
    Group{}.run([] {}); // others work as usual
    EXPECT_THROW(pool.join(), Deadlock);
    pool.resize(1);
    pool.join();
}

TEST_F(Stall, IsNoneWhileATimerIsPending) {
    Group group;
    bool woke = false;
    group.spawn([&woke] {
        frond::sleep_for(50ms);
        woke = true;
    });
    EXPECT_NO_THROW(group.join());
    EXPECT_TRUE(woke);
}

TEST_F(Stall, IsNoneWhileAWaitHasADeadline) {
    Pool pool{1};
    pool.resize(0);
    auto const task = pool.spawn([] {});
    EXPECT_FALSE(task.wait_for(50ms));
    EXPECT_FALSE(pool.join_for(50ms));
    EXPECT_FALSE(pool.wait_available(50ms));
    pool.resize(1);
    pool.join();
}

TEST_F(Stall, IsNoneWhileAThreadOfSomebodyElseExists) {
    Pool pool{1};
    pool.resize(0);
    auto const task = pool.spawn([] { return 5; });
    std::thread helper{[&pool] {
        std::this_thread::sleep_for(100ms); // far longer than it takes to call it a stall
        pool.resize(1);
    }};
    pretend_foreign_threads(1);
    EXPECT_EQ(task.get(), 5);
    helper.join();
}

TEST_F(Stall, IsFoundAcrossThreadsAndThrownAtMain) {
    std::optional<Pool> theirs;
    Gate made;
    std::thread::id got_it{};
    std::thread other{[&] {
        theirs.emplace(1);
        theirs->resize(0);
        made.open();
        try {
            theirs->run([] {});
        } catch (Deadlock const&) {
            got_it = std::this_thread::get_id();
        }
        theirs.reset();
    }};
    made.pass();
    pretend_foreign_threads(0);
    EXPECT_THROW(frond::sleep_for(frond::forever), Deadlock);
    theirs->resize(1);
    other.join();
    EXPECT_EQ(got_it, std::thread::id{});
}

using StallDeathTest = Stall;

TEST_F(StallDeathTest, WhereOnlyADestructorWaitsEndsTheProgramWithTheText) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(
        {
            Group group;
            group.spawn({.name = "for ever"}, [] { frond::sleep_for(frond::forever); });
        },
        "only a destructor waits(.|\n)*'for ever'");
}

} // namespace
