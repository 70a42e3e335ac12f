#include <frond/group.hpp>

#include "support/gate.hpp"
#include "support/lives.hpp"
#include "support/scale.hpp"
#include "support/unhandled_errors.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/pool.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

using namespace std::chrono_literals;
using frond::Group;
using frond::test::Gate;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::scaled;

namespace {

static_assert(!std::is_copy_constructible_v<Group> && !std::is_move_constructible_v<Group>);
static_assert(std::is_nothrow_destructible_v<Group>);

TEST(Group, JoinIncludesWhatTasksSpawnToAnyDepth) {
    Group group;
    std::size_t ran = 0;
    std::function<void(int)> descend = [&](int depth) {
        ++ran;
        if (depth == 0) return;
        frond::yield();
        for (int i = 0; i < 3; ++i) group.spawn([&descend, depth] { descend(depth - 1); });
    };
    group.spawn([&] { descend(6); });
    group.join();
    EXPECT_EQ(ran, 1093U); // 3^0 + ... + 3^6
}

TEST(Group, JoinIncludesWhatASleepingTaskSpawnsLater) {
    Group group;
    bool ran = false;
    group.spawn([&] {
        frond::sleep_for(2ms);
        group.spawn_after(2ms, [&ran] { ran = true; });
    });
    group.join();
    EXPECT_TRUE(ran);
}

TEST(Group, EmptyJoinReturnsAtOnce) {
    Group group;
    group.join();
    EXPECT_TRUE(group.join_for(0s));
    EXPECT_TRUE(group.empty());
}

TEST(Group, CanBeUsedAgainAfterJoin) {
    Group group;
    int ran = 0;
    for (int round = 0; round < 3; ++round) {
        group.spawn([&ran] { ++ran; });
        group.join();
        EXPECT_EQ(ran, round + 1);
    }
}

TEST(Group, WorkStartsWithoutJoin) {
    Group group;
    bool ran = false;
    group.spawn([&ran] { ran = true; });
    EXPECT_FALSE(ran); // nothing starts before this thread waits or yields
    frond::yield();
    EXPECT_TRUE(ran);
}

TEST(Group, ManyMayJoinWhileTasksSpawn) {
    Group group;
    Group joiners;
    Gate gate;
    int ran = 0;
    group.spawn([&] {
        gate.pass();
        for (int i = 0; i < 10; ++i)
            group.spawn([&ran] {
                frond::yield();
                ++ran;
            });
    });
    std::vector<int> seen;
    for (int i = 0; i < 5; ++i)
        joiners.spawn([&] {
            group.join();
            seen.push_back(ran);
        });
    frond::yield();
    gate.open();
    joiners.join();
    EXPECT_EQ(seen, std::vector<int>(5, 10));
}

TEST(Group, TaskOfItsOwnMayWaitForAnother) {
    Group group;
    auto const first = group.spawn([] { return 1; });
    auto const second = group.spawn([&first] { return first.get() + 1; });
    group.join();
    EXPECT_EQ(second.get(), 2);
}

TEST(Group, JoinForGivesUpAtItsDeadlineAndTheWorkGoesOn) {
    Group group;
    Gate gate;
    group.spawn([&gate] { gate.pass(); });
    auto const start = std::chrono::steady_clock::now();
    EXPECT_FALSE(group.join_for(5ms));
    EXPECT_GE(std::chrono::steady_clock::now() - start, 5ms);
    EXPECT_FALSE(group.join_until(std::chrono::steady_clock::now()));
    EXPECT_FALSE(group.join_until(std::chrono::system_clock::now() - 1h));
    gate.open();
    EXPECT_TRUE(group.join_for(1h));
}

TEST(Group, TenTimesTenNestedSleepsTakeTheTimeOfTwo) {
    Group group;
    int ran = 0;
    auto const start = std::chrono::steady_clock::now();
    for (int i = 0; i < 10; ++i)
        group.spawn([&] {
            frond::sleep_for(100ms);
            for (int j = 0; j < 10; ++j)
                group.spawn([&ran] {
                    frond::sleep_for(100ms);
                    ++ran;
                });
        });
    group.join();
    auto const taken = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(ran, 100);
    EXPECT_GE(taken, 200ms);
    EXPECT_LT(taken, 2s); // 11 s one after another
}

TEST(Group, CountsWhatHasNotEnded) {
    Group group;
    Gate gate;
    for (int i = 0; i < 3; ++i) group.spawn([&gate] { gate.pass(); });
    EXPECT_EQ(group.size(), 3U);
    EXPECT_EQ(group.active(), 3U); // without a pool every task is admitted
    EXPECT_EQ(group.pending(), 0U);
    EXPECT_FALSE(group.empty());
    gate.open();
    group.join();
    EXPECT_EQ(group.size(), 0U);
    EXPECT_EQ(group.active(), 0U);
    EXPECT_TRUE(group.empty());
}

TEST(Group, CountsWhatWaitsForASlotAsPending) {
    frond::Pool pool{2};
    Group group{pool};
    Gate gate;
    for (int i = 0; i < 5; ++i) group.spawn([&gate] { gate.pass(); });
    EXPECT_EQ(group.size(), 5U);
    EXPECT_EQ(group.active(), 2U);
    EXPECT_EQ(group.pending(), 3U);
    EXPECT_EQ(pool.size(), 0U); // the pool's own tasks
    gate.open();
    group.join();
}

TEST(Group, DestructorJoins) {
    int ran = 0;
    {
        Group group;
        group.spawn([&] {
            frond::sleep_for(1ms);
            group.spawn([&ran] { ++ran; });
        });
    }
    EXPECT_EQ(ran, 1);
}

TEST(Group, DestructorInATaskSuspendsOnlyThatTask) {
    Group outer;
    std::string trace;
    outer.spawn([&trace] {
        {
            Group inner;
            inner.spawn([&trace] {
                frond::sleep_for(1ms);
                trace += 'b';
            });
        }
        trace += 'c';
    });
    outer.spawn([&trace] { trace += 'a'; });
    outer.join();
    EXPECT_EQ(trace, "abc");
}

TEST(Group, DiesOfAnExceptionDropsTheBacklogCancelsWhatRunsAndWaitsForIt) {
    Lives lives;
    frond::Pool pool{1};
    bool started = false;
    bool finished = false;
    int dropped_ran = 0;
    try {
        Group group{pool};
        auto const running = group.spawn([&, mortal = Mortal{lives}] {
            started = true;
            try {
                frond::sleep_for(1h);
            } catch (frond::Cancelled const&) {
                frond::Shield const shield;
                frond::sleep_for(2ms);
                finished = true;
            }
        });
        for (int i = 0; i < 10; ++i) group.spawn([&dropped_ran, mortal = Mortal{lives}] { ++dropped_ran; });
        frond::test::yield_until([&] { return started; });
        throw std::runtime_error{"out"};
    } catch (std::runtime_error const&) {
    }
    EXPECT_TRUE(finished);
    EXPECT_EQ(dropped_ran, 0);
    EXPECT_EQ(lives.alive(), 0);
    EXPECT_EQ(lives.born, lives.died);
}

TEST(Group, DiesOfAnExceptionDropsWhatIsAdmittedButNotStarted) {
    Lives lives;
    int ran = 0;
    std::vector<frond::Task<void>> tasks;
    try {
        Group group;
        for (int i = 0; i < 10; ++i) tasks.push_back(group.spawn([&ran, mortal = Mortal{lives}] { ++ran; }));
        throw 1;
    } catch (int) {
    }
    EXPECT_EQ(ran, 0);
    EXPECT_EQ(lives.alive(), 0);
    for (auto const& task : tasks) EXPECT_EQ(task.state(), frond::TaskState::cancelled);
}

TEST(Group, DiesOfAnExceptionInATaskOfTheSamePool) {
    frond::Pool pool{1};
    int ran = 0;
    auto const task = pool.spawn([&] {
        Group group{pool};
        for (int i = 0; i < 5; ++i) group.spawn([&ran] { ++ran; });
        throw std::runtime_error{"out"};
    });
    EXPECT_THROW(task.get(), std::runtime_error);
    EXPECT_EQ(ran, 0);
    EXPECT_EQ(pool.stats().live, 0U);
    EXPECT_EQ(pool.stats().active, 0U);
}

TEST(Group, WhatTasksSpawnIntoAGroupThatIsDyingOfAnExceptionNeverStarts) {
    Gate gate;
    bool child_ran = false;
    frond::Task<void> child;
    Group opener;
    try {
        Group group;
        group.spawn([&] {
            gate.pass();
            child = group.spawn([&child_ran] { child_ran = true; });
        });
        frond::yield();
        opener.spawn([&gate] { gate.open(); });
        throw 1;
    } catch (int) {
    }
    EXPECT_FALSE(child_ran);
    EXPECT_EQ(child.state(), frond::TaskState::cancelled);
}

TEST(Group, MadeWhileUnwindingJoinsAsUsual) {
    struct CleansUp {
        int& ran;
        ~CleansUp() {
            Group group;
            for (int i = 0; i < 3; ++i) group.spawn([this] { ++ran; });
        }
    };
    int ran = 0;
    try {
        CleansUp const clean_up{ran};
        throw 1;
    } catch (int) {
    }
    EXPECT_EQ(ran, 3);
}

TEST(Group, InACatchBlockJoinsAsUsual) {
    int ran = 0;
    try {
        throw 1;
    } catch (int) {
        Group group;
        group.spawn([&ran] { ++ran; });
    }
    EXPECT_EQ(ran, 1);
}

TEST(Group, TasksNeverRunInParallelWithTheirHome) {
    Group group;
    int plain = 0; // a data race here is for the sanitizer to find
    for (int i = 0; i < 100; ++i)
        group.spawn([&plain] {
            int const seen = plain;
            plain = seen + 1;
            frond::yield();
        });
    plain += 1000;
    group.join();
    EXPECT_EQ(plain, 1100);
}

TEST(Group, HoldsTensOfThousandsOfSuspendedTasks) {
    Group group;
    std::size_t const n = scaled(20'000);
    std::size_t awake = 0;
    for (std::size_t i = 0; i < n; ++i)
        group.spawn([&awake] {
            frond::sleep_for(20ms);
            ++awake;
        });
    group.join();
    EXPECT_EQ(awake, n);
}

} // namespace
