// `BagOptions::buffer`: while so many results are unread nothing new is admitted.

#include <frond/bag.hpp>

#include "support/bag_kinds.hpp"
#include "support/gate.hpp"
#include "support/scale.hpp"

#include <frond/duration.hpp>
#include <frond/errors.hpp>
#include <frond/pool.hpp>
#include <frond/this_task.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using frond::Order;
using frond::OrderedBag;
using frond::Pool;
using frond::unlimited;
using frond::test::Gate;
using frond::test::Of;
using frond::test::rest_of;
using frond::test::scaled;
using frond::test::take_turns;
using frond::test::yield_until;
using testing::ElementsAre;

namespace {

class BagBuffer : public frond::test::BagsTest {};
INSTANTIATE_TEST_SUITE_P(Both, BagBuffer, frond::test::every_bag(), &frond::test::name_of_bag);

/// Tasks that count how many of them have begun and ended.
struct Counted {
    std::atomic<int> begun{0};
    std::atomic<int> ended{0};

    template <class AnyBag>
    void spawn_into(AnyBag& bag, int n, int turns = 0) {
        for (int i = 0; i < n; ++i)
            bag.spawn([this, i, turns] {
                ++begun;
                take_turns(turns);
                ++ended;
                return i;
            });
    }
};

TEST_P(BagBuffer, OfZeroOrLessIsRefused) {
    run([]<template <class> class B>(Of<B>) {
        Pool pool{1};
        auto const minus_one = static_cast<std::size_t>(-1);
        auto const less = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::min());
        EXPECT_THROW(B<int>({.buffer = 0}), std::invalid_argument);
        EXPECT_THROW(B<int>(pool, {.buffer = 0}), std::invalid_argument);
        EXPECT_THROW(B<int>({.buffer = minus_one}), std::invalid_argument);
        EXPECT_THROW(B<int>({.buffer = less}), std::invalid_argument);
        EXPECT_THROW(B<int>({.window = 0}), std::invalid_argument);
        EXPECT_THROW(B<int>(pool, {.window = minus_one}), std::invalid_argument);
        EXPECT_NO_THROW(B<int>({.buffer = unlimited, .window = unlimited}));
        EXPECT_NO_THROW(B<int>({.buffer = 1, .window = 1}));
    });
}

TEST_P(BagBuffer, ThatIsFullAdmitsNothing) {
    run([]<template <class> class B>(Of<B>) {
        Counted tasks;
        B<int> bag{{.buffer = 2}};
        bag.put(-1);
        bag.put(-2);
        tasks.spawn_into(bag, 10);
        take_turns();
        EXPECT_EQ(tasks.begun, 0);
        EXPECT_EQ(bag.size(), 10U);
        EXPECT_EQ(rest_of(bag).size(), 12U);
    });
}

TEST_P(BagBuffer, ThatIsFullAdmitsNothingInAPoolAndKeepsNoSlot) {
    run([]<template <class> class B>(Of<B>) {
        Counted tasks;
        Pool pool{2};
        B<int> bag{pool, {.buffer = 1}};
        bag.put(-1);
        tasks.spawn_into(bag, 10);
        take_turns();
        EXPECT_EQ(tasks.begun, 0);
        EXPECT_EQ(pool.free_count(), 2U);
        EXPECT_EQ(pool.run([] { return 5; }), 5); // others go on
        EXPECT_EQ(tasks.begun, 0);
        EXPECT_EQ(rest_of(bag).size(), 11U);
    });
}

TEST_P(BagBuffer, FillsOneByOneWithoutAPool) {
    run([]<template <class> class B>(Of<B>) {
        Counted tasks;
        B<int> bag{{.buffer = 3}};
        tasks.spawn_into(bag, 10);
        yield_until([&] { return tasks.ended >= 3; });
        take_turns();
        // None of them waits: a thread begins the next one when it has the result of the one before.
        int const at_once = static_cast<int>(std::max<std::size_t>(threads(), 1)) - 1;
        int const first_begun = tasks.begun;
        EXPECT_GE(first_begun, 3);
        EXPECT_LE(first_begun, 3 + at_once);
        for (int i = 0; i <= first_begun - 3; ++i) EXPECT_TRUE(bag.next());
        yield_until([&] { return tasks.ended > first_begun; });
        take_turns();
        EXPECT_LE(tasks.begun, first_begun + 1 + at_once);
        EXPECT_EQ(rest_of(bag).size(), static_cast<std::size_t>(12 - first_begun));
        EXPECT_EQ(tasks.ended, 10);
    });
}

TEST_P(BagBuffer, ThatFillsUpLetsWhatRunsFinish) {
    run([]<template <class> class B>(Of<B>) {
        Counted tasks;
        Gate gate;
        Pool pool{3};
        B<int> bag{pool, {.buffer = 1}};
        for (int i = 0; i < 9; ++i)
            bag.spawn([&, i] {
                ++tasks.begun;
                gate.pass();
                ++tasks.ended;
                return i;
            });
        yield_until([&] { return tasks.begun >= 3; });
        gate.open();
        yield_until([&] { return tasks.ended >= 3; });
        take_turns();
        EXPECT_EQ(tasks.begun, 3);
        EXPECT_TRUE(bag.next());
        EXPECT_TRUE(bag.next());
        take_turns();
        EXPECT_EQ(tasks.begun, 3); // one is still unread
        EXPECT_EQ(rest_of(bag).size(), 7U);
    });
}

TEST_P(BagBuffer, IsNoBoundForWhatIsPut) {
    run([]<template <class> class B>(Of<B>) {
        Counted tasks;
        B<int> bag{{.buffer = 2}};
        bag.spawn([&bag] {
            for (int i = 0; i < 20; ++i) bag.put(i);
        });
        yield_until([&bag] { return bag.size() == 0; });
        tasks.spawn_into(bag, 1);
        for (int i = 0; i < 18; ++i) EXPECT_EQ(bag.next(), i);
        take_turns();
        EXPECT_EQ(tasks.begun, 0); // 2 are unread
        EXPECT_EQ(bag.next(), 18);
        EXPECT_EQ(bag.next(), 19);
        EXPECT_EQ(bag.next(), 0);
        EXPECT_FALSE(bag.next());
    });
}

TEST_P(BagBuffer, CountsErrorsToo) {
    run([]<template <class> class B>(Of<B>) {
        Counted tasks;
        B<int> bag{{.buffer = 1}};
        bag.spawn([]() -> int { throw std::runtime_error{"first"}; });
        yield_until([&bag] { return bag.size() == 0; });
        tasks.spawn_into(bag, 1);
        take_turns();
        EXPECT_EQ(tasks.begun, 0);
        EXPECT_THROW(bag.next(), std::runtime_error);
        EXPECT_EQ(bag.next(), 0);
    });
}

TEST_P(BagBuffer, IsNotFilledByTasksThatYieldNothing) {
    run([]<template <class> class B>(Of<B>) {
        std::atomic<int> begun{0};
        B<int> bag{{.buffer = 1}};
        for (int i = 0; i < 20; ++i) bag.spawn([&begun] { ++begun; });
        yield_until([&bag] { return bag.size() == 0; }); // although nobody reads
        EXPECT_EQ(begun, 20);
    });
}

TEST_P(BagBuffer, OfOneBagIsNoneOfAnother) {
    run([]<template <class> class B>(Of<B>) {
        Counted held;
        Counted free;
        Pool pool{2};
        B<int> full{pool, {.buffer = 1}};
        B<int> other{pool};
        full.put(0);
        held.spawn_into(full, 5);
        free.spawn_into(other, 5);
        EXPECT_EQ(rest_of(other).size(), 5U);
        EXPECT_EQ(held.begun, 0);
        EXPECT_EQ(rest_of(full).size(), 6U);
    });
}

TEST_P(BagBuffer, BoundsWhatIsRunningAndUnreadForASlowConsumer) {
    run([]<template <class> class B>(Of<B>) {
        for (std::size_t const cap : {std::size_t{1}, std::size_t{3}})
            for (std::size_t const buffer : {std::size_t{1}, std::size_t{4}}) {
                auto const many = static_cast<int>(scaled(200));
                Counted tasks;
                Pool pool{cap};
                B<int> bag{pool, {.buffer = buffer}};
                tasks.spawn_into(bag, many, 2);
                auto const bound = static_cast<int>(cap + buffer);
                int read = 0;
                int most = 0;
                for (bool over = false; !over; ++read) {
                    take_turns(5);
                    most = std::max(most, tasks.begun - read);
                    over = !bag.next();
                }
                EXPECT_EQ(read - 1, many);
                EXPECT_LT(most, bound); // the last to be admitted sees `buffer` - 1 unread
                EXPECT_GE(most, static_cast<int>(buffer));
            }
    });
}

TEST_P(BagBuffer, HoldsBackTasksThatSpawnOthers) {
    run([]<template <class> class B>(Of<B>) {
        Pool pool{2};
        B<int> bag{pool, {.buffer = 2}};
        std::function<int(int)> const branch = [&](int n) {
            for (int i = 0; n > 0 && i < 3; ++i) bag.spawn([&branch, n] { return branch(n - 1); });
            return n;
        };
        bag.spawn([&branch] { return branch(4); });
        EXPECT_EQ(rest_of(bag).size(), 121U);
    });
}

TEST_P(BagBuffer, HoldsBackWhatOtherThreadsSpawn) {
    run([]<template <class> class B>(Of<B>) {
        auto const each = static_cast<int>(scaled(200));
        Counted tasks;
        B<int> bag{{.buffer = 3}};
        auto hold = bag.keep_open();
        std::vector<std::jthread> spawners;
        for (int t = 0; t < 2; ++t)
            spawners.emplace_back([&, hold = bag.keep_open()] { tasks.spawn_into(bag, each); });
        hold.release();
        int read = 0;
        while (bag.next()) {
            ++read;
            EXPECT_LE(tasks.ended - read, 3 + static_cast<int>(std::max<std::size_t>(threads(), 1)));
        }
        EXPECT_EQ(read, 2 * each);
    });
}

// --- the first in order is let in all the same -----------------------------------------------------------

class OrderedBagBuffer : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Buffers, OrderedBagBuffer, testing::Values(1, 2, 5));

TEST_P(OrderedBagBuffer, LetsTheFirstInWhenLaterOnesHaveFilledIt) {
    Pool pool{{.limit = 1, .order = Order::newest}};
    OrderedBag<int> bag{pool, {.buffer = GetParam()}};
    pool.spawn(&frond::yield); // until it has ended the others queue up
    for (int i = 0; i < 8; ++i)
        bag.spawn([&bag, i] {
            bag.put(3 * i);
            bag.put(3 * i + 1);
            return 3 * i + 2;
        });
    std::vector<int> expected(24);
    std::iota(expected.begin(), expected.end(), 0);
    EXPECT_EQ(rest_of(bag), expected);
}

TEST_P(OrderedBagBuffer, LetsTheFirstInWhenWhatWasPutBehindItHasFilledIt) {
    Pool pool{1};
    OrderedBag<int> bag{pool, {.buffer = GetParam()}};
    pool.spawn(&frond::yield);
    bag.spawn([] { return 0; });
    for (std::size_t i = 0; i < GetParam(); ++i) bag.put(1);
    EXPECT_EQ(bag.next(), 0);
    EXPECT_EQ(rest_of(bag).size(), GetParam());
}

TEST_P(OrderedBagBuffer, LetsInWhatHasBecomeTheFirst) {
    OrderedBag<int> bag{{.buffer = GetParam()}};
    for (std::size_t i = 0; i < GetParam(); ++i) bag.put(0);
    bag.spawn([] { return 1; }); // held back
    for (std::size_t i = 0; i < GetParam(); ++i) bag.put(2);
    for (std::size_t i = 0; i < GetParam(); ++i) EXPECT_EQ(bag.next(), 0);
    EXPECT_EQ(bag.next(), 1); // though the buffer is full
    EXPECT_EQ(rest_of(bag).size(), GetParam());
}

TEST_P(OrderedBagBuffer, LetsThoseBehindAnEmptyPlaceIn) {
    Pool pool{2};
    OrderedBag<int> bag{pool, {.buffer = GetParam()}};
    Gate gate;
    bag.spawn([&gate] { gate.pass(); }); // yields nothing
    for (int i = 1; i < 10; ++i) bag.spawn([i] { return i; });
    take_turns();
    gate.open();
    EXPECT_THAT(rest_of(bag), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9));
}

} // namespace
