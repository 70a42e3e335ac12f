// How far streams run ahead of their reader, and how far they read ahead of their tasks.

#include <frond/group.hpp>

#include "support/gate.hpp"
#include "support/gauge.hpp"
#include "support/scale.hpp"
#include "support/threads_test.hpp"

#include <frond/pool.hpp>
#include <frond/stream.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using frond::Group;
using frond::Pool;
using frond::StreamOptions;
using frond::test::Gate;
using frond::test::Gauge;
using frond::test::scaled;
using frond::test::yield_until;

namespace {

class ImapLimits : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, ImapLimits, testing::Values(0, 1, 2, 4));

/// An input without end that counts how much of it was read.
class Numbers {
public:
    auto range() {
        return std::views::iota(0) | std::views::transform([this](int i) {
                   ++read_;
                   return i;
               });
    }
    std::size_t read() const { return read_; }
    /// Waits until so many are read, then long enough for one more if nothing forbids it.
    std::size_t read_at_rest(std::size_t expected) const {
        yield_until([&] { return read_ >= expected; });
        for (int turn = 0; turn < 200; ++turn) frond::yield();
        return read_;
    }

private:
    std::atomic<std::size_t> read_{0};
};

int identity(int i) { return i; }

TEST_P(ImapLimits, DefaultToThePoolsCapInFlightAndAsManyUnread) {
    run([] {
        Numbers ordered;
        Numbers unordered;
        Pool pool{3};
        auto const a = pool.imap(ordered.range(), &identity);
        EXPECT_EQ(ordered.read_at_rest(6), 6U);
        auto const b = pool.imap_unordered(unordered.range(), &identity);
        EXPECT_EQ(unordered.read_at_rest(6), 6U);
    });
}

TEST_P(ImapLimits, DefaultToTheProcessorsAndFourWithoutAPool) {
    run([] {
        std::size_t const limit = std::min<std::size_t>(32, std::thread::hardware_concurrency() + 4);
        Numbers numbers;
        Gauge gauge;
        Gate gate;
        Group group;
        auto const stream = group.imap(numbers.range(), [&](int i) {
            Gauge::Inside const inside{gauge};
            gate.pass();
            return i;
        });
        EXPECT_EQ(numbers.read_at_rest(limit), limit);
        yield_until([&] { return gauge.inside() >= limit; });
        gate.open();
        EXPECT_EQ(numbers.read_at_rest(2 * limit), 2 * limit);
    });
}

TEST_P(ImapLimits, OfAPoolThatIsResizedStayAsTheyWere) {
    run([] {
        Numbers numbers;
        Pool pool{2};
        auto const stream = pool.imap(numbers.range(), &identity);
        pool.resize(10);
        EXPECT_EQ(numbers.read_at_rest(4), 4U);
    });
}

struct Room {
    char const* name;
    StreamOptions options;
    std::size_t ordered;
    std::size_t unordered;
};

/// On a pool of 3.
std::vector<Room> const rooms{
    {"limit alone", {.limit = 2}, 4, 4},
    {"limit above the cap", {.limit = 8}, 16, 16},
    {"buffer alone", {.buffer = 1}, 4, 4},
    {"both", {.limit = 2, .buffer = 7}, 9, 9},
    {"limit 1", {.limit = 1, .buffer = 1}, 2, 2},
    {"a window below both", {.limit = 4, .buffer = 4, .window = 5}, 5, 8},
    {"a window of 1", {.limit = 4, .buffer = 4, .window = 1}, 1, 8},
    {"a window above both", {.limit = 1, .buffer = 2, .window = 9}, 3, 3},
    {"a window without a bound", {.limit = 1, .buffer = 2, .window = frond::unlimited}, 3, 3},
};

TEST_P(ImapLimits, EachKnobBoundsWhatIsReadAheadOfTheReader) {
    run([] {
        for (auto const& room : rooms) {
            SCOPED_TRACE(room.name);
            Numbers numbers;
            Pool pool{3};
            {
                auto const stream = pool.imap(numbers.range(), &identity, room.options);
                EXPECT_EQ(numbers.read_at_rest(room.ordered), room.ordered);
            }
            Numbers others;
            auto const stream = pool.imap_unordered(others.range(), &identity, room.options);
            EXPECT_EQ(others.read_at_rest(room.unordered), room.unordered);
        }
    });
}

TEST_P(ImapLimits, OneElementIsReadForEachResultTaken) {
    run([] {
        Numbers numbers;
        Pool pool{2};
        auto stream = pool.imap(numbers.range(), &identity, {.limit = 2, .buffer = 3});
        for (std::size_t taken = 0; taken < scaled(100); ++taken) {
            ASSERT_EQ(numbers.read_at_rest(taken + 5), taken + 5);
            ASSERT_EQ(stream.next(), static_cast<int>(taken));
        }
    });
}

TEST_P(ImapLimits, NoElementIsReadWhileAsManyAsTheLimitRun) {
    run([] {
        Gate gate;
        Numbers numbers;
        Pool pool{8};
        auto stream = pool.imap_unordered(numbers.range(), [&gate](int i) { return gate.pass(), i; },
                                          {.limit = 3, .buffer = 20});
        EXPECT_EQ(numbers.read_at_rest(3), 3U);
        gate.open();
        EXPECT_EQ(numbers.read_at_rest(23), 23U);
    });
}

TEST_P(ImapLimits, TheLimitBoundsWhatRunsWhereThePoolWouldAdmitMore) {
    run([] {
        Gauge gauge;
        Pool pool{8};
        auto stream = pool.imap(std::views::iota(0, static_cast<int>(scaled(200))),
                                [&gauge](int i) { return gauge.visit(), i; }, {.limit = 3, .buffer = 50});
        while (stream.next()) {
        }
        EXPECT_LE(gauge.peak(), 3U);
        EXPECT_LE(pool.stats().active_peak, 3U);
    });
}

TEST_P(ImapLimits, QueuedTasksCountAgainstTheLimit) {
    run([] {
        Gate gate;
        Numbers numbers;
        Pool pool{1};
        auto const holder = pool.spawn([&gate] { gate.pass(); });
        auto const stream = pool.imap(numbers.range(), &identity, {.limit = 4, .buffer = 4});
        EXPECT_EQ(numbers.read_at_rest(4), 4U);
        yield_until([&] { return pool.stats().pending >= 4; });
        gate.open();
        EXPECT_EQ(numbers.read_at_rest(8), 8U);
    });
}

TEST_P(ImapLimits, ASlowHeadHoldsTheOrderedWindowButNotTheUnorderedOne) {
    run([] {
        Gate head;
        auto const slow_head = [&head](int i) {
            if (i == 0) head.pass();
            return i;
        };
        Numbers ordered;
        Numbers unordered;
        Pool pool{4};
        auto a = pool.imap(ordered.range(), slow_head, {.limit = 2, .buffer = 6, .window = 5});
        auto b = pool.imap_unordered(unordered.range(), slow_head, {.limit = 2, .buffer = 6, .window = 5});
        EXPECT_EQ(ordered.read_at_rest(5), 5U);
        for (int i = 1; i < 100; ++i) EXPECT_EQ(b.next(), i);
        EXPECT_EQ(ordered.read(), 5U);
        head.open();
        EXPECT_EQ(a.next(), 0);
    });
}

TEST_P(ImapLimits, WhatRunsAndWhatIsUnreadStayWithinLimitAndBufferAtEveryMoment) {
    run([] {
        constexpr std::size_t limit = 3;
        constexpr std::size_t buffer = 4;
        std::atomic<std::size_t> taken{0};
        std::atomic<std::size_t> started{0};
        std::atomic<std::size_t> most{0};
        Pool pool{2};
        auto stream = pool.imap_unordered(
            std::views::iota(0, static_cast<int>(scaled(1'000))),
            [&](int i) {
                auto const ahead = ++started - taken;
                for (auto peak = most.load(); peak < ahead && !most.compare_exchange_weak(peak, ahead);) {
                }
                for (int turn = i % 4; turn > 0; --turn) frond::yield();
                return i;
            },
            {.limit = limit, .buffer = buffer});
        for (std::size_t i = 0; stream.next(); ++i) {
            ++taken;
            for (auto turn = i * 5 % 7; turn > 0; --turn) frond::yield(); // a reader of changing speed
        }
        EXPECT_LE(most, limit + buffer + 1); // and the one that is taken and not counted yet
    });
}

TEST_P(ImapLimits, OneOfOneRunsTheElementsOneByOne) {
    run([] {
        Gauge gauge;
        Group group;
        auto stream = group.imap(std::views::iota(0, 50), [&gauge](int i) { return gauge.visit(), i; },
                                 {.limit = 1, .buffer = 1});
        for (int i = 0; i < 50; ++i) EXPECT_EQ(stream.next(), i);
        EXPECT_EQ(gauge.peak(), 1U);
    });
}

TEST_P(ImapLimits, WithoutABoundInputsWithoutAnEndStillLeaveTheReaderItsTurn) {
    run([] {
        Group group;
        auto stream = group.imap(std::views::iota(0), &identity,
                                 {.limit = frond::unlimited, .buffer = frond::unlimited});
        for (int i = 0; i < 100; ++i) ASSERT_EQ(stream.next(), i);
    });
}

TEST_P(ImapLimits, AnUnlimitedPoolTakesAllOfAFiniteInput) {
    run([] {
        Gauge gauge;
        Pool pool{frond::unlimited};
        auto stream = pool.imap(std::views::iota(0, 500), [&gauge](int i) {
            Gauge::Inside const inside{gauge};
            yield_until([&] { return gauge.peak() == 500; });
            return i;
        });
        for (int i = 0; i < 500; ++i) ASSERT_EQ(stream.next(), i);
    });
}

TEST_P(ImapLimits, ZerosAndNegativeNumbersAreRefused) {
    run([] {
        Pool pool{2};
        Group unbound;
        for (long const wrong : {0L, -1L, -3L}) {
            auto const n = static_cast<std::size_t>(wrong);
            for (StreamOptions const options :
                 {StreamOptions{.limit = n}, StreamOptions{.buffer = n}, StreamOptions{.window = n}}) {
                Numbers numbers;
                EXPECT_THROW(pool.imap(numbers.range(), &identity, options), std::invalid_argument);
                EXPECT_THROW(pool.imap_unordered(numbers.range(), &identity, options), std::invalid_argument);
                EXPECT_THROW(unbound.imap(numbers.range(), &identity, options), std::invalid_argument);
                EXPECT_EQ(numbers.read(), 0U);
            }
        }
        EXPECT_EQ(pool.stats().live, 0U);
    });
}

} // namespace
