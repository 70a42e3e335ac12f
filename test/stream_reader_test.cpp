// How streams are read: in loops, by turns, with little patience.

#include <frond/stream.hpp>

#include "support/gate.hpp"
#include "support/threads_test.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using frond::Group;
using frond::Pool;
using frond::Stream;
using frond::test::Gate;
using frond::test::yield_until;

namespace {

class StreamReader : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, StreamReader, testing::Values(0, 1, 2, 4));

int identity(int i) { return i; }

TEST_P(StreamReader, NextForThatEndsTooEarlyLosesNothing) {
    run([] {
        Gate gate;
        Pool pool{2};
        auto stream = pool.imap(std::views::iota(0, 3), [&gate](int i) { return gate.pass(), i; });
        EXPECT_EQ(stream.next_for(0ms), std::nullopt);
        EXPECT_EQ(stream.next_for(2ms), std::nullopt);
        EXPECT_EQ(stream.next_until(std::chrono::steady_clock::now() + 1ms), std::nullopt);
        EXPECT_FALSE(stream.outcomes().next_for(1ms));
        gate.open();
        EXPECT_EQ(stream.next_for(1h), 0);
        EXPECT_EQ(stream.next(), 1);
        EXPECT_EQ(stream.next_for(1h), 2);
        EXPECT_EQ(stream.next_for(1h), std::nullopt);
    });
}

TEST_P(StreamReader, ShortWaitsBesideQuickResultsLoseNothing) {
    run([] {
        Pool pool{3};
        auto stream = pool.imap(std::views::iota(0, 200), [](int i) {
            if (i % 5 == 0) frond::sleep_for(std::chrono::microseconds{i});
            return i;
        });
        for (int expected = 0; expected < 200;) {
            auto const result = stream.next_for(100us);
            ASSERT_TRUE(!result || *result == expected);
            if (result) ++expected;
        }
        EXPECT_EQ(stream.next(), std::nullopt);
    });
}

TEST_P(StreamReader, AReaderThatIsCancelledLosesNothing) {
    run([] {
        Gate gate;
        Pool pool{2};
        auto stream = pool.imap(std::views::iota(0, 3), [&gate](int i) { return gate.pass(), i; });
        Group readers;
        auto const reader = readers.spawn([&stream] { stream.next(); });
        yield_until([&] { return reader.state() == frond::TaskState::waiting; });
        EXPECT_TRUE(reader.cancel());
        EXPECT_THROW(frond::with_timeout(1ms, [&] { return stream.next(); }), frond::TimedOut);
        gate.open();
        for (int i = 0; i < 3; ++i) EXPECT_EQ(stream.next(), i);
    });
}

TEST_P(StreamReader, ANewLoopGoesOnWhereTheLastOneWasLeft) {
    run([] {
        Pool pool{2};
        auto stream = pool.imap(std::views::iota(0, 6), &identity);
        std::vector<int> seen;
        for (int&& each : stream) {
            seen.push_back(each);
            if (each == 2) break;
        }
        for (int&& each : stream) seen.push_back(each);
        EXPECT_EQ(seen, (std::vector{0, 1, 2, 3, 4, 5}));
    });
}

TEST_P(StreamReader, ASecondLoopWhileOneReadsIsRefused) {
    run([] {
        Pool pool{2};
        auto stream = pool.imap(std::views::iota(0, 6), &identity);
        {
            auto const reading = stream.begin();
            EXPECT_THROW(stream.begin(), std::logic_error);
            EXPECT_THROW(stream.outcomes().begin(), std::logic_error);
            EXPECT_EQ(*reading, 0);
        }
        EXPECT_EQ(*stream.begin(), 1);
    });
}

TEST_P(StreamReader, AnEmptyStreamIsAtItsEndAndHasNothingToLoopOver) {
    run([] {
        Stream<int> stream;
        EXPECT_EQ(stream.next(), std::nullopt);
        EXPECT_EQ(stream.next_for(1h), std::nullopt);
        EXPECT_EQ(stream.cancel(), 0U);
        stream.request_cancel();
        EXPECT_THROW(stream.begin(), std::logic_error);
        EXPECT_THROW(stream.outcomes(), std::logic_error);
        EXPECT_THROW(Stream<int>{}.outcomes(), std::logic_error);
    });
}

TEST_P(StreamReader, AMovedStreamGoesOnElsewhere) {
    run([] {
        Pool pool{2};
        auto first = pool.imap(std::views::iota(0, 6), &identity);
        EXPECT_EQ(first.next(), 0);
        Stream<int> second{std::move(first)};
        EXPECT_EQ(second.next(), 1);
        first = std::move(second);
        EXPECT_EQ(first.next(), 2);
        auto const in_a_task = pool.spawn([stream = std::move(first)]() mutable {
            int sum = 0;
            for (int&& each : stream) sum += each;
            return sum;
        });
        EXPECT_EQ(in_a_task.get(), 12);
    });
}

} // namespace
