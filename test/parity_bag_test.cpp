// What other bags of tasks get wrong, and what they get right, with their numbers.

#include <frond/bag.hpp>

#include "support/bag_kinds.hpp"
#include "support/gate.hpp"
#include "support/gauge.hpp"
#include "support/lives.hpp"
#include "support/scale.hpp"

#include <frond/cancel.hpp>
#include <frond/duration.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/this_task.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <unistd.h>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::Clock;
using frond::Group;
using frond::Pool;
using frond::test::Gauge;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::Of;
using frond::test::rest_of;
using frond::test::scaled;
using frond::test::yield_until;
using testing::ElementsAre;
using testing::SizeIs;

namespace {

class ParityBag : public frond::test::BagsTest {};
INSTANTIATE_TEST_SUITE_P(Bags, ParityBag, frond::test::every_bag(), frond::test::name_of_bag);

constexpr auto nap = 20ms;
constexpr auto naps_one_by_one = 110 * nap;

/// Ten tasks of which each naps and spawns ten that nap.
template <class Bag>
void spawn_ten_times_ten(Bag& bag, Gauge& gauge) {
    for (int i = 0; i < 10; ++i)
        bag.spawn([&bag, &gauge, i] {
            Gauge::Inside const inside{gauge};
            frond::sleep_for(nap);
            for (int j = 0; j < 10; ++j)
                bag.spawn([&gauge, i, j] {
                    Gauge::Inside const inside_too{gauge};
                    frond::sleep_for(nap);
                    return 100 + 10 * i + j;
                });
            return i;
        });
}

TEST_P(ParityBag, TenTimesTenNestedNapsTakeTheTimeOfTwo) {
    run([]<template <class> class B>(Of<B>) {
        Gauge gauge;
        auto const begin = Clock::now();
        B<int> bag;
        spawn_ten_times_ten(bag, gauge);
        EXPECT_THAT(rest_of(bag), SizeIs(110));
        auto const took = Clock::now() - begin;
        EXPECT_GE(took, 2 * nap);
        EXPECT_LT(took, naps_one_by_one / 2);
        EXPECT_GT(gauge.peak(), 10U);
    });
}

TEST_P(ParityBag, TenTimesTenNestedNapsInAPoolOfTenAreNeverMoreThanTen) {
    run([]<template <class> class B>(Of<B>) {
        Gauge gauge;
        Pool pool{10};
        auto const begin = Clock::now();
        B<int> bag{pool};
        spawn_ten_times_ten(bag, gauge);
        EXPECT_THAT(rest_of(bag), SizeIs(110));
        auto const took = Clock::now() - begin;
        EXPECT_GE(took, 11 * nap);
        EXPECT_LT(took, naps_one_by_one);
        EXPECT_EQ(gauge.peak(), 10U);
        EXPECT_EQ(pool.stats().overdraft_peak, 0U);
    });
}

TEST_P(ParityBag, OfAPoolOfTwoYieldsUnderItsCap) {
    run([]<template <class> class B>(Of<B>) {
        Gauge gauge;
        Pool pool{2};
        B<int> bag{pool};
        for (int i = 0; i < 20; ++i)
            bag.spawn([&gauge, i] {
                gauge.visit();
                return i;
            });
        auto items = rest_of(bag);
        std::ranges::sort(items);
        ASSERT_THAT(items, SizeIs(20));
        for (int i = 0; i < 20; ++i) EXPECT_EQ(items[static_cast<std::size_t>(i)], i);
        EXPECT_LE(gauge.peak(), 2U);
    });
}

TEST_P(ParityBag, RunsWithoutAReader) {
    run([]<template <class> class B>(Of<B>) {
        std::atomic<int> ran{0};
        B<int> bag;
        for (int i = 0; i < 10; ++i) bag.spawn([&ran] { return ++ran; });
        yield_until([&] { return ran == 10 && bag.size() == 0; });
        EXPECT_THAT(rest_of(bag), SizeIs(10));
    });
}

// The bag that this comes from waits for ever unless each task puts in exactly one item.
TEST_P(ParityBag, TasksThatPutNoneOneOrManyFailOrEndCancelledNeverHangIt) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        bag.spawn([] {});
        bag.spawn([&bag] { bag.put(1); });
        bag.spawn([]() -> int { throw std::runtime_error("2"); });
        bag.spawn([]() -> int { throw Cancelled{}; });
        bag.spawn([&bag] {
            for (int const i : {3, 4, 5}) bag.put(i);
        });
        bag.spawn([&bag] {
            bag.put(6);
            throw 7;
        });
        bag.spawn([]() -> std::optional<int> { return std::nullopt; });
        bag.spawn([] { return 8; });
        std::vector<int> items;
        int errors = 0;
        for (auto&& outcome : bag.outcomes()) {
            if (outcome)
                items.push_back(*outcome);
            else
                ++errors;
        }
        EXPECT_EQ(errors, 2);
        if (!Of<B>::is_ordered) std::ranges::sort(items);
        EXPECT_THAT(items, ElementsAre(1, 3, 4, 5, 6, 8));
    });
}

// Theirs raises the first error when all results have been read, and drops the others.
TEST_P(ParityBag, ErrorsDoNotWaitForTheLastResult) {
    run([]<template <class> class B>(Of<B>) {
        std::atomic<bool> may_end{false};
        B<int> bag;
        bag.spawn([]() -> int { throw std::runtime_error("early"); });
        bag.spawn([&may_end] {
            yield_until([&] { return may_end.load(); });
            return 1;
        });
        EXPECT_THROW(bag.next(), std::runtime_error);
        EXPECT_EQ(bag.size(), 1U);
        may_end = true;
        EXPECT_EQ(bag.next(), 1);
        EXPECT_EQ(bag.next(), std::nullopt);
    });
}

TEST_P(ParityBag, IsUsedAgainAfterAnErrorAndAfterABreak) {
    run([]<template <class> class B>(Of<B>) {
        Pool pool{2};
        B<int> bag{pool};
        bag.spawn([]() -> int { throw 1; });
        EXPECT_THROW(rest_of(bag), int);
        for (int i = 0; i < 3; ++i) bag.spawn([] { return 2; });
        for (int&& item : bag) {
            EXPECT_EQ(item, 2);
            break;
        }
        bag.spawn([] { return 2; });
        EXPECT_THAT(rest_of(bag), ElementsAre(2, 2, 2));
        EXPECT_EQ(pool.free_count(), 2U);
    });
}

TEST_P(ParityBag, CancelBeforeTheFirstRunThenReadToTheEnd) {
    run([]<template <class> class B>(Of<B>) {
        Lives lives;
        std::atomic<int> ran{0};
        Pool pool{2};
        B<int> bag{pool};
        for (int i = 0; i < 5; ++i)
            bag.spawn(frond::SpawnOptions{.pinned = true}, [&ran, mortal = Mortal{lives}] {
                return ++ran;
            }); // on this thread: not before it waits
        EXPECT_EQ(bag.cancel(), 5U);
        EXPECT_EQ(bag.next(), std::nullopt);
        EXPECT_EQ(ran, 0);
        EXPECT_EQ(lives.alive(), 0);
        EXPECT_EQ(pool.free_count(), 2U);
    });
}

TEST_P(ParityBag, LeftByABreakNothingRunsAndNothingStartsAfterwards) {
    run([]<template <class> class B>(Of<B>) {
        Lives lives;
        Gauge gauge;
        Pool pool{3};
        {
            B<int> bag{pool};
            for (int i = 0; i < 100; ++i)
                bag.spawn([&gauge, i, mortal = Mortal{lives}] {
                    Gauge::Inside const inside{gauge};
                    if (i > 0) frond::sleep_for(1h);
                    return i;
                });
            for (int&& item : bag) {
                EXPECT_EQ(item, 0);
                break;
            }
        }
        EXPECT_EQ(gauge.inside(), 0U);
        EXPECT_EQ(lives.alive(), 0);
        auto const started = gauge.visits();
        EXPECT_LE(started, 4U); // the cap, and the one that ended
        frond::test::take_turns();
        EXPECT_EQ(gauge.visits(), started);
        EXPECT_EQ(pool.free_count(), 3U);
    });
}

TEST_P(ParityBag, DestroyedByAnExceptionCancelsAndAwaits) {
    run([]<template <class> class B>(Of<B>) {
        std::atomic<int> cleaned_up{0};
        struct CleanUp {
            std::atomic<int>& done;
            ~CleanUp() {
                frond::sleep_for(1ms); // clean-up may wait
                ++done;
            }
        };
        std::atomic<int> begun{0};
        try {
            B<int> bag;
            for (int i = 0; i < 5; ++i)
                bag.spawn([&]() -> int {
                    CleanUp const clean_up{cleaned_up};
                    ++begun;
                    frond::sleep_for(1h);
                    return 0;
                });
            yield_until([&] { return begun == 5; });
            throw std::runtime_error("out");
        } catch (std::runtime_error const&) {
            EXPECT_EQ(cleaned_up, 5);
        }
    });
}

TEST_P(ParityBag, SpawnFromATaskWhileFiveOthersReadIt) {
    run([]<template <class> class B>(Of<B>) {
        constexpr int children = 100;
        Pool pool{3};
        B<int> bag{pool};
        std::atomic<int> items{0};
        std::atomic<int> sum{0};
        bag.spawn([&bag] {
            for (int i = 1; i <= children; ++i) {
                bag.spawn([i] { return i; });
                if (i % 10 == 0) frond::yield();
            }
        });
        Group readers;
        for (int i = 0; i < 5; ++i)
            readers.spawn([&] {
                while (auto const item = bag.next()) {
                    ++items;
                    sum += *item;
                }
            });
        readers.join();
        EXPECT_EQ(items, children);
        EXPECT_EQ(sum, children * (children + 1) / 2);
    });
}

std::size_t resident_bytes() {
    std::size_t all = 0;
    std::size_t resident = 0;
    std::ifstream{"/proc/self/statm"} >> all >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

TEST_P(ParityBag, AMillionQueuedTasksCostBytesAndNoMoreThanTheLimitAreAlive) {
    run([]<template <class> class B>(Of<B>) {
        constexpr std::size_t limit = 100;
        auto const count = scaled(threads() == 0 ? 1'000'000 : 20'000);
        bool const full_scale = scaled(100) >= 100;
        Gauge gauge;
        Pool pool{limit};
        B<int> bag{pool};
        pool.resize(0); // nobody starts while it is measured
        auto const before = resident_bytes();
        for (std::size_t i = 0; i < count; ++i)
            bag.spawn([&gauge] {
                Gauge::Inside const inside{gauge};
                return 1;
            });
        auto const after = resident_bytes();
        auto const each = after > before ? (after - before) / count : 0;
        std::printf("%zu queued tasks of a bag: %zu bytes each\n", count, each);
        EXPECT_TRUE(!full_scale || each <= 320); // a stack each would be a hundred times that
        pool.resize(limit);
        std::size_t items = 0;
        while (bag.next()) ++items;
        EXPECT_EQ(items, count);
        EXPECT_EQ(gauge.visits(), count);
        EXPECT_LE(gauge.peak(), limit);
        EXPECT_LE(pool.stats().active_peak, limit);
    });
}

} // namespace
