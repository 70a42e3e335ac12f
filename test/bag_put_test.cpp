// What is put, besides what tasks yield: from everywhere.

#include <frond/bag.hpp>

#include "support/bag_kinds.hpp"
#include "support/other_thread.hpp"
#include "support/scale.hpp"
#include "support/touchy.hpp"

#include <frond/errors.hpp>
#include <frond/hold.hpp>
#include <frond/pool.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using frond::Closed;
using frond::Pool;
using frond::test::Of;
using frond::test::on_other_thread;
using frond::test::rest_of;
using frond::test::scaled;
using frond::test::Touchy;
using testing::ElementsAre;

namespace {

class BagPut : public frond::test::BagsTest {};
INSTANTIATE_TEST_SUITE_P(Both, BagPut, frond::test::every_bag(), &frond::test::name_of_bag);

std::vector<int> up_to(std::size_t n) {
    std::vector<int> numbers(n);
    std::iota(numbers.begin(), numbers.end(), 0);
    return numbers;
}

template <class T>
std::vector<T> sorted(std::vector<T> items) {
    std::sort(items.begin(), items.end());
    return items;
}

TEST_P(BagPut, ByWhoReads) {
    run([]<template <class> class B>(Of<B>) {
        B<std::string> bag;
        std::string const copied = "copied";
        bag.put(copied);
        bag.put(std::string{"moved"});
        EXPECT_THAT(rest_of(bag), ElementsAre("copied", "moved"));
    });
}

TEST_P(BagPut, WhileOthersAreReadIsReadToo) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        bag.put(0);
        int last = -1;
        for (int&& item : bag) {
            EXPECT_EQ(item, last + 1);
            last = item;
            if (item < 100) bag.put(item + 1);
        }
        EXPECT_EQ(last, 100);
    });
}

TEST_P(BagPut, OfWhatThrowsWhenItIsCopiedOrMovedIsNotIn) {
    run([]<template <class> class B>(Of<B>) {
        B<Touchy> bag;
        Touchy item{1};
        item.throws_copying = item.throws_moving = true;
        EXPECT_THROW(bag.put(item), std::domain_error);
        EXPECT_THROW(bag.put(std::move(item)), std::domain_error);
        EXPECT_FALSE(bag.next());
        bag.put(Touchy{2});
        EXPECT_EQ(bag.next().value().value(), 2);
    });
}

TEST_P(BagPut, ByOtherThreadsAllCome) {
    run([]<template <class> class B>(Of<B>) {
        std::size_t const each = scaled(500);
        B<int> bag;
        auto hold = bag.keep_open();
        std::vector<std::jthread> threads;
        for (std::size_t t = 0; t < 3; ++t)
            threads.emplace_back([&bag, t, each, hold = bag.keep_open()] {
                for (std::size_t i = 0; i < each; ++i) bag.put(static_cast<int>(t * each + i));
            });
        hold.release();
        EXPECT_EQ(sorted(rest_of(bag)), up_to(3 * each));
    });
}

TEST_P(BagPut, ByOneThreadKeepsItsOrder) {
    run([]<template <class> class B>(Of<B>) {
        std::size_t const many = scaled(500);
        B<int> bag;
        std::jthread const thread{[&bag, many, hold = bag.keep_open()] {
            for (std::size_t i = 0; i < many; ++i) bag.put(static_cast<int>(i));
        }};
        EXPECT_EQ(rest_of(bag), up_to(many));
    });
}

TEST_P(BagPut, AndWhatOtherThreadsSpawnAllCome) {
    run([]<template <class> class B>(Of<B>) {
        std::size_t const each = scaled(300);
        Pool pool{3};
        B<int> bag{pool};
        auto hold = bag.keep_open();
        std::vector<std::jthread> threads;
        for (std::size_t t = 0; t < 3; ++t)
            threads.emplace_back([&bag, t, each, hold = bag.keep_open()] {
                for (std::size_t i = 0; i < each; ++i)
                    bag.spawn([n = static_cast<int>(t * each + i)] { return n; });
            });
        hold.release();
        EXPECT_EQ(sorted(rest_of(bag)), up_to(3 * each));
        EXPECT_LE(pool.stats().active_peak, 3U);
    });
}

TEST_P(BagPut, AfterTheHomesEndIsRefused) {
    run([]<template <class> class B>(Of<B>) {
        auto const bag = on_other_thread([] { return std::make_unique<B<int>>(); });
        EXPECT_THROW(bag->put(1), Closed);
        EXPECT_THROW(bag->spawn([] { return 1; }), Closed);
        EXPECT_FALSE(bag->next());
    });
}

} // namespace
