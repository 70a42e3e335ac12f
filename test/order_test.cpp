// What starts first: with a pool, and without one.

#include <frond/pool.hpp>

#include "support/gate.hpp"

#include <frond/group.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using frond::Group;
using frond::Order;
using frond::Pool;
using frond::Task;
using frond::test::Gate;
using frond::test::yield_until;

namespace {

std::vector<int> count_up_to(int n) {
    std::vector<int> numbers(static_cast<std::size_t>(n));
    std::iota(numbers.begin(), numbers.end(), 0);
    return numbers;
}

/// A pool of one whose slot is taken until the gate opens, and a record of who started when.
class BusyPool : public testing::Test {
protected:
    explicit BusyPool(Order order = Order::fifo) : pool{{.limit = 1, .order = order}} {
        pool.spawn([this] { gate.pass(); });
        frond::yield();
    }
    auto starts(char c) {
        return [this, c] { trace += c; };
    }
    /// Joins nothing that is queued in the pool: that would change the order.
    void finish() {
        gate.open();
        yield_until([this] { return pool.stats().live == 0; });
        others.join();
    }

    std::string trace;
    Gate gate;
    Pool pool;
    Group others;
};

class FifoPool : public BusyPool {};

class NewestPool : public BusyPool {
protected:
    NewestPool() : BusyPool{Order::newest} {}
};

class PriorityPool : public BusyPool {
protected:
    PriorityPool() : BusyPool{Order::priority} {}
};

TEST_F(FifoPool, AdmitsFirstInFirstOut) {
    for (char const c : {'a', 'b', 'c', 'd'}) pool.spawn(starts(c));
    finish();
    EXPECT_EQ(trace, "abcd");
}

TEST_F(FifoPool, AdmitsFirstInFirstOutAcrossItsGroups) {
    Group first{pool};
    Group second{pool};
    first.spawn(starts('a'));
    second.spawn(starts('b'));
    pool.spawn(starts('c'));
    first.spawn(starts('d'));
    finish();
    EXPECT_EQ(trace, "abcd");
}

TEST_F(FifoPool, AdmitsFirstInFirstOutAlsoWhenTheWaysToSpawnMix) {
    pool.spawn(starts('a'));
    others.spawn([this] { pool.spawn_wait(starts('b')); });
    frond::yield();
    EXPECT_FALSE(pool.try_spawn(starts('x')).has_value());
    others.spawn([this] { pool.run(starts('c')); });
    frond::yield();
    pool.spawn(starts('d'));
    others.spawn([this] { pool.spawn_wait(starts('e')); });
    frond::yield();
    finish();
    EXPECT_EQ(trace, "abcde");
}

TEST_F(FifoPool, TrySpawnDoesNotOvertakeTheQueue) {
    pool.spawn(starts('a'));
    pool.resize(0);
    pool.resize(1);
    EXPECT_FALSE(pool.try_spawn(starts('x')).has_value());
    finish();
}

TEST_F(FifoPool, WaitingForATaskMovesItToTheFront) {
    pool.spawn(starts('a'));
    auto const b = pool.spawn(starts('b'));
    pool.spawn(starts('c'));
    auto const d = pool.spawn(starts('d'));
    others.spawn([&d] { d.wait(); });
    frond::yield();
    finish();
    EXPECT_EQ(trace, "dabc");
}

TEST_F(FifoPool, WaitingForATaskMovesItsDescendantsStepByStep) {
    auto const parent = pool.spawn([this] {
        trace += 'p';
        auto const child = pool.spawn([this] {
            trace += 'q';
            pool.spawn(starts('r')).wait();
        });
        child.wait();
        trace += 'P';
    });
    for (char const c : {'a', 'b'}) pool.spawn(starts(c));
    others.spawn([&parent] { parent.wait(); });
    frond::yield();
    finish();
    EXPECT_EQ(trace, "pqrPab");
}

TEST_F(FifoPool, JoiningAGroupMovesItsTasksToTheFrontInTheirOrder) {
    pool.spawn(starts('a'));
    Group group{pool};
    for (char const c : {'x', 'y', 'z'}) group.spawn(starts(c));
    pool.spawn(starts('b'));
    others.spawn([&group] { group.join(); });
    frond::yield();
    finish();
    EXPECT_EQ(trace, "xyzab");
}

TEST_F(FifoPool, RunFromOutsideKeepsItsPlace) {
    pool.spawn(starts('a'));
    others.spawn([this] { pool.run(starts('b')); });
    frond::yield();
    pool.spawn(starts('c'));
    finish();
    EXPECT_EQ(trace, "abc");
}

TEST_F(FifoPool, SpawnWaitFromOutsideKeepsItsPlace) {
    pool.spawn(starts('a'));
    others.spawn([this] { pool.spawn_wait(starts('b')); });
    frond::yield();
    pool.spawn(starts('c'));
    finish();
    EXPECT_EQ(trace, "abc");
}

TEST_F(FifoPool, RunFromAMemberMovesToTheFront) {
    pool.spawn([this] {
        trace += 'p';
        pool.run(starts('q'));
        trace += 'P';
    });
    pool.spawn(starts('a'));
    finish();
    EXPECT_EQ(trace, "pqPa");
}

TEST_F(NewestPool, AdmitsLastInFirstOut) {
    for (char const c : {'a', 'b', 'c', 'd'}) pool.spawn(starts(c));
    finish();
    EXPECT_EQ(trace, "dcba");
}

TEST_F(NewestPool, WaitingForATaskMovesItToTheFront) {
    auto const a = pool.spawn(starts('a'));
    for (char const c : {'b', 'c'}) pool.spawn(starts(c));
    others.spawn([&a] { a.wait(); });
    frond::yield();
    finish();
    EXPECT_EQ(trace, "acb");
}

TEST_F(PriorityPool, AdmitsTheLargestFirstAndTheOldestOfThose) {
    pool.spawn({.priority = -1}, starts('f'));
    pool.spawn(starts('d'));
    pool.spawn({.priority = 5}, starts('b'));
    pool.spawn({.priority = 9}, starts('a'));
    pool.spawn({.priority = 5}, starts('c'));
    pool.spawn(starts('e'));
    finish();
    EXPECT_EQ(trace, "abcdef");
}

TEST_F(PriorityPool, IsNotOverriddenByAWait) {
    auto const low = pool.spawn({.priority = 1}, starts('c'));
    pool.spawn({.priority = 2}, starts('a'));
    pool.spawn({.priority = 2}, starts('b'));
    others.spawn([&low] { low.wait(); });
    frond::yield();
    finish();
    EXPECT_EQ(trace, "abc");
}

TEST_F(PriorityPool, AWaitMovesATaskToTheFrontOfItsEquals) {
    pool.spawn({.priority = 1}, starts('b'));
    auto const awaited = pool.spawn({.priority = 1}, starts('a'));
    others.spawn([&awaited] { awaited.wait(); });
    frond::yield();
    finish();
    EXPECT_EQ(trace, "ab");
}

TEST_F(PriorityPool, NestedWaitsEndAlsoWhenHigherPrioritiesComeFirst) {
    pool.spawn([this] {
        trace += 'p';
        auto const low = pool.spawn({.priority = -5}, starts('c'));
        pool.spawn({.priority = 5}, starts('a'));
        pool.spawn({.priority = 4}, starts('b'));
        low.wait();
        trace += 'P';
    });
    finish();
    EXPECT_EQ(trace, "pabcP");
    EXPECT_EQ(pool.stats().overdraft_peak, 0U);
}

TEST(PoolOrder, TwoSelfRespawningChainsAlternate) {
    Pool pool{1};
    std::string trace;
    std::function<void(char, int)> next = [&](char name, int left) {
        trace += name;
        if (left > 1) pool.spawn([&next, name, left] { next(name, left - 1); });
    };
    for (char const name : {'a', 'b'}) pool.spawn([&next, name] { next(name, 500); });
    pool.join();
    std::string expected;
    for (int i = 0; i < 500; ++i) expected += "ab";
    EXPECT_EQ(trace, expected);
}

TEST(PoolOrder, SlotsOfALargerPoolGoFirstInFirstOutToo) {
    Pool pool{3};
    std::vector<int> order;
    for (int i = 0; i < 200; ++i)
        pool.spawn([&order, i] {
            order.push_back(i);
            frond::yield();
        });
    pool.join();
    EXPECT_EQ(order, count_up_to(200));
}

// --- without a pool ----------------------------------------------------------------------------------------

TEST(StartOrder, ChildrenStartInSpawnOrder) {
    Group group;
    std::vector<int> order;
    for (int i = 0; i < 200; ++i) group.spawn([&order, i] { order.push_back(i); });
    group.join();
    EXPECT_EQ(order, count_up_to(200));
}

TEST(StartOrder, ChildrenStartBeforeOlderWork) {
    Group group;
    std::string trace;
    group.spawn([&] {
        trace += '1';
        for (char const c : {'a', 'b'})
            group.spawn([&, c] {
                trace += c;
                group.spawn([&trace, c] { trace += static_cast<char>(c - 'a' + 'A'); });
            });
    });
    group.spawn([&] { trace += '2'; });
    group.join();
    EXPECT_EQ(trace, "1aAbB2"); // the order of the serial program
}

TEST(StartOrder, OldWorkDoesNotStarveBehindAChainOfChildren) {
    Group group;
    int links = 0;
    int links_when_old_started = -1;
    std::function<void()> chain = [&] {
        if (++links < 10'000) group.spawn([&chain] { chain(); });
    };
    group.spawn([&] { chain(); });
    group.spawn([&] { links_when_old_started = links; });
    group.join();
    EXPECT_EQ(links, 10'000);
    EXPECT_LE(links_when_old_started, 2 * 61); // every 61st start takes the oldest
}

TEST(StartOrder, TwoSelfRespawningChainsBothAdvance) {
    Group group;
    std::vector<int> links(2, 0);
    std::function<void(std::size_t)> chain = [&](std::size_t me) {
        ++links[me];
        if (links[0] < 10'000 && links[1] < 10'000) group.spawn([&chain, me] { chain(me); });
    };
    for (std::size_t me : {0U, 1U}) group.spawn([&chain, me] { chain(me); });
    group.join();
    EXPECT_GE(std::min(links[0], links[1]), 10'000 / (2 * 61) / 2);
}

TEST(StartOrder, AdmittedTasksOfAPoolDoNotStarveBehindUncappedWork) {
    Group group;
    Pool pool{1};
    int links = 0;
    int links_when_pool_started = -1;
    std::function<void()> chain = [&] {
        if (++links < 10'000) group.spawn([&chain] { chain(); });
    };
    pool.spawn([&] { links_when_pool_started = links; });
    group.spawn([&] { chain(); });
    group.join();
    pool.join();
    EXPECT_LE(links_when_pool_started, 4 * 61);
}

TEST(StartOrder, TasksStartAlthoughFibersStayReady) {
    Group group;
    Gate gate;
    int yields = 0;
    int yields_when_started = -1;
    for (int i = 0; i < 3; ++i)
        group.spawn([&] {
            while (!gate.is_open()) {
                ++yields;
                frond::yield();
            }
        });
    frond::yield();
    group.spawn([&] {
        yields_when_started = yields;
        gate.open();
    });
    group.join();
    EXPECT_LE(yields_when_started, 1000);
}

TEST(Yield, LetsEverythingThatIsReadyGoFirst) {
    Group group;
    std::string trace;
    for (char const c : {'a', 'b', 'c'})
        group.spawn([&trace, c] {
            for (int i = 0; i < 3; ++i) {
                trace += c;
                frond::yield();
            }
        });
    group.join();
    EXPECT_EQ(trace, "abcabcabc");
}

TEST(Yield, LetsUpToAThousandTasksStartFirst) {
    Group group;
    int started = 0;
    for (int i = 0; i < 3000; ++i) group.spawn([&started] { ++started; });
    frond::yield();
    EXPECT_GE(started, 1000);
    EXPECT_LT(started, 3000);
    group.join();
}

TEST(Yield, LetsASmallBacklogStartCompletely) {
    Group group;
    int started = 0;
    for (int i = 0; i < 900; ++i) group.spawn([&started] { ++started; });
    frond::yield();
    EXPECT_EQ(started, 900);
}

TEST(Yield, ReturnsToAYielderAlthoughTasksSpawnForEver) {
    Group group;
    bool stop = false;
    std::function<void()> chain = [&] {
        if (!stop) group.spawn([&chain] { chain(); });
    };
    group.spawn([&] { chain(); });
    frond::yield();
    stop = true;
    group.join();
}

TEST(Yield, LetsDueTimersFireAlthoughTasksSpawnForEver) {
    Group group;
    bool stop = false;
    std::function<void()> chain = [&] {
        if (!stop) group.spawn([&chain] { chain(); });
    };
    group.spawn([&] { chain(); });
    group.spawn_after(2ms, [&stop] { stop = true; });
    group.join();
    EXPECT_TRUE(stop);
}

TEST(Yield, WithNothingElseToRunReturns) {
    for (int i = 0; i < 1000; ++i) frond::yield();
}

} // namespace
