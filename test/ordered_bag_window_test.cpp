// `BagOptions::window`: how far past the first in order others may start.

#include <frond/ordered_bag.hpp>

#include "support/bag_kinds.hpp"
#include "support/gate.hpp"
#include "support/lives.hpp"
#include "support/scale.hpp"
#include "support/threads_test.hpp"

#include <frond/bag.hpp>
#include <frond/pool.hpp>
#include <frond/this_task.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <optional>
#include <stdexcept>
#include <vector>

using frond::Bag;
using frond::OrderedBag;
using frond::Pool;
using frond::test::Gate;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::rest_of;
using frond::test::scaled;
using frond::test::take_turns;
using frond::test::yield_until;
using testing::ElementsAre;

namespace {

class OrderedBagWindow : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, OrderedBagWindow, testing::Values(0, 1, 2, 4));

/// A first task that waits for `gate`, and others that do not.
struct Convoy {
    Gate gate;
    std::atomic<int> begun{0};

    template <class AnyBag>
    void spawn_into(AnyBag& bag, int n) {
        for (int i = 0; i < n; ++i)
            bag.spawn([this, i] {
                ++begun;
                if (i == 0) gate.pass();
                return i;
            });
    }
};

TEST_P(OrderedBagWindow, BoundsWhatIsAdmittedPastTheFirst) {
    run([] {
        Convoy tasks;
        OrderedBag<int> bag{{.window = 4}};
        tasks.spawn_into(bag, 20);
        yield_until([&] { return tasks.begun >= 4; });
        take_turns();
        EXPECT_EQ(tasks.begun, 4);
        tasks.gate.open();
        EXPECT_EQ(rest_of(bag).size(), 20U);
    });
}

TEST_P(OrderedBagWindow, BoundsItInAPoolToo) {
    run([] {
        Convoy tasks;
        Pool pool{10};
        OrderedBag<int> bag{pool, {.window = 4}};
        tasks.spawn_into(bag, 20);
        yield_until([&] { return tasks.begun >= 4; });
        take_turns();
        EXPECT_EQ(tasks.begun, 4);
        EXPECT_EQ(pool.free_count(), 9U); // what is held back has no slot
        tasks.gate.open();
        EXPECT_EQ(rest_of(bag).size(), 20U);
    });
}

TEST_P(OrderedBagWindow, MovesOnWithEachPlaceThatIsRead) {
    run([] {
        std::atomic<int> begun{0};
        OrderedBag<int> bag{{.window = 3}};
        for (int i = 0; i < 10; ++i)
            bag.spawn([&begun, i] {
                ++begun;
                return i;
            });
        for (int i = 0; i < 7; ++i) {
            yield_until([&] { return begun >= i + 3; });
            take_turns(10);
            EXPECT_EQ(begun, i + 3);
            EXPECT_EQ(bag.next(), i);
        }
        EXPECT_THAT(rest_of(bag), ElementsAre(7, 8, 9));
    });
}

TEST_P(OrderedBagWindow, MovesOnPastEmptyPlacesThoughNobodyReads) {
    run([] {
        std::atomic<int> begun{0};
        OrderedBag<int> bag{{.window = 1}};
        for (int i = 0; i < 10; ++i) bag.spawn([&begun] { ++begun; });
        yield_until([&bag] { return bag.size() == 0; });
        EXPECT_EQ(begun, 10);
        EXPECT_FALSE(bag.next());
    });
}

TEST_P(OrderedBagWindow, OfOneRunsThemOneByOne) {
    run([] {
        std::atomic<int> inside{0};
        Pool pool{4};
        OrderedBag<int> bag{pool, {.window = 1}};
        for (int i = 0; i < 30; ++i)
            bag.spawn([&inside, i] {
                EXPECT_EQ(++inside, 1);
                frond::yield();
                --inside;
                if (i % 5 == 4) throw std::runtime_error{"every fifth"};
                return i;
            });
        int expected = 0;
        for (auto&& outcome : bag.outcomes()) EXPECT_EQ(static_cast<int>(outcome.index()), expected++);
        EXPECT_EQ(expected, 30);
    });
}

TEST_P(OrderedBagWindow, BoundsTheReadAheadOfASlowConsumer) {
    run([] {
        for (int const window : {1, 2, 7})
            for (std::size_t const limit : {1U, 3U}) {
                auto const many = static_cast<int>(scaled(200));
                std::atomic<int> begun{0};
                Pool pool{limit};
                OrderedBag<int> bag{pool, {.window = static_cast<std::size_t>(window)}};
                for (int i = 0; i < many; ++i)
                    bag.spawn([&begun, i] {
                        ++begun;
                        for (int turn = 0; turn < i % 4; ++turn) frond::yield();
                        return i;
                    });
                int read = 0;
                int most = 0;
                for (int&& item : bag) {
                    EXPECT_EQ(item, read++);
                    take_turns(5);
                    most = std::max(most, begun - read);
                }
                EXPECT_EQ(read, many);
                EXPECT_LE(most, window);
            }
    });
}

TEST_P(OrderedBagWindow, AlwaysAdmitsTheFirst) {
    run([] {
        for (std::size_t const window : {1U, 2U, 3U}) {
            Pool pool{{.limit = 1, .order = frond::Order::newest}}; // which would take the last first
            OrderedBag<int> bag{pool, {.buffer = 1, .window = window}};
            pool.spawn(&frond::yield);
            for (int i = 0; i < 6; ++i) bag.spawn([i] { return i; });
            EXPECT_THAT(rest_of(bag), ElementsAre(0, 1, 2, 3, 4, 5));
        }
    });
}

TEST_P(OrderedBagWindow, GoesOnAfterNestedSpawns) {
    run([] {
        Pool pool{2};
        OrderedBag<int> bag{pool, {.window = 2}};
        std::function<int(int)> const branch = [&](int n) {
            for (int i = 0; n > 0 && i < 3; ++i) bag.spawn([&branch, n] { return branch(n - 1); });
            return n;
        };
        bag.spawn([&branch] { return branch(4); });
        EXPECT_EQ(rest_of(bag).size(), 121U);
    });
}

TEST_P(OrderedBagWindow, IsNotTakenByWhatIsPut) {
    run([] {
        std::atomic<int> begun{0};
        OrderedBag<int> bag{{.window = 2}};
        for (int i = 0; i < 5; ++i) bag.put(i);
        for (int i = 5; i < 10; ++i)
            bag.spawn([&begun, i] {
                ++begun;
                return i;
            });
        yield_until([&] { return begun >= 2; });
        take_turns();
        EXPECT_EQ(begun, 2);
        EXPECT_THAT(rest_of(bag), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
    });
}

TEST_P(OrderedBagWindow, TasksPastItThatAreCancelledNeverStart) {
    run([] {
        Lives lives;
        Convoy tasks;
        OrderedBag<int> bag{{.window = 2}};
        bag.spawn([&tasks] {
            tasks.gate.pass();
            return 1;
        });
        for (int i = 0; i < 20; ++i)
            bag.spawn([&tasks, life = Mortal{lives}] {
                ++tasks.begun;
                return 2;
            });
        yield_until([&bag] { return bag.size() == 20; }); // the second has ended
        EXPECT_EQ(bag.cancel(), 20U);
        EXPECT_EQ(tasks.begun, 1);
        EXPECT_EQ(lives.alive(), 0);
        EXPECT_THAT(rest_of(bag), ElementsAre(2));
    });
}

TEST_P(OrderedBagWindow, SaysNothingToABagInOrderOfCompletion) {
    run([] {
        Convoy tasks;
        Bag<int> bag{{.window = 1}};
        tasks.spawn_into(bag, 10);
        yield_until([&] { return tasks.begun >= 10; }); // though the first has not ended
        tasks.gate.open();
        EXPECT_EQ(rest_of(bag).size(), 10U);
    });
}

} // namespace
