// What another "run these, so many at a time" gets wrong, and what it gets right, with its numbers.

#include <frond/concurrent.hpp>

#include "support/gate.hpp"
#include "support/gauge.hpp"
#include "support/lives.hpp"
#include "support/threads_test.hpp"

#include <frond/cancel.hpp>
#include <frond/duration.hpp>
#include <frond/errors.hpp>
#include <frond/stream.hpp>
#include <frond/sync/event.hpp>
#include <frond/this_task.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::Clock;
using frond::concurrent;
using frond::ProviderError;
using frond::test::Gate;
using frond::test::Gauge;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::yield_until;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

namespace {

class ParityConcurrent : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, ParityConcurrent, testing::Values(0, 1, 2, 4));

using Call = std::function<int()>;
Call gives(int i) {
    return [i] { return i; };
}

template <class Stream>
std::vector<int> all_of(Stream stream) {
    std::vector<int> results;
    for (int&& result : stream) results.push_back(result);
    return results;
}

TEST_P(ParityConcurrent, TakesAnyRangeOfCallables) {
    run([] {
        std::vector<Call> const vector{gives(1), gives(2)};
        EXPECT_THAT(all_of(concurrent(vector)), UnorderedElementsAre(1, 2));
        EXPECT_THAT(all_of(concurrent(std::list<Call>{gives(1), gives(2)})), UnorderedElementsAre(1, 2));
        EXPECT_THAT(all_of(concurrent(std::array<int (*)(), 1>{[] { return 3; }})), ElementsAre(3));
        EXPECT_THAT(all_of(concurrent(std::views::iota(1, 4) | std::views::transform(gives))),
                    UnorderedElementsAre(1, 2, 3));
        EXPECT_THAT(all_of(concurrent(std::vector<Call>{})), ElementsAre());
    });
}

TEST_P(ParityConcurrent, TwentyNapsFiveAtATimeTakeTheTimeOfFour) {
    run([] {
        static constexpr auto nap = 20ms;
        Gauge gauge;
        std::vector<Call> const calls(20, [&gauge] {
            Gauge::Inside const inside{gauge};
            frond::sleep_for(nap);
            return 1;
        });
        auto const begin = Clock::now();
        EXPECT_EQ(all_of(concurrent(calls, {.limit = 5})).size(), 20U);
        auto const took = Clock::now() - begin;
        EXPECT_GE(took, 4 * nap);
        EXPECT_LT(took, 20 * nap);
        EXPECT_EQ(gauge.peak(), 5U);
    });
}

TEST_P(ParityConcurrent, ASlowConsumerHasNoMoreThanLimitAndBufferOutstanding) {
    run([] {
        for (auto const& [limit, buffer] : {std::pair{1U, 1U}, {3U, 2U}, {2U, 5U}}) {
            std::atomic<int> pulled{0};
            std::atomic<int> most{0};
            int read = 0;
            auto stream = concurrent(std::views::iota(0, 60) | std::views::transform([&](int i) {
                                         ++pulled;
                                         return gives(i);
                                     }),
                                     {.limit = limit, .buffer = buffer});
            int const bound = static_cast<int>(limit + buffer);
            for (;;) {
                for (int turn = 0; turn < 10; ++turn) frond::yield();
                if (pulled < 60) frond::sleep_for(100us);
                most = std::max(most.load(), pulled - read);
                if (!stream.next()) break;
                ++read;
            }
            EXPECT_EQ(read, 60);
            EXPECT_EQ(most, bound);
        }
    });
}

TEST_P(ParityConcurrent, AProviderThatBlocksHoldsUpNeitherResultsNorTheWayOut) {
    run([] {
        Lives lives;
        frond::Event never;
        std::atomic<bool> stopped{false};
        {
            auto stream =
                concurrent(std::views::iota(0) | std::views::transform([&, m = Mortal{lives}](int i) {
                               if (i == 3) {
                                   try {
                                       never.wait();
                                   } catch (Cancelled const&) {
                                       stopped = true;
                                       throw;
                                   }
                               }
                               return gives(i);
                           }),
                           {.limit = 8});
            std::vector<int> results;
            for (int&& result : stream) {
                results.push_back(result);
                if (results.size() == 3) break;
            }
            EXPECT_THAT(results, UnorderedElementsAre(0, 1, 2));
            EXPECT_EQ(stream.next_for(1ms), std::nullopt);
            yield_until([&] { return lives.born > 0; });
        }
        EXPECT_TRUE(stopped);
        EXPECT_EQ(lives.alive(), 0); // the input is gone, too
    });
}

TEST_P(ParityConcurrent, AProviderThatThrowsIsHeardAfterWhatItGaveAndNeverAsAnOutcome) {
    run([] {
        for (std::size_t const limit : {1U, 2U, 8U}) {
            auto const input = std::views::iota(0) | std::views::transform([](int i) {
                                   if (i == 5) throw std::out_of_range("five");
                                   return gives(i);
                               });
            auto stream = concurrent(input, {.limit = limit});
            int outcomes = 0;
            bool heard = false;
            try {
                for (auto&& outcome : stream.outcomes()) outcomes += outcome ? 1 : 100;
            } catch (ProviderError const& error) {
                heard = true;
                EXPECT_THROW(error.rethrow_nested(), std::out_of_range);
            }
            EXPECT_TRUE(heard);
            EXPECT_EQ(outcomes, 5);
            EXPECT_EQ(stream.next(), std::nullopt); // once
        }
    });
}

TEST_P(ParityConcurrent, ACallThatThrowsCancelledTakesNobodyWithIt) {
    run([] {
        std::vector<Call> const calls{gives(0), []() -> int { throw Cancelled{}; }, gives(2)};
        int values = 0;
        int cancelled = 0;
        for (auto&& outcome : concurrent(calls, {.limit = 1}).outcomes()) {
            if (outcome) {
                ++values;
                continue;
            }
            EXPECT_EQ(outcome.index(), 1U);
            EXPECT_THROW(outcome.value(), Cancelled);
            ++cancelled;
        }
        EXPECT_EQ(values, 2);
        EXPECT_EQ(cancelled, 1);
    });
}

// Theirs leaves everything running, and a second loop waits for ever.
TEST_P(ParityConcurrent, LeavingTheLoopStopsItAllAndNothingStartsAfterwards) {
    run([] {
        Lives lives;
        Gauge gauge;
        {
            auto stream = concurrent(std::views::iota(0) | std::views::transform([&](int i) {
                                         return Call{[&gauge, i, mortal = Mortal{lives}] {
                                             Gauge::Inside const inside{gauge};
                                             if (i % 4 != 0) frond::sleep_for(1h);
                                             return i;
                                         }};
                                     }),
                                     {.limit = 4, .buffer = 3});
            for (int&& result : stream) {
                EXPECT_EQ(result % 4, 0);
                EXPECT_THROW(stream.begin(), std::logic_error); // while one is at it
                break;
            }
            EXPECT_EQ(stream.begin() == stream.end(), false); // but afterwards
        }
        EXPECT_EQ(gauge.inside(), 0U);
        EXPECT_EQ(lives.alive(), 0);
        auto const started = gauge.visits();
        for (int turn = 0; turn < 50; ++turn) frond::yield();
        EXPECT_EQ(gauge.visits(), started);
    });
}

TEST_P(ParityConcurrent, AnErrorThatLeavesTheLoopCancelsAwaitsAndDestroysTheRest) {
    run([] {
        Lives lives;
        Gauge gauge;
        auto const one = [&](int i) {
            return Call{[&gauge, i, mortal = Mortal{lives}]() -> int {
                Gauge::Inside const inside{gauge};
                if (i == 3) throw std::runtime_error("three");
                if (i > 3) frond::sleep_for(1h);
                return i;
            }};
        };
        EXPECT_THROW(all_of(concurrent(std::views::iota(0) | std::views::transform(one), {.limit = 2})),
                     std::runtime_error);
        EXPECT_EQ(gauge.inside(), 0U);
        EXPECT_EQ(lives.alive(), 0);
    });
}

TEST_P(ParityConcurrent, IsReadOnAfterAnErrorAndAfterABreak) {
    run([] {
        std::vector<Call> const calls{gives(0), []() -> int { throw 1; }, gives(2), gives(3), gives(4)};
        auto stream = concurrent(calls, {.limit = 1});
        EXPECT_EQ(stream.next(), 0);
        EXPECT_THROW(stream.next(), int);
        for (int&& result : stream) {
            EXPECT_EQ(result, 2);
            break;
        }
        EXPECT_EQ(stream.next(), 3);
        EXPECT_EQ(stream.next(), 4);
        EXPECT_EQ(stream.next(), std::nullopt);
    });
}

TEST_P(ParityConcurrent, DestroyedByAnExceptionCancelsAndAwaits) {
    run([] {
        Gauge gauge;
        Gate begun;
        try {
            auto stream = concurrent(std::vector<Call>(5, [&] {
                Gauge::Inside const inside{gauge};
                begun.open();
                frond::sleep_for(1h);
                return 0;
            }));
            begun.pass();
            throw std::runtime_error("out");
        } catch (std::runtime_error const&) {
            EXPECT_EQ(gauge.inside(), 0U);
        }
    });
}

} // namespace
