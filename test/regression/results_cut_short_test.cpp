// Results that are lost say so, and those that nobody can read any more are destroyed.

#include "support/gate.hpp"
#include "support/lives.hpp"
#include "support/unhandled_errors.hpp"
#include "support/what_of.hpp"

#include <frond/frond.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <ranges>
#include <stdexcept>

namespace frond::test {
namespace {

using namespace std::chrono_literals;

// `map` gave a vector that was too short, and no error.
TEST(ResultsCutShort, OfAMapWhosePoolIsShutDownEndInCancelled) {
    Pool pool{2};
    Group group;
    int begun = 0;
    auto const mapping = group.spawn([&] {
        return pool
            .map(std::views::iota(0, 100),
                 [&begun](int i) {
                     if (++begun > 10) sleep_for(1h);
                     return i;
                 })
            .size();
    });
    yield_until([&] { return begun == 12; });
    EXPECT_FALSE(pool.shutdown(0s));
    EXPECT_THROW(mapping.get(), Cancelled);
}

TEST(ResultsCutShort, OfAStreamWhoseInputWaitsEndInCancelled) {
    Pool pool{2};
    Event never;
    auto input = std::views::iota(0) | std::views::transform([&never](int i) {
                     if (i == 3) never.wait();
                     return i;
                 });
    auto stream = pool.imap(input, [](int i) { return i; });
    for (int i = 0; i < 3; ++i) EXPECT_EQ(stream.next(), i);
    EXPECT_FALSE(pool.shutdown(0s));
    EXPECT_THROW(stream.next(), Cancelled);
    EXPECT_FALSE(stream.next());
}

TEST(ResultsCutShort, ByTheReaderEndWithoutAWord) {
    Pool pool{2};
    auto stream = pool.imap(std::views::iota(0), [](int i) { return i; });
    EXPECT_EQ(stream.next(), 0);
    stream.cancel();
    while (stream.next()) {
    }
    EXPECT_FALSE(stream.next());
}

TEST(ResultsCutShort, ByAnInputWhoseErrorNobodyReadsAreReported) {
    UnhandledErrors const unhandled;
    {
        auto const input = std::views::iota(0) | std::views::transform([](int i) {
                               if (i == 2) throw std::runtime_error{"no more"};
                               return i;
                           });
        Group group;
        auto stream = group.imap(input, [](int i) { return i; });
        EXPECT_EQ(stream.next(), 0);
        EXPECT_EQ(stream.next(), 1);
    }
    ASSERT_EQ(unhandled.seen().size(), 1U);
    EXPECT_EQ(what_of(unhandled.seen()[0].error), "frond: the input of a stream failed: no more");
}

// The task had returned before a destructor's wait was cut short: it failed, and its result lived for ever.
TEST(ResultsCutShort, OfATaskThatTimesOutInADestructorIsDestroyed) {
    Lives lives;
    {
        Group group;
        auto const task = group.spawn({.timeout = 1ms}, [&lives] {
            Mortal result{lives};
            Group inner;
            inner.spawn([] { sleep_for(1h); });
            return result;
        });
        EXPECT_THROW(task.get(), TimedOut);
        Bag<Mortal> bag;
        bag.spawn({.timeout = 1ms}, [&lives] {
            Mortal result{lives};
            Group inner;
            inner.spawn([] { sleep_for(1h); });
            return result;
        });
        EXPECT_THROW(bag.next(), TimedOut);
    }
    EXPECT_EQ(lives.alive(), 0);
}

} // namespace
} // namespace frond::test
