// The ways to read: one by one, with a time limit, and in loops.

#include <frond/bag.hpp>

#include "support/bag_kinds.hpp"
#include "support/gate.hpp"
#include "support/scale.hpp"
#include "support/what_of.hpp"

#include <frond/errors.hpp>
#include <frond/this_task.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using frond::Bag;
using frond::OrderedBag;
using frond::test::Gate;
using frond::test::Of;
using frond::test::rest_of;
using frond::test::scaled;
using frond::test::what_is_thrown_by;
using frond::test::what_of;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

namespace {

using Clock = std::chrono::steady_clock;

static_assert(std::ranges::input_range<Bag<int>> && std::ranges::input_range<OrderedBag<int>>);
static_assert(std::same_as<std::ranges::range_reference_t<Bag<int>>, int&&>);
static_assert(!std::copyable<Bag<int>::iterator> && std::movable<Bag<int>::iterator>);
static_assert(!std::move_constructible<Bag<int>> && !std::move_constructible<OrderedBag<int>>);

class BagReading : public frond::test::BagsTest {};
INSTANTIATE_TEST_SUITE_P(Both, BagReading, frond::test::every_bag(), &frond::test::name_of_bag);

int fail(char const* what) { throw std::runtime_error{what}; }

/// A value, the text of an error, or "" at the end.
template <class AnyBag>
std::string next_of(AnyBag& bag) {
    std::string item;
    std::string const error = what_is_thrown_by([&] {
        if (auto const value = bag.next()) item = std::to_string(*value);
    });
    return item + error;
}

// --- next ------------------------------------------------------------------------------------------------

TEST_P(BagReading, OfAnEmptyBagEndsAtOnce) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        EXPECT_FALSE(bag.next());
        EXPECT_FALSE(bag.next_for(1h));
        EXPECT_FALSE(bag.next_until(Clock::now() + 1h));
        for (int&& item : bag) ADD_FAILURE() << item;
        for (auto&& outcome : bag.outcomes()) ADD_FAILURE() << outcome.index();
    });
}

TEST_P(BagReading, OfWhatYieldsNothingEnds) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        for (int i = 0; i < 20; ++i) bag.spawn(&frond::yield);
        EXPECT_FALSE(bag.next());
    });
}

TEST_P(BagReading, TakesWhatHasComeWhileOthersRun) {
    run([]<template <class> class B>(Of<B>) {
        Gate gate;
        B<int> bag;
        bag.spawn([] { return 1; });
        bag.spawn([&gate] {
            gate.pass();
            return 2;
        });
        EXPECT_EQ(bag.next(), 1);
        gate.open(); // not before: nobody waits for the second
        EXPECT_EQ(bag.next(), 2);
        EXPECT_FALSE(bag.next());
    });
}

TEST_P(BagReading, GoesOnAfterTheEndIfMoreIsSpawned) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        for (int round = 0; round < 5; ++round) {
            bag.spawn([round] { return round; });
            EXPECT_EQ(bag.next(), round);
            EXPECT_FALSE(bag.next());
            EXPECT_FALSE(bag.next());
        }
    });
}

TEST_P(BagReading, WithATimeLimitWaitsThatLong) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        auto const hold = bag.keep_open();
        auto const begin = Clock::now();
        EXPECT_FALSE(bag.next_for(3ms));
        EXPECT_GE(Clock::now() - begin, 3ms);
        EXPECT_FALSE(bag.next_until(begin + 6ms));
        EXPECT_GE(Clock::now() - begin, 6ms);
    });
}

TEST_P(BagReading, WithATimeLimitLosesNothing) {
    run([]<template <class> class B>(Of<B>) {
        Gate gate;
        B<int> bag;
        bag.spawn([&gate] {
            gate.pass();
            return 1;
        });
        EXPECT_FALSE(bag.next_for(1ms));
        EXPECT_FALSE(bag.next_for(-1ms));
        gate.open();
        EXPECT_EQ(bag.next_for(1h), 1);
        EXPECT_FALSE(bag.next_for(1h)); // the end is not waited for
    });
}

TEST_P(BagReading, AfterItsTimeTakesWhatIsThere) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        bag.put(1);
        bag.put(2);
        EXPECT_EQ(bag.next_for(0s), 1);
        EXPECT_EQ(bag.next_until(Clock::now() - 1h), 2);
    });
}

TEST_P(BagReading, InShortTurnsLosesNothing) {
    run([]<template <class> class B>(Of<B>) {
        auto const many = static_cast<int>(scaled(200));
        B<int> bag;
        bag.spawn([&bag, many] {
            for (int i = 0; i < many; ++i) {
                bag.put(i);
                frond::sleep_for(5us);
            }
        });
        for (int expected = 0; expected < many;) {
            auto const item = bag.next_for(3us);
            if (!item) continue;
            EXPECT_EQ(*item, expected++);
        }
        EXPECT_FALSE(bag.next());
    });
}

// --- errors ----------------------------------------------------------------------------------------------

TEST_P(BagReading, RethrowsErrorsInTheirPlaceAndGoesOn) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        bag.spawn([&bag] {
            bag.put(1);
            return fail("two");
        });
        EXPECT_EQ(next_of(bag), "1");
        EXPECT_EQ(next_of(bag), "two");
        bag.spawn([] { return 3; });
        EXPECT_EQ(next_of(bag), "3");
        EXPECT_EQ(next_of(bag), "");
    });
}

TEST_P(BagReading, RethrowsWhateverATaskThrows) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        bag.spawn([]() -> int { throw 5; });
        EXPECT_THROW(bag.next(), int);
        EXPECT_FALSE(bag.next());
    });
}

TEST_P(BagReading, GoesOnInANewLoopAfterAnError) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        for (int i = 0; i < 9; ++i) bag.spawn([i] { return i % 3 == 1 ? fail("odd one") : i; });
        std::vector<int> items;
        int errors = 0;
        for (bool over = false; !over;) {
            try {
                for (int&& item : bag) items.push_back(item);
                over = true;
            } catch (std::runtime_error const&) {
                ++errors;
            }
        }
        EXPECT_EQ(errors, 3);
        EXPECT_THAT(items, UnorderedElementsAre(0, 2, 3, 5, 6, 8));
    });
}

TEST_P(BagReading, GoesOnInTheSameLoopAfterAnError) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        bag.spawn([&bag] {
            bag.put(1);
            return fail("two");
        });
        auto i = bag.begin();
        EXPECT_EQ(*i, 1);
        EXPECT_THROW(++i, std::runtime_error);
        bag.put(3);
        ++i;
        EXPECT_EQ(*i, 3);
        EXPECT_TRUE(++i == bag.end());
    });
}

TEST_P(BagReading, AsOutcomesIsLeftByNoError) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        bag.spawn([] { return 10; });
        bag.spawn([] { return fail("eleven"); });
        bag.spawn([&bag] { bag.put(12); });
        bag.put(13);
        std::vector<std::string> seen;
        for (frond::Outcome<int>&& o : bag.outcomes())
            seen.push_back((o.index() == o.no_index ? "-" : std::to_string(o.index())) + ":" +
                           (o ? std::to_string(*o) : what_of(o.error())));
        EXPECT_THAT(seen, UnorderedElementsAre("0:10", "1:eleven", "2:12", "-:13"));
    });
}

TEST_P(BagReading, OneOutcomeAtATime) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        bag.spawn([] { return fail("only"); });
        EXPECT_EQ(what_of(bag.outcomes().next().value().error()), "only");
        auto const hold = bag.keep_open();
        EXPECT_FALSE(bag.outcomes().next_for(1ms));
    });
}

// --- loops -----------------------------------------------------------------------------------------------

TEST_P(BagReading, IsForOneLoopAtATime) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        for (int i = 0; i < 4; ++i) bag.put(i);
        {
            auto const loop = bag.begin();
            EXPECT_THROW(bag.begin(), std::logic_error);
            EXPECT_THROW(bag.outcomes().begin(), std::logic_error);
            EXPECT_EQ(*loop, 0);
            EXPECT_EQ(bag.next(), 1); // no loop
        }
        EXPECT_EQ(*bag.begin(), 2);
        EXPECT_EQ(**bag.outcomes().begin(), 3);
    });
}

TEST_P(BagReading, IsPossibleAgainAfterABeginThatThrew) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        bag.spawn([] { return fail("first"); });
        EXPECT_THROW(bag.begin(), std::runtime_error);
        bag.put(2);
        EXPECT_EQ(*bag.begin(), 2);
    });
}

TEST_P(BagReading, ALoopThatIsLeftGoesOnWithTheNext) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        for (int i = 0; i < 4; ++i) bag.put(i);
        for (int&& item : bag)
            if (item == 1) break;
        EXPECT_THAT(rest_of(bag), ElementsAre(2, 3));
    });
}

} // namespace
