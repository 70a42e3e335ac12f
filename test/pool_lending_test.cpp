// Nested use of one pool: who lends a slot, who is handed one, and when that overdraws the pool.

#include <frond/pool.hpp>

#include "support/gate.hpp"
#include "support/gauge.hpp"
#include "support/stall_test.hpp"

#include <frond/errors.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using frond::Group;
using frond::Pool;
using frond::Task;
using frond::test::Gate;
using frond::test::Gauge;

namespace {

void yield_often() {
    for (int i = 0; i < 20; ++i) frond::yield();
}

/// Every way to wait in a pool that is full must work for caps of 1, 2 and more, and never overdraw it.
class PoolLending : public testing::TestWithParam<int> {
protected:
    ~PoolLending() override {
        EXPECT_EQ(pool.stats().overdraft_peak, 0U);
        EXPECT_LE(pool.stats().active_peak, static_cast<std::size_t>(GetParam()));
        EXPECT_EQ(pool.stats().active, 0U);
        EXPECT_EQ(pool.stats().live, 0U);
    }
    Pool pool{GetParam()};
    Gauge gauge;
};
INSTANTIATE_TEST_SUITE_P(Limits, PoolLending, testing::Values(1, 2, 7));

TEST_P(PoolLending, NestedGet) {
    std::function<int(int)> fibonacci = [&](int n) {
        gauge.visit();
        if (n < 2) return n;
        auto const left = pool.spawn([&, n] { return fibonacci(n - 1); });
        auto const right = pool.spawn([&, n] { return fibonacci(n - 2); });
        return left.get() + right.get();
    };
    EXPECT_EQ(pool.spawn([&] { return fibonacci(9); }).get(), 34);
    EXPECT_LE(gauge.peak(), static_cast<std::size_t>(GetParam()));
}

TEST_P(PoolLending, NestedRun) {
    std::function<int(int)> descend = [&](int n) {
        gauge.visit();
        return n == 0 ? 0 : 1 + pool.run([&, n] { return descend(n - 1); });
    };
    for (int i = 0; i < 5; ++i) pool.spawn([&] { EXPECT_EQ(descend(10), 10); });
    pool.join();
    EXPECT_LE(gauge.peak(), static_cast<std::size_t>(GetParam()));
}

TEST_P(PoolLending, NestedGroups) {
    std::size_t ran = 0;
    std::function<void(int)> descend = [&](int n) {
        ++ran;
        gauge.visit();
        if (n == 0) return;
        Group group{pool};
        for (int i = 0; i < 3; ++i) group.spawn([&, n] { descend(n - 1); });
        group.join();
        gauge.visit();
    };
    pool.run([&] { descend(4); });
    EXPECT_EQ(ran, 121U);
    EXPECT_LE(gauge.peak(), static_cast<std::size_t>(GetParam()));
}

TEST_P(PoolLending, DestructorOfANestedGroup) {
    std::size_t ran = 0;
    std::function<void(int)> descend = [&](int n) {
        ++ran;
        Group group{pool};
        for (int i = 0; n > 0 && i < 2; ++i) group.spawn([&, n] { descend(n - 1); });
    };
    pool.run([&] { descend(5); });
    EXPECT_EQ(ran, 63U);
}

TEST_P(PoolLending, TasksSpawnedIntoAGroupThatIsBeingJoined) {
    std::optional<Group> group;
    std::size_t ran = 0;
    auto const member = pool.spawn([&] {
        group.emplace(pool);
        group->spawn([&] {
            for (int i = 0; i < 5; ++i) group->spawn([&ran] { ++ran; });
        });
        group->join();
        EXPECT_EQ(ran, 5U);
    });
    member.get();
}

TEST_P(PoolLending, JoinOfAGroupWhoseTasksComeLater) {
    for (int i = 0; i < 2 * GetParam(); ++i)
        pool.spawn([&] {
            Group group{pool};
            group.spawn_after(1ms, [this] { gauge.visit(); });
            group.join();
        });
    pool.join();
    EXPECT_LE(gauge.peak(), static_cast<std::size_t>(GetParam()));
}

TEST_P(PoolLending, GetOfATaskThatComesLater) {
    for (int i = 0; i < 2 * GetParam(); ++i)
        pool.spawn([&] { pool.spawn_after(1ms, [this] { gauge.visit(); }).get(); });
    pool.join();
    EXPECT_LE(gauge.peak(), static_cast<std::size_t>(GetParam()));
}

TEST_P(PoolLending, JoinOfAGroupIntoWhichAnOutsiderSpawnsLater) {
    Group group{pool};
    Group outside;
    Gate gate;
    group.spawn([&gate] { gate.pass(); }); // keeps its slot until the task of the outsider has run
    for (int i = 1; i < GetParam(); ++i) pool.spawn([&group] { group.join(); });
    if (GetParam() == 1) gate.open();
    frond::yield();
    outside.run([&] { group.spawn([&gate] { gate.open(); }); });
    group.join();
    pool.join();
}

TEST_P(PoolLending, AWaitForBThatWaitsForAnotherTaskOfAsPool) {
    Pool other{1};
    auto const a = pool.spawn([&] { return other.run([&] { return pool.run([] { return 3; }); }); });
    EXPECT_EQ(a.get(), 3);
    EXPECT_EQ(other.stats().overdraft_peak, 0U);
}

TEST_P(PoolLending, AWaitForAnUncappedTaskThatWaitsForAnotherTaskOfAsPool) {
    Group uncapped;
    auto const a =
        pool.spawn([&] { return uncapped.spawn([&] { return pool.spawn([] { return 3; }).get(); }).get(); });
    EXPECT_EQ(a.get(), 3);
}

TEST_P(PoolLending, ALenderFurtherUpTheChainIsHandedTheSlotBeforeOthersAreAdmitted) {
    Group uncapped;
    for (int i = 0; i < 2 * GetParam(); ++i)
        pool.spawn([&] {
            uncapped.run([&] {
                pool.run([] {});
                gauge.visit(); // meanwhile the lender holds its slot again, although it still waits
            });
        });
    for (int i = 0; i < 20; ++i) pool.spawn([] { frond::yield(); });
    pool.join();
}

TEST_P(PoolLending, LongChainsThroughSeveralPools) {
    Pool other{1};
    Group uncapped;
    std::vector<Group*> const owners{&pool, &uncapped, &other, &uncapped};
    std::function<int(std::size_t)> descend = [&](std::size_t n) -> int {
        frond::yield();
        return n == 0 ? 0 : 1 + owners[n % owners.size()]->spawn([&, n] { return descend(n - 1); }).get();
    };
    EXPECT_EQ(pool.run([&] { return descend(40); }), 40);
    EXPECT_EQ(other.stats().overdraft_peak, 0U);
}

TEST_P(PoolLending, ChainsThatReachThePoolOnlyLater) {
    // A waits for U while U needs no slot; U starts to need one when the pool has long been full.
    Group uncapped;
    Gate gate;
    auto const u = uncapped.spawn([&] {
        gate.pass();
        return pool.run([] { return 3; });
    });
    std::vector<Task<int>> all;
    for (int i = 0; i < GetParam(); ++i) all.push_back(pool.spawn([&u] { return u.get(); }));
    frond::yield();
    EXPECT_TRUE(pool.full()); // nothing that they wait for needs a slot of theirs
    gate.open();
    // One slot is enough: one of them lends, and is handed it back when U's task has ended.
    EXPECT_EQ(all.front().get(), 3);
    pool.join();
}

TEST_P(PoolLending, ErrorsPassThroughNestedWaits) {
    auto const task = pool.spawn([&] {
        Group group{pool};
        group.spawn([] { throw std::range_error{"deep"}; });
        group.join();
    });
    EXPECT_THROW(task.get(), std::range_error);
}

TEST_P(PoolLending, MembersOfOneGroupMayWaitForOneAnother) {
    std::vector<Task<int>> chain;
    chain.push_back(pool.spawn([] { return 0; }));
    for (std::size_t i = 1; i < 30; ++i)
        chain.push_back(pool.spawn([&chain, i] { return chain[i - 1].get() + 1; }));
    EXPECT_EQ(chain.back().get(), 29);
    pool.join();
}

TEST_P(PoolLending, WaitForATaskSpawnedLaterThanTheRest) {
    std::vector<Task<void>> fillers;
    auto const task = pool.spawn([&] {
        for (int i = 0; i < 50; ++i) fillers.push_back(pool.spawn([this] { gauge.visit(); }));
        return pool.run([] { return 4; });
    });
    EXPECT_EQ(task.get(), 4);
    pool.join();
    EXPECT_LE(gauge.peak(), static_cast<std::size_t>(GetParam()));
}

// --- only for the same pool --------------------------------------------------------------------------------

TEST(Lending, IsNotForWaitsOnUncappedGroups) {
    Pool pool{2};
    Gauge gauge;
    for (int i = 0; i < 10; ++i)
        pool.spawn([&gauge] {
            Gauge::Inside const inside{gauge};
            Group uncapped;
            for (int j = 0; j < 5; ++j) uncapped.spawn([] { frond::yield(); });
            uncapped.join();
        });
    pool.join();
    EXPECT_EQ(gauge.peak(), 2U);
    EXPECT_EQ(pool.stats().active_peak, 2U);
}

TEST(Lending, IsNotForChainsOfWaitsThatNeedNoSlot) {
    Pool pool{2};
    Pool other{1};
    Group uncapped;
    Gauge gauge;
    for (int i = 0; i < 10; ++i)
        pool.spawn([&] {
            Gauge::Inside const inside{gauge};
            uncapped.run([&] { other.run([&] { uncapped.run([] { frond::yield(); }); }); });
            other.run([&] { uncapped.run([] { frond::yield(); }); });
        });
    pool.join();
    EXPECT_EQ(gauge.peak(), 2U);
    EXPECT_EQ(pool.stats().active_peak, 2U);
    EXPECT_EQ(pool.stats().overdraft_peak, 0U);
}

TEST(Lending, IsNotForJoinsOfGroupsWhoseMembersWait) {
    Pool pool{1};
    Gauge gauge;
    for (int i = 0; i < 5; ++i)
        pool.spawn([&gauge] {
            Gauge::Inside const inside{gauge};
            Group uncapped;
            auto const slow = uncapped.spawn([] { frond::sleep_for(1ms); });
            uncapped.spawn([&slow] { slow.wait(); });
            frond::yield(); // now a member of the group waits
            uncapped.join();
        });
    pool.join();
    EXPECT_EQ(gauge.peak(), 1U);
}

TEST(Lending, IsNotForWaitsOnAnotherPool) {
    Pool pool{2};
    Pool other{1};
    Gauge gauge;
    for (int i = 0; i < 10; ++i)
        pool.spawn([&] {
            Gauge::Inside const inside{gauge};
            other.run([] { frond::yield(); });
        });
    pool.join();
    EXPECT_EQ(gauge.peak(), 2U);
}

TEST(Lending, IsNotForWaitsOnATaskThatHasASlotAlready) {
    Pool pool{2};
    Gate gate;
    bool third_started = false;
    auto const first = pool.spawn([&gate] { gate.pass(); });
    pool.spawn([&first] { first.wait(); });
    pool.spawn([&third_started] { third_started = true; });
    yield_often();
    EXPECT_FALSE(third_started);
    gate.open();
    pool.join();
}

TEST(Lending, EndsWhenTheAwaitedTaskEndsAndNobodyIsAdmittedInBetween) {
    Pool pool{1};
    std::string trace;
    auto const a = pool.spawn([&] {
        trace += "a";
        pool.spawn([&trace] { trace += "c"; });
        auto const b = pool.spawn([&trace] { trace += "b"; });
        b.get();
        trace += "A";
        frond::yield();
        trace += "A";
    });
    a.get();
    pool.join();
    EXPECT_EQ(trace, "abAAc");
    EXPECT_EQ(pool.stats().overdraft_peak, 0U);
    EXPECT_EQ(pool.stats().active_peak, 1U);
}

TEST(Lending, JoinGetsItsSlotFromTheLastTaskOfTheGroup) {
    Pool pool{1};
    std::string trace;
    auto const a = pool.spawn([&] {
        Group group{pool};
        pool.spawn([&trace] { trace += "c"; });
        for (int i = 0; i < 3; ++i) group.spawn([&trace] { trace += "b"; });
        group.join();
        trace += "A";
        yield_often();
        trace += "A";
    });
    a.get();
    pool.join();
    EXPECT_EQ(trace, "bbbAAc");
}

// --- overdraft ---------------------------------------------------------------------------------------------

TEST(Overdraft, ComesFromALenderWhoseDeadlineCameFirst) {
    Pool pool{1};
    Gate b_may_end;
    Gate a_may_end;
    bool c_started = false;
    auto const a = pool.spawn([&] {
        auto const b = pool.spawn([&b_may_end] { b_may_end.pass(); });
        EXPECT_FALSE(b.wait_for(2ms));
        EXPECT_EQ(pool.stats().overdraft, 1U);
        a_may_end.pass();
    });
    pool.spawn([&c_started] { c_started = true; });
    EXPECT_FALSE(a.wait_for(10ms));
    EXPECT_EQ(pool.stats().active, 2U);
    b_may_end.open();
    yield_often();
    EXPECT_FALSE(c_started); // b's end repays, and a still has its slot
    EXPECT_EQ(pool.stats().overdraft, 0U);
    a_may_end.open();
    pool.join();
    EXPECT_TRUE(c_started);
    EXPECT_EQ(pool.stats().overdraft_peak, 1U);
}

TEST(Overdraft, ComesFromAJoinWhoseDeadlineCameFirst) {
    Pool pool{1};
    Gate gate;
    pool.run([&] {
        Group group{pool};
        group.spawn([&gate] { gate.pass(); });
        EXPECT_FALSE(group.join_for(2ms));
        EXPECT_EQ(pool.stats().overdraft, 1U);
        gate.open();
    });
    EXPECT_EQ(pool.stats().overdraft_peak, 1U);
    EXPECT_EQ(pool.stats().active, 0U);
}

TEST(Overdraft, ComesFromAMembersOwnSpawnWait) {
    Pool pool{1};
    Gate gate;
    pool.run([&] {
        pool.spawn_wait([&gate] { gate.pass(); }); // takes the slot of the one who spawns it
        EXPECT_EQ(pool.stats().active, 2U);
        EXPECT_EQ(pool.stats().overdraft, 1U);
        gate.open();
    });
    pool.join();
    EXPECT_EQ(pool.stats().overdraft_peak, 1U);
    EXPECT_EQ(pool.stats().active, 0U);
}

TEST(Overdraft, OfNestedSpawnWaitsIsBoundedByTheirNumber) {
    Pool pool{2};
    int ran = 0;
    for (int i = 0; i < 4; ++i)
        pool.spawn([&] {
            for (int j = 0; j < 3; ++j) pool.spawn_wait([&ran] { ++ran; });
        });
    pool.join();
    EXPECT_EQ(ran, 12);
    EXPECT_EQ(pool.stats().active, 0U);
    EXPECT_LE(pool.stats().active_peak, 6U); // the cap and one for each spawner
}

TEST(Overdraft, ComesFromTheSecondWaiterOfOneTask) {
    Pool pool{2};
    Gate waiting;
    Task<void> awaited;
    for (int i = 0; i < 2; ++i)
        pool.spawn([&] {
            waiting.pass();
            awaited.wait();
            frond::yield();
        });
    frond::yield();
    pool.resize(0); // so that both find it queued
    awaited = pool.spawn([] {});
    waiting.open();
    yield_often();
    EXPECT_EQ(pool.stats().active, 0U); // both have lent
    pool.resize(1);
    pool.join();
    EXPECT_EQ(pool.stats().overdraft_peak, 1U);
    EXPECT_EQ(pool.stats().active, 0U);
}

TEST(Overdraft, IsNotWhatResizeDownLeavesActive) {
    Pool pool{4};
    Gate gate;
    for (int i = 0; i < 4; ++i) pool.spawn([&gate] { gate.pass(); });
    frond::yield();
    pool.resize(1);
    gate.open();
    pool.join();
    EXPECT_EQ(pool.stats().overdraft_peak, 0U);
}

TEST(Overdraft, AResumingWaiterNeverWaitsForASlot) {
    Pool pool{1};
    Gate gate;
    bool went_on = false;
    auto const a = pool.spawn([&] {
        auto const b = pool.spawn([&gate] { gate.pass(); });
        for (int i = 0; i < 3; ++i) pool.spawn([] {});
        b.wait_for(1ms);
        went_on = true; // although b has the only slot
        gate.open();
    });
    a.get();
    EXPECT_TRUE(went_on);
    pool.join();
}

// Seen to when nothing else can run, so like a stall it needs the process's threads to be countable.
using CrosswiseLending = frond::test::StallTest;

TEST_F(CrosswiseLending, MembersOfTwoFullPoolsBothGoOn) {
    Pool first{1};
    Pool second{1};
    int done = 0;
    auto const a = first.spawn([&] {
        frond::yield();
        second.spawn([&done] { ++done; }).get();
    });
    auto const b = second.spawn([&] {
        frond::yield();
        first.spawn([&done] { ++done; }).get();
    });
    a.get();
    b.get();
    EXPECT_EQ(done, 2);
}

} // namespace
