#include <frond/concurrent.hpp>

#include "support/gate.hpp"
#include "support/gauge.hpp"
#include "support/lives.hpp"
#include "support/threads_test.hpp"
#include "support/what_of.hpp"

#include <frond/errors.hpp>
#include <frond/runtime.hpp>
#include <frond/stream.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

using namespace std::chrono_literals;
using frond::concurrent;
using frond::ProviderError;
using frond::test::Gate;
using frond::test::Gauge;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::what_is_thrown_by;
using frond::test::yield_until;

namespace {

using Call = std::function<int()>;
using Calls = std::vector<Call>;
static_assert(std::is_same_v<decltype(concurrent(std::declval<Calls>())), frond::Stream<int>>);

/// Long enough for whatever can start to have started.
void yield_often() {
    for (int i = 0; i < 100; ++i) frond::yield();
}

int fail() { throw std::runtime_error("failed"); }

/// Each gives its number.
Calls numbers(int count) {
    Calls calls;
    for (int i = 0; i < count; ++i) calls.emplace_back([i] { return i; });
    return calls;
}

class Concurrent : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, Concurrent, testing::Values(0, 1, 2, 4));

/// The parameters: where the error is in the input, and the limit.
class ConcurrentError : public testing::TestWithParam<std::tuple<std::size_t, std::size_t>> {
protected:
    static constexpr std::size_t calls_in_all = 24;
    std::size_t const at = std::get<0>(GetParam());
    std::size_t const limit = std::get<1>(GetParam());
    std::size_t const results_before = at - at % limit;

    /// How many results come before an error leaves the loop.
    std::size_t results_until_error(Calls calls, std::atomic<std::size_t>& read) const {
        auto const loop = [&] {
            for (int&& result : concurrent(std::move(calls), {.limit = limit}))
                read += static_cast<std::size_t>(result);
        };
        EXPECT_EQ(what_is_thrown_by(loop), "failed");
        return read;
    }
};
INSTANTIATE_TEST_SUITE_P(Places, ConcurrentError,
                         testing::Combine(testing::Values(0, 1, 2, 5, 6, 9, 10, 23),
                                          testing::Values(1, 2, 3, 5, 8, 30)));

TEST_P(ConcurrentError, ComesAfterTheFullRoundsBeforeIt) {
    auto const body = [this] {
        Calls calls;
        for (std::size_t i = 0; i < calls_in_all; ++i)
            calls.emplace_back(
                [is_bad = i == at] { // all take as long, but for the bad one, which takes no time
                    for (int turn = 0; turn < 20 && !is_bad; ++turn) frond::yield();
                    return is_bad ? fail() : 1;
                });
        std::atomic<std::size_t> read{0};
        EXPECT_EQ(results_until_error(std::move(calls), read), results_before);
    };
    body();
    frond::Runtime{{.threads = 1}}.run(body);
}

TEST_P(ConcurrentError, ComesAfterThemOnSeveralThreadsToo) {
    frond::Runtime{{.threads = 4}}.run([this] {
        std::atomic<std::size_t> read{0};
        std::atomic<bool> failed{false};
        Gauge gauge;
        Calls calls;
        for (std::size_t i = 0; i < calls_in_all; ++i)
            calls.emplace_back([&, i] {
                Gauge::Inside const inside{gauge};
                // Nobody is faster than the others of its round, and the next begins when it has been read.
                yield_until([&] { return read >= i - i % limit; });
                if (i == at) {
                    failed = true;
                    fail();
                }
                while (i / limit == at / limit) frond::yield(); // the error comes first, and ends this
                return 1;
            });
        EXPECT_EQ(results_until_error(std::move(calls), read), results_before);
        EXPECT_LE(gauge.peak(), limit);
        EXPECT_EQ(gauge.inside(), 0U);
        EXPECT_TRUE(failed);
    });
}

TEST_P(Concurrent, GivesEachResultOnceAndTellsWhoseItIs) {
    run([] {
        std::vector<int> seen(100);
        for (auto&& outcome : concurrent(numbers(100), {.limit = 7}).outcomes()) {
            EXPECT_EQ(static_cast<std::size_t>(*outcome), outcome.index());
            ++seen.at(outcome.index());
        }
        EXPECT_EQ(std::ranges::count(seen, 1), 100);
    });
}

TEST_P(Concurrent, GivesResultsAsTheyCome) {
    run([] {
        Gate gate;
        Calls calls;
        calls.emplace_back([&gate] {
            gate.pass();
            return 0;
        });
        for (int i = 1; i < 4; ++i) calls.emplace_back([i] { return i; });
        auto stream = concurrent(calls, {.limit = 2});
        int sum = 0;
        for (int i = 0; i < 3; ++i) sum += stream.next().value();
        EXPECT_EQ(sum, 6);
        gate.open();
        EXPECT_EQ(stream.next(), 0);
        EXPECT_EQ(stream.next(), std::nullopt);
    });
}

TEST_P(Concurrent, OfNothingIsAtItsEndAtOnce) {
    run([] { EXPECT_EQ(concurrent(Calls{}).next(), std::nullopt); });
}

TEST_P(Concurrent, HasALimitOfThirtyTwoOrFourMoreThanThereAreProcessors) {
    run([] {
        auto const expected = std::min<std::size_t>(32, std::thread::hardware_concurrency() + 4);
        Gauge gauge;
        Gate gate;
        Calls calls(50, [&] {
            Gauge::Inside const inside{gauge};
            gate.pass();
            return 1;
        });
        auto stream = concurrent(calls);
        yield_until([&] { return gauge.inside() >= expected; });
        yield_often();
        gate.open();
        while (stream.next()) {
        }
        EXPECT_EQ(gauge.peak(), expected);
    });
}

TEST_P(Concurrent, WithoutALimitRunsThemAllAtOnce) {
    run([] {
        Gauge gauge;
        Calls calls(100, [&gauge] {
            Gauge::Inside const inside{gauge};
            yield_until([&gauge] { return gauge.visits() == 100; });
            return 1;
        });
        auto stream = concurrent(calls, {.limit = frond::unlimited});
        while (stream.next()) {
        }
        EXPECT_EQ(gauge.peak(), 100U);
    });
}

TEST(ConcurrentOptions, RejectZerosAndNegativeNumbers) {
    EXPECT_THROW(concurrent(numbers(1), {.limit = 0}), std::invalid_argument);
    EXPECT_THROW(concurrent(numbers(1), {.buffer = 0}), std::invalid_argument);
    EXPECT_THROW(concurrent(numbers(1), {.limit = static_cast<std::size_t>(-1)}), std::invalid_argument);
}

TEST_P(Concurrent, PullsOnlyWhatCanRunAndHasAPlaceForItsResult) {
    run([] {
        std::atomic<std::size_t> pulled{0};
        auto endless = std::views::iota(0) | std::views::transform([&pulled](int i) {
                           ++pulled;
                           return [i] { return i; };
                       });
        auto stream = concurrent(endless, {.limit = 2, .buffer = 3});
        for (std::size_t read = 0; read < 10; ++read) {
            yield_until([&] { return pulled >= read + 5; });
            yield_often();
            EXPECT_EQ(pulled, read + 5);
            stream.next();
        }
    });
}

TEST_P(Concurrent, PullsNoMoreThanTheLimitWhileTheyRun) {
    run([] {
        std::atomic<std::size_t> pulled{0};
        Gate gate;
        auto endless = std::views::iota(0) | std::views::transform([&](int) {
                           ++pulled;
                           return [&gate] { gate.pass(); };
                       });
        auto stream = concurrent(endless, {.limit = 3, .buffer = 100});
        yield_until([&] { return pulled >= 3; });
        yield_often();
        EXPECT_EQ(pulled, 3U);
        gate.open();
    });
}

TEST_P(Concurrent, ItsInputMayWaitForItsElements) {
    run([] {
        Gate gate;
        auto slow = std::views::iota(0, 3) | std::views::transform([&gate](int i) {
                        if (i == 2) gate.pass();
                        return [i] { return i; };
                    });
        auto stream = concurrent(slow, {.limit = 1});
        EXPECT_EQ(stream.next(), 0);
        EXPECT_EQ(stream.next(), 1);
        EXPECT_EQ(stream.next_for(1ms), std::nullopt);
        gate.open();
        EXPECT_EQ(stream.next(), 2);
        EXPECT_EQ(stream.next(), std::nullopt);
    });
}

TEST_P(Concurrent, AnInputThatThrowsIsAProviderErrorAfterTheResultsBefore) {
    run([] {
        auto broken = std::views::iota(0) | std::views::transform([](int i) {
                          if (i == 3) throw std::out_of_range("input");
                          return [i] { return i; };
                      });
        auto stream = concurrent(broken, {.limit = 2});
        int results = 0;
        try {
            for (auto&& outcome : stream.outcomes()) results += outcome ? 1 : 100;
            FAIL() << "nothing was thrown";
        } catch (ProviderError const& e) {
            EXPECT_THROW(e.rethrow_nested(), std::out_of_range);
        }
        EXPECT_EQ(results, 3);
        EXPECT_EQ(stream.next(), std::nullopt);
    });
}

TEST_P(Concurrent, SomethingEmptyIsAnErrorInItsPlace) {
    run([] {
        Calls calls = numbers(3);
        calls[1] = nullptr;
        for (auto&& outcome : concurrent(calls, {.limit = 1}).outcomes()) {
            EXPECT_EQ(outcome.has_value(), outcome.index() != 1);
            if (!outcome) {
                EXPECT_THROW(outcome.value(), std::invalid_argument);
            }
        }
    });
}

TEST_P(Concurrent, AfterAnErrorItCanBeReadOn) {
    run([] {
        Calls calls = numbers(4);
        calls[1] = &fail;
        auto stream = concurrent(calls, {.limit = 1});
        EXPECT_EQ(stream.next(), 0);
        EXPECT_EQ(what_is_thrown_by([&] { stream.next(); }), "failed");
        int sum = 0;
        for (int&& result : stream) sum += result;
        EXPECT_EQ(sum, 5);
    });
}

TEST_P(Concurrent, WhatNeverRanIsDestroyedOnce) {
    run([] {
        Lives lives;
        std::atomic<int> ran{0};
        auto const call = [&ran, mortal = Mortal{lives}] { return ++ran; };
        {
            std::vector calls(50, call);
            for (int&& result : concurrent(std::move(calls), {.limit = 2, .buffer = 1})) {
                EXPECT_GE(result, 1);
                break;
            }
        }
        EXPECT_LE(ran, 4); // limit, buffer, and the place of what was read
        EXPECT_EQ(lives.alive(), 1);
    });
}

TEST_P(Concurrent, LeavingCancelsWhatRunsAndWaitsForIt) {
    run([] {
        Gauge gauge;
        std::atomic<bool> is_first{true};
        Calls calls(20, [&] {
            Gauge::Inside const inside{gauge};
            if (is_first.exchange(false)) return 1;
            frond::sleep_for(1h);
            return 2;
        });
        for (int&& result : concurrent(calls, {.limit = 3})) {
            EXPECT_EQ(result, 1);
            yield_until([&gauge] { return gauge.inside() > 0; });
            break;
        }
        auto const visits = gauge.visits();
        EXPECT_EQ(gauge.inside(), 0U);
        yield_often();
        EXPECT_EQ(gauge.visits(), visits);
        EXPECT_LE(visits, 4U);
    });
}

TEST_P(Concurrent, AnErrorThatLeavesTheLoopStopsTheRest) {
    run([] {
        Gauge gauge;
        Calls calls(20, [&gauge] {
            Gauge::Inside const inside{gauge};
            frond::sleep_for(1h);
            return 2;
        });
        calls[1] = &fail;
        auto const loop = [&calls] {
            for (int&& result : concurrent(calls, {.limit = 3})) EXPECT_EQ(result, 0);
        };
        EXPECT_EQ(what_is_thrown_by(loop), "failed");
        EXPECT_EQ(gauge.inside(), 0U);
        EXPECT_LE(gauge.visits(), 3U);
    });
}

TEST_P(Concurrent, AnythingThatCanBeCalledWillDo) {
    run([] {
        using Owner = std::unique_ptr<int>;
        auto const only_moves = [p = std::make_shared<int>(3)] { return std::make_unique<int>(*p); };
        for (Owner&& result : concurrent(std::vector{only_moves})) EXPECT_EQ(*result, 3);

        auto const with_token = [](std::stop_token const& token) { return token.stop_possible(); };
        EXPECT_TRUE(concurrent(std::vector{+with_token}).next().value());

        int value = 1;
        std::vector const reference{[&value]() -> int& { return value; }};
        EXPECT_EQ(&concurrent(reference).next()->get(), &value);

        auto nothing = concurrent(std::vector{[] {}});
        EXPECT_EQ(nothing.next(), std::monostate{});
        EXPECT_EQ(nothing.next(), std::nullopt);
    });
}

TEST_P(Concurrent, CallablesThatOnlyMoveAreTakenFromATemporary) {
    run([] {
        struct OnlyMoves {
            std::unique_ptr<int> value;
            int operator()() && { return *value; }
        };
        std::vector<OnlyMoves> calls;
        for (int i = 0; i < 3; ++i) calls.push_back(OnlyMoves{std::make_unique<int>(i)});
        int sum = 0;
        for (int&& result : concurrent(std::move(calls))) sum += result;
        EXPECT_EQ(sum, 3);
    });
}

} // namespace
