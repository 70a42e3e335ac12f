// Reading a bag in a task of the pool whose slots the bag's tasks need: who lends, and what that costs the
// cap.

#include <frond/bag.hpp>

#include "support/bag_kinds.hpp"
#include "support/gate.hpp"
#include "support/gauge.hpp"

#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using frond::Group;
using frond::Pool;
using frond::Task;
using frond::test::Gate;
using frond::test::Gauge;
using frond::test::Of;
using frond::test::take_turns;
using frond::test::yield_until;

namespace {

class BagLending : public frond::test::BagsTest {
protected:
    /// Calls `body` with pools of several sizes, which in the end must never have been overdrawn.
    template <class F>
    static void run_in_pools(F const& body) {
        run([&body]<template <class> class B>(Of<B> of) {
            for (std::size_t const limit : {1U, 2U, 5U}) {
                SCOPED_TRACE("limit " + std::to_string(limit));
                Pool pool{limit};
                body(of, pool);
                pool.join();
                expect_kept(pool, limit);
            }
        });
    }
    static void expect_kept(Pool const& pool, std::size_t limit) {
        auto const stats = pool.stats();
        EXPECT_LE(stats.active_peak, limit);
        EXPECT_EQ(stats.overdraft_peak, 0U);
        EXPECT_EQ(stats.active, 0U);
        EXPECT_EQ(stats.live, 0U);
    }
};
INSTANTIATE_TEST_SUITE_P(Both, BagLending, frond::test::every_bag(), &frond::test::name_of_bag);

template <class AnyBag>
int sum_of(AnyBag& bag) {
    int sum = 0;
    for (int&& item : bag) sum += item;
    return sum;
}

TEST_P(BagLending, AMemberReadsWhatItSpawns) {
    run_in_pools([]<template <class> class B>(Of<B>, Pool& pool) {
        Gauge gauge;
        auto const member = pool.spawn([&] {
            B<int> bag{pool};
            for (int i = 0; i < 20; ++i)
                bag.spawn([&gauge, i] {
                    gauge.visit();
                    return i;
                });
            return sum_of(bag);
        });
        EXPECT_EQ(member.get(), 190);
        EXPECT_LE(gauge.peak(), pool.limit());
    });
}

TEST_P(BagLending, EveryMemberOfAFullPoolReads) {
    run_in_pools([]<template <class> class B>(Of<B>, Pool& pool) {
        std::vector<Task<int>> members;
        for (int m = 0; m < 8; ++m)
            members.push_back(pool.spawn([&pool] {
                B<int> bag{pool};
                for (int i = 0; i < 5; ++i)
                    bag.spawn([i] {
                        frond::yield();
                        return i;
                    });
                return sum_of(bag);
            }));
        for (auto const& member : members) EXPECT_EQ(member.get(), 10);
    });
}

TEST_P(BagLending, TasksReadBagsOfTheirOwnToAnyDepth) {
    run_in_pools([]<template <class> class B>(Of<B>, Pool& pool) {
        Gauge gauge;
        std::function<int(int)> const count = [&](int n) {
            gauge.visit();
            if (n == 0) return 1;
            B<int> bag{pool};
            for (int i = 0; i < 3; ++i) bag.spawn([&count, n] { return count(n - 1); });
            return sum_of(bag);
        };
        EXPECT_EQ(pool.run([&count] { return count(4); }), 81);
        EXPECT_LE(gauge.peak(), pool.limit());
    });
}

TEST_P(BagLending, TasksSpawnIntoTheBagThatAMemberReads) {
    run_in_pools([]<template <class> class B>(Of<B>, Pool& pool) {
        pool.run([&pool] {
            B<int> bag{pool};
            std::function<int(int)> const branch = [&](int n) {
                for (int i = 0; n > 0 && i < 2; ++i) bag.spawn([&branch, n] { return branch(n - 1); });
                frond::yield();
                return 1;
            };
            bag.spawn([&branch] { return branch(6); });
            EXPECT_EQ(sum_of(bag), 127);
        });
    });
}

TEST_P(BagLending, TheBufferMayHoldThemBack) {
    run_in_pools([]<template <class> class B>(Of<B>, Pool& pool) {
        std::function<int(int)> const count = [&](int n) {
            if (n == 0) return 1;
            B<int> bag{pool, {.buffer = 1, .window = 2}};
            for (int i = 0; i < 4; ++i) bag.spawn([&count, n] { return count(n - 1); });
            return sum_of(bag);
        };
        EXPECT_EQ(pool.run([&count] { return count(3); }), 64);
    });
}

TEST_P(BagLending, ErrorsAndEmptyTasksHandTheSlotBackToo) {
    run_in_pools([]<template <class> class B>(Of<B>, Pool& pool) {
        pool.run([&pool] {
            B<int> bag{pool};
            for (int i = 0; i < 12; ++i)
                bag.spawn([i]() -> std::optional<int> {
                    if (i % 3 == 0) throw std::runtime_error{"a third of them"};
                    return i % 3 == 1 ? std::optional{i} : std::nullopt;
                });
            int values = 0;
            int errors = 0;
            for (auto&& outcome : bag.outcomes()) ++(outcome ? values : errors);
            EXPECT_EQ(values, 4);
            EXPECT_EQ(errors, 4);
        });
    });
}

TEST_P(BagLending, ABagOfAnotherPoolWhoseTasksNeedASlotOfTheFirst) {
    run_in_pools([]<template <class> class B>(Of<B>, Pool& pool) {
        Pool other{1};
        auto const member = pool.spawn([&] {
            B<int> bag{other};
            for (int i = 0; i < 5; ++i) bag.spawn([&pool, i] { return pool.run([i] { return i; }); });
            return sum_of(bag);
        });
        EXPECT_EQ(member.get(), 10);
        EXPECT_EQ(other.stats().overdraft_peak, 0U);
    });
}

TEST_P(BagLending, ABagIntoWhichAnOutsiderSpawnsLater) {
    run([]<template <class> class B>(Of<B>) {
        Pool pool{1};
        Gate reading;
        B<int> bag{pool};
        auto const member = pool.spawn([&] {
            auto hold = bag.keep_open();
            Group outside;
            outside.spawn([&, hold = std::move(hold)] {
                reading.pass();
                bag.spawn([] { return 4; });
            });
            reading.open();
            return bag.next();
        });
        EXPECT_EQ(member.get(), 4);
        pool.join();
        EXPECT_EQ(pool.stats().active, 0U);
    });
}

TEST_P(BagLending, LeavingEarlyGivesEverySlotBack) {
    run([]<template <class> class B>(Of<B>) {
        for (std::size_t const limit : {1U, 3U}) {
            Pool pool{limit};
            pool.run([&pool] {
                B<int> bag{pool};
                for (int i = 0; i < 20; ++i)
                    bag.spawn([i] {
                        take_turns(i);
                        return i;
                    });
                for (int&& item : bag)
                    if (item >= 0) break;
            });
            EXPECT_EQ(pool.stats().active, 0U);
            EXPECT_EQ(pool.free_count(), limit);
        }
    });
}

TEST_P(BagLending, WhatIsPutInTheMiddleOverdrawsByItsReaderAtMost) {
    run([]<template <class> class B>(Of<B>) {
        for (std::size_t const limit : {1U, 2U}) {
            Pool pool{limit};
            pool.run([&pool] {
                B<int> bag{pool};
                for (int i = 0; i < 10; ++i)
                    bag.spawn([&bag, i] {
                        bag.put(i);
                        take_turns(3);
                        return i;
                    });
                EXPECT_EQ(sum_of(bag), 90);
            });
            EXPECT_LE(pool.stats().overdraft_peak, 1U);
            EXPECT_LE(pool.stats().active_peak, limit + 1);
            EXPECT_EQ(pool.stats().active, 0U);
        }
    });
}

TEST_P(BagLending, ADeadlineThatComesFirstOverdrawsByItsReader) {
    run([]<template <class> class B>(Of<B>) {
        Pool pool{1};
        pool.run([&pool] {
            Gate gate;
            B<int> bag{pool};
            bag.spawn([&gate] {
                gate.pass();
                return 1;
            });
            EXPECT_FALSE(bag.next_for(2ms));
            EXPECT_EQ(pool.stats().active, 2U);
            gate.open();
            EXPECT_EQ(bag.next(), 1);
        });
        EXPECT_EQ(pool.stats().overdraft_peak, 1U);
        EXPECT_EQ(pool.stats().active, 0U);
    });
}

TEST_P(BagLending, IsNotForBagsWithoutAPool) {
    run([]<template <class> class B>(Of<B>) {
        Pool pool{2};
        Gauge gauge;
        for (int m = 0; m < 8; ++m)
            pool.spawn([&gauge] {
                Gauge::Inside const inside{gauge};
                B<int> bag;
                for (int i = 0; i < 4; ++i)
                    bag.spawn([i] {
                        frond::yield();
                        return i;
                    });
                EXPECT_EQ(sum_of(bag), 6);
            });
        pool.join();
        EXPECT_LE(gauge.peak(), 2U);
        EXPECT_EQ(pool.stats().active_peak, 2U);
        EXPECT_EQ(pool.stats().overdraft_peak, 0U);
    });
}

TEST_P(BagLending, WhatAMemberWaitsForComesBeforeTheRestOfTheQueue) {
    run([]<template <class> class B>(Of<B>) {
        Pool pool{1};
        std::string trace; // one slot: nobody writes at the same time
        pool.run([&] {
            for (int i = 0; i < 5; ++i) pool.spawn([&trace] { trace += 'z'; });
            B<char> bag{pool};
            for (char c = 'a'; c < 'd'; ++c) bag.spawn([c] { return c; });
            for (char&& c : bag) trace += c;
        });
        pool.join();
        EXPECT_EQ(trace, "abczzzzz");
    });
}

TEST_P(BagLending, AnItemHandsItsSlotToTheReaderBeforeAnybodyIsAdmitted) {
    run([]<template <class> class B>(Of<B>) {
        Pool pool{1};
        std::string trace;
        pool.run([&] {
            pool.spawn([&trace] { trace += 'z'; });
            B<char> bag{pool};
            bag.spawn([&trace] {
                trace += 'b';
                return 'b';
            });
            EXPECT_EQ(bag.next(), 'b');
            trace += 'A';
            take_turns();
            trace += 'A';
        });
        pool.join();
        EXPECT_EQ(trace, "bAAz");
    });
}

TEST_P(BagLending, PlainThreadsMayReadWhatAPoolsTasksYield) {
    run([]<template <class> class B>(Of<B>) {
        Pool pool{2};
        B<int> bag{pool};
        std::atomic<int> sum{0};
        for (int i = 0; i < 50; ++i)
            bag.spawn([i] {
                frond::yield();
                return i;
            });
        std::atomic<int> over{0};
        std::vector<std::jthread> readers;
        for (int r = 0; r < 2; ++r)
            readers.emplace_back([&] {
                while (auto const item = bag.next()) sum += *item;
                ++over;
            });
        yield_until([&] { return over == 2; });
        EXPECT_EQ(sum, 1225);
        EXPECT_LE(pool.stats().active_peak, 2U);
        EXPECT_EQ(pool.stats().overdraft_peak, 0U);
    });
}

} // namespace
