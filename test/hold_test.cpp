#include <frond/hold.hpp>

#include "support/bag_kinds.hpp"
#include "support/gate.hpp"
#include "support/scale.hpp"

#include <frond/bag.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using frond::Group;
using frond::Hold;
using frond::Pool;
using frond::TaskState;
using frond::test::Gate;
using frond::test::Of;
using frond::test::rest_of;
using frond::test::scaled;
using frond::test::take_turns;
using frond::test::yield_until;
using testing::ElementsAre;

namespace {

static_assert(std::is_nothrow_move_constructible_v<Hold> && !std::is_copy_constructible_v<Hold>);

class HoldOfABag : public frond::test::BagsTest {};
INSTANTIATE_TEST_SUITE_P(Both, HoldOfABag, frond::test::every_bag(), &frond::test::name_of_bag);

TEST(Hold, OfNothingHoldsNothing) {
    Hold hold;
    EXPECT_FALSE(hold);
    hold.release();
    Hold const moved{std::move(hold)};
    EXPECT_FALSE(moved);
}

TEST_P(HoldOfABag, KeepsItFromItsEndUntilItDies) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        {
            auto const hold = bag.keep_open();
            EXPECT_TRUE(static_cast<bool>(hold));
            auto const begin = std::chrono::steady_clock::now();
            EXPECT_FALSE(bag.next_for(2ms));
            EXPECT_GE(std::chrono::steady_clock::now() - begin, 2ms);
            EXPECT_EQ(bag.size(), 0U); // it is no task
        }
        EXPECT_FALSE(bag.next());
    });
}

TEST_P(HoldOfABag, WakesTheReaderWhenItIsReleased) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        auto hold = bag.keep_open();
        Group group;
        auto const reader = group.spawn([&bag] { return bag.next(); });
        yield_until([&] { return reader.state() == TaskState::waiting; });
        hold.release();
        EXPECT_FALSE(reader.get());
        hold.release(); // again: nothing
        EXPECT_FALSE(hold);
    });
}

TEST_P(HoldOfABag, EndsWithTheLastOfSeveral) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        std::vector<Hold> holds;
        for (int i = 0; i < 3; ++i) holds.push_back(bag.keep_open());
        for (; !holds.empty(); holds.pop_back()) {
            auto const begin = std::chrono::steady_clock::now();
            EXPECT_FALSE(bag.next_for(500us));
            EXPECT_GE(std::chrono::steady_clock::now() - begin, 500us);
        }
        EXPECT_FALSE(bag.next());
    });
}

TEST_P(HoldOfABag, GoesWithTheMove) {
    run([]<template <class> class B>(Of<B>) {
        B<int> first;
        B<int> second;
        auto a = first.keep_open();
        auto b = second.keep_open();
        a = std::move(b);
        EXPECT_FALSE(static_cast<bool>(b)); // NOLINT(bugprone-use-after-move): that is what is looked at
        EXPECT_FALSE(first.next());         // its hold has been let go
        EXPECT_FALSE(second.next_for(1ms));
        second.put(1);
        a = Hold{};
        EXPECT_THAT(rest_of(second), ElementsAre(1));
    });
}

TEST_P(HoldOfABag, MayDieOnAnotherThread) {
    run([]<template <class> class B>(Of<B>) {
        for (std::size_t round = 0; round < scaled(100); ++round) {
            B<int> bag;
            std::jthread const producer{[&bag, hold = bag.keep_open()] { bag.put(1); }};
            EXPECT_THAT(rest_of(bag), ElementsAre(1));
        }
    });
}

TEST_P(HoldOfABag, MayBeMadeOnAnotherThread) {
    run([]<template <class> class B>(Of<B>) {
        Gate made;
        Gate ended;
        B<int> bag;
        bag.spawn([&made] { made.pass(); });
        std::jthread const producer{[&] {
            auto const hold = bag.keep_open();
            made.open();
            while (!ended.is_open()) std::this_thread::yield();
            bag.put(1);
        }};
        yield_until([&bag] { return bag.size() == 0; });
        ended.open();
        EXPECT_THAT(rest_of(bag), ElementsAre(1));
    });
}

TEST_P(HoldOfABag, MayBeHeldByTasks) {
    run([]<template <class> class B>(Of<B>) {
        Pool pool{2};
        B<int> bag;
        for (int i = 0; i < 5; ++i)
            pool.spawn([&bag, i, hold = bag.keep_open()] {
                frond::yield();
                bag.put(i);
            });
        EXPECT_THAT(rest_of(bag), testing::UnorderedElementsAre(0, 1, 2, 3, 4));
    });
}

TEST_P(HoldOfABag, IsWaitedForByTheDestructor) {
    run([]<template <class> class B>(Of<B>) {
        std::atomic<bool> released{false};
        Group group;
        {
            B<int> bag;
            group.spawn([&released, hold = bag.keep_open()]() mutable {
                take_turns();
                released = true;
                hold.release();
            });
        }
        EXPECT_TRUE(released);
    });
}

TEST_P(HoldOfABag, OfAnotherThreadIsWaitedForByTheDestructor) {
    run([]<template <class> class B>(Of<B>) {
        for (std::size_t round = 0; round < scaled(50); ++round) {
            std::atomic<bool> released{false};
            std::jthread producer;
            {
                B<int> bag;
                producer = std::jthread{[&released, &bag, hold = bag.keep_open()]() mutable {
                    for (int i = 0; i < 10; ++i) bag.put(i);
                    released = true;
                    hold.release();
                }};
            }
            EXPECT_TRUE(released);
        }
    });
}

TEST_P(HoldOfABag, WithoutAReleaseLeavesTheBagUsable) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        auto const hold = bag.keep_open();
        for (int i = 0; i < 3; ++i) {
            bag.spawn([i] { return i; });
            EXPECT_EQ(bag.next(), i);
            EXPECT_FALSE(bag.next_for(0s));
        }
    });
}

} // namespace
