// What tasks yield, and what can be one.

#include <frond/bag.hpp>

#include "support/bag_kinds.hpp"
#include "support/gate.hpp"
#include "support/lives.hpp"
#include "support/touchy.hpp"

#include <frond/errors.hpp>
#include <frond/this_task.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using frond::TimedOut;
using frond::test::Gate;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::Of;
using frond::test::rest_of;
using frond::test::Touchy;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

namespace {

class BagItems : public frond::test::BagsTest {};
INSTANTIATE_TEST_SUITE_P(Both, BagItems, frond::test::every_bag(), &frond::test::name_of_bag);

// --- what tasks return -----------------------------------------------------------------------------------

TEST_P(BagItems, AreWhatItsTasksReturn) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        for (int i = 0; i < 4; ++i) bag.spawn([i] { return i; });
        EXPECT_THAT(rest_of(bag), UnorderedElementsAre(0, 1, 2, 3));
    });
}

TEST_P(BagItems, AreMadeFromWhatConvertsToThem) {
    run([]<template <class> class B>(Of<B>) {
        B<std::string> bag;
        bag.spawn([] { return "text"; });
        bag.spawn([] { return std::string_view{"view"}; }); // explicitly
        EXPECT_THAT(rest_of(bag), UnorderedElementsAre("text", "view"));
    });
}

TEST_P(BagItems, OfAnOptionalAreItsValueIfThereIsOne) {
    run([]<template <class> class B>(Of<B>) {
        B<std::string> bag;
        bag.spawn([] { return std::optional<std::string>{"there"}; });
        bag.spawn([] { return std::optional<std::string>{}; });
        bag.spawn([] { return std::optional<char const*>{"converted"}; });
        bag.spawn([] { return std::optional<char const*>{}; });
        EXPECT_THAT(rest_of(bag), UnorderedElementsAre("there", "converted"));
    });
}

TEST_P(BagItems, MayBeOptionalsThemselves) {
    run([]<template <class> class B>(Of<B>) {
        B<std::optional<int>> bag;
        bag.spawn([] { return std::optional<int>{}; });
        bag.spawn([] { return std::optional<int>{7}; });
        EXPECT_THAT(rest_of(bag), UnorderedElementsAre(std::optional<int>{}, std::optional<int>{7}));
    });
}

TEST_P(BagItems, AreCopiedFromReferences) {
    run([]<template <class> class B>(Of<B>) {
        std::string original = "kept";
        B<std::string> bag;
        bag.spawn([&original]() -> std::string& { return original; });
        EXPECT_THAT(rest_of(bag), ElementsAre("kept"));
        EXPECT_EQ(original, "kept");
    });
}

TEST_P(BagItems, OfAVoidTaskAreWhatItPuts) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        bag.spawn([] {});
        bag.spawn([&bag] { bag.put(1); });
        bag.spawn([&bag] {
            for (int i = 2; i < 6; ++i) bag.put(i);
        });
        EXPECT_THAT(rest_of(bag), UnorderedElementsAre(1, 2, 3, 4, 5));
    });
}

TEST_P(BagItems, WhatATaskPutsComesBeforeWhatItReturns) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        bag.spawn([&bag] {
            bag.put(1);
            frond::yield();
            bag.put(2);
            return 3;
        });
        EXPECT_THAT(rest_of(bag), ElementsAre(1, 2, 3));
    });
}

TEST_P(BagItems, NeedOnlyBeMovable) {
    run([]<template <class> class B>(Of<B>) {
        B<std::unique_ptr<int>> bag;
        bag.spawn([] { return std::make_unique<int>(1); });
        bag.spawn([&bag] { bag.put(std::make_unique<int>(2)); });
        bag.spawn([](std::unique_ptr<int> p) { return std::optional{std::move(p)}; },
                  std::make_unique<int>(3));
        int sum = 0;
        for (std::unique_ptr<int>&& item : bag) sum += *item;
        EXPECT_EQ(sum, 6);
    });
}

TEST_P(BagItems, ThatThrowWhenTheyAreMadeAreErrorsInTheirPlace) {
    run([]<template <class> class B>(Of<B>) {
        B<Touchy> bag;
        Touchy thrower{1};
        thrower.throws_moving = true;
        bag.spawn([&thrower]() -> Touchy&& { return std::move(thrower); });
        EXPECT_THROW(bag.next(), std::domain_error);
        bag.spawn([] { return Touchy{2}; });
        EXPECT_EQ(bag.next().value().value(), 2);
    });
}

TEST_P(BagItems, AreEachDestroyedOnce) {
    Lives lives;
    run([&lives]<template <class> class B>(Of<B>) {
        B<Mortal> bag;
        for (int i = 0; i < 10; ++i) bag.spawn([&lives] { return Mortal{lives}; });
        for (int i = 0; i < 10; ++i) bag.put(Mortal{lives});
        for (int i = 0; i < 7; ++i) EXPECT_TRUE(bag.next());
    });
    EXPECT_GE(lives.born, 20);
    EXPECT_EQ(lives.alive(), 0);
}

// --- what is called --------------------------------------------------------------------------------------

TEST_P(BagItems, AreMadeFromCopiesOfTheArguments) {
    run([]<template <class> class B>(Of<B>) {
        B<std::string> bag;
        std::string text = "before";
        char array[] = "array";
        int referred = 1;
        bag.spawn([](std::string&& s, char const* a, int& i) { return s + a + std::to_string(i); }, text,
                  array, std::ref(referred));
        bag.spawn({.name = "named"}, [](std::string s) { return s; }, text);
        text = "after";
        referred = 2;
        EXPECT_THAT(rest_of(bag), UnorderedElementsAre("beforearray2", "before"));
    });
}

TEST_P(BagItems, ComeFromCallablesThatTakeAStopToken) {
    run([]<template <class> class B>(Of<B>) {
        B<bool> bag;
        bag.spawn([](std::stop_token const& token) { return token.stop_possible(); });
        bag.spawn([](std::stop_token const& token, bool flag) { return flag && token.stop_possible(); },
                  true);
        EXPECT_THAT(rest_of(bag), ElementsAre(true, true));
    });
}

TEST_P(BagItems, ComeFromWhateverInvokeTakes) {
    run([]<template <class> class B>(Of<B>) {
        struct Thing {
            int number() const { return 8; }
        };
        B<int> bag;
        bag.spawn(&Thing::number, Thing{});
        bag.spawn(std::function<int()>{[] { return 9; }});
        EXPECT_THAT(rest_of(bag), UnorderedElementsAre(8, 9));
    });
}

TEST_P(BagItems, OfAnEmptyFunctionAreRefused) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        EXPECT_THROW(bag.spawn(std::function<int()>{}), std::invalid_argument);
        EXPECT_THROW(bag.spawn({.name = "none"}, std::function<int()>{}), std::invalid_argument);
        EXPECT_EQ(bag.size(), 0U);
        EXPECT_FALSE(bag.next());
    });
}

TEST_P(BagItems, OfANamedTaskKnowItsName) {
    run([]<template <class> class B>(Of<B>) {
        B<std::string> bag;
        bag.spawn({.name = "reader"}, [] { return frond::this_task::name(); });
        EXPECT_EQ(bag.next(), "reader");
    });
}

TEST_P(BagItems, OfATaskThatIsLateAreATimedOutInItsPlace) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        bag.spawn({.timeout = 1ms}, [] {
            frond::sleep_for(1h);
            return 1;
        });
        EXPECT_THROW(bag.next(), TimedOut);
        EXPECT_FALSE(bag.next());
    });
}

TEST_P(BagItems, OfAPinnedTaskComeFromTheSpawnersThread) {
    run([]<template <class> class B>(Of<B>) {
        B<std::thread::id> bag;
        for (int i = 0; i < 20; ++i) bag.spawn({.pinned = true}, &std::this_thread::get_id);
        for (auto const id : rest_of(bag)) EXPECT_EQ(id, std::this_thread::get_id());
    });
}

TEST_P(BagItems, OfATaskWithALargeStackMayNeedIt) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        bag.spawn({.stack = std::size_t{4} << 20U}, [] {
            char volatile large[std::size_t{3} << 20U];
            for (std::size_t i = 0; i < sizeof large; i += 4096) large[i] = 1;
            return static_cast<int>(large[4096]);
        });
        EXPECT_EQ(bag.next(), 1);
    });
}

TEST_P(BagItems, OfTasksThatSpawnIntoTheirBagAllCome) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        std::function<int(int)> const branch = [&](int n) {
            for (int i = 0; n > 0 && i < 2; ++i) bag.spawn([&branch, n] { return branch(n - 1); });
            return n;
        };
        bag.spawn([&branch] { return branch(7); });
        auto const items = rest_of(bag);
        EXPECT_EQ(items.size(), 255U);
        EXPECT_EQ(std::count(items.begin(), items.end(), 0), 128);
    });
}

TEST_P(BagItems, AreCountedAmongItsTasksUntilTheyEnd) {
    run([]<template <class> class B>(Of<B>) {
        Gate gate;
        B<int> bag;
        EXPECT_EQ(bag.size(), 0U);
        for (int i = 0; i < 3; ++i)
            bag.spawn([&gate] {
                gate.pass();
                return 1;
            });
        EXPECT_EQ(bag.size(), 3U);
        gate.open();
        EXPECT_EQ(rest_of(bag).size(), 3U);
        EXPECT_EQ(bag.size(), 0U);
    });
}

} // namespace
