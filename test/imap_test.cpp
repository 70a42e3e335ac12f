#include <frond/group.hpp>

#include "support/gate.hpp"
#include "support/gauge.hpp"
#include "support/other_thread.hpp"
#include "support/scale.hpp"
#include "support/threads_test.hpp"
#include "support/unhandled_errors.hpp"
#include "support/what_of.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/outcome.hpp>
#include <frond/pool.hpp>
#include <frond/stream.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::Closed;
using frond::Group;
using frond::Outcome;
using frond::Pool;
using frond::Stream;
using frond::test::Gate;
using frond::test::Gauge;
using frond::test::on_other_thread;
using frond::test::scaled;
using frond::test::yield_until;

namespace {

class Imap : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, Imap, testing::Values(0, 1, 2, 4));

int identity(int i) { return i; }

template <class T>
std::vector<T> read_all(Stream<T>& stream) {
    std::vector<T> results;
    while (auto result = stream.next()) results.push_back(*std::move(result));
    return results;
}

TEST_P(Imap, YieldsInInputOrderWhenTasksFinishBackwards) {
    run([] {
        std::atomic<int> ended{0};
        Pool pool{4};
        auto stream = pool.imap(std::views::iota(0, 4), [&ended](int i) {
            yield_until([&] { return ended == 3 - i; });
            ++ended;
            return i;
        });
        EXPECT_EQ(read_all(stream), (std::vector{0, 1, 2, 3}));
    });
}

TEST_P(Imap, UnorderedYieldsAsTasksFinish) {
    run([] {
        std::array<Gate, 4> may_end;
        Pool pool{4};
        auto stream = pool.imap_unordered(std::views::iota(0, 4), [&may_end](int i) {
            may_end.at(static_cast<std::size_t>(i)).pass();
            return i;
        });
        for (std::size_t const i : {2U, 0U, 3U, 1U}) {
            may_end.at(i).open();
            EXPECT_EQ(stream.next(), static_cast<int>(i));
        }
        EXPECT_EQ(stream.next(), std::nullopt);
    });
}

TEST_P(Imap, StartsWithoutAReader) {
    run([] {
        std::atomic<int> calls{0};
        Pool pool{2};
        auto const stream = pool.imap(std::views::iota(0, 3), [&calls](int i) { return ++calls, i; });
        yield_until([&] { return calls == 3; });
    });
}

TEST_P(Imap, SharesOneCallableAmongAllElements) {
    run([] {
        auto const calls = std::make_shared<std::atomic<int>>(0);
        Pool pool{2};
        auto stream = pool.imap(std::views::iota(0, 10), [calls, many = std::make_unique<int>(2)](int i) {
            ++*calls;
            return *many * i;
        });
        EXPECT_EQ(read_all(stream).back(), 18);
        EXPECT_EQ(*calls, 10);
    });
}

TEST_P(Imap, YieldsMonostateForCallsThatReturnNothing) {
    run([] {
        std::atomic<int> calls{0};
        Pool pool{2};
        auto stream = pool.imap(std::views::iota(0, 5), [&calls](int) { ++calls; });
        static_assert(std::is_same_v<decltype(stream)::value_type, std::monostate>);
        int results = 0;
        for ([[maybe_unused]] std::monostate&& each : stream) ++results;
        EXPECT_EQ(results, 5);
        EXPECT_EQ(calls, 5);
    });
}

TEST_P(Imap, YieldsReferencesAsWrappers) {
    run([] {
        std::vector<int> cells{1, 2, 3};
        Pool pool{2};
        auto stream = pool.imap(std::views::iota(std::size_t{0}, cells.size()),
                                [&cells](std::size_t i) -> int& { return cells.at(i); });
        for (std::reference_wrapper<int>&& cell : stream) cell.get() *= 10;
        EXPECT_EQ(cells, (std::vector{10, 20, 30}));
    });
}

TEST_P(Imap, YieldsResultsThatCanOnlyBeMoved) {
    run([] {
        Pool pool{2};
        auto stream = pool.imap(std::views::iota(0, 3), [](int i) { return std::make_unique<int>(i); });
        auto const results = read_all(stream);
        ASSERT_EQ(results.size(), 3U);
        EXPECT_EQ(*results.at(2), 2);
    });
}

TEST_P(Imap, YieldsOptionalsAsTheyAre) {
    run([] {
        Pool pool{2};
        auto stream =
            pool.imap(std::views::iota(0, 3), [](int i) { return i == 1 ? std::nullopt : std::optional{i}; });
        EXPECT_EQ(read_all(stream), (std::vector<std::optional<int>>{0, std::nullopt, 2}));
    });
}

TEST_P(Imap, ATaskThatEndsCancelledIsAnOutcomeOfItsOwn) {
    run([] {
        Pool pool{2};
        auto stream = pool.imap(std::views::iota(0, 3), [](int i) {
            if (i == 1) throw Cancelled{"not this one"};
            return i;
        });
        EXPECT_EQ(stream.next(), 0);
        try {
            stream.next();
            ADD_FAILURE() << "nothing was thrown";
        } catch (Cancelled const& c) {
            EXPECT_EQ(c.reason(), "not this one");
        }
        EXPECT_EQ(stream.next(), 2);
        EXPECT_EQ(stream.next(), std::nullopt);
    });
}

TEST_P(Imap, OutcomesOfATemporaryStreamHoldIt) {
    run([] {
        Pool pool{2};
        std::size_t seen = 0;
        for (Outcome<int>&& outcome : pool.imap(std::views::iota(0, 5), &identity).outcomes())
            EXPECT_EQ(*outcome, static_cast<int>(seen++));
        EXPECT_EQ(seen, 5U);
    });
}

TEST_P(Imap, UnboundRunsAsManyAsItsLimit) {
    run([] {
        Gauge gauge;
        Group group;
        auto stream = group.imap(std::views::iota(0, 100),
                                 [&gauge](int i) {
                                     Gauge::Inside const inside{gauge};
                                     yield_until([&] { return gauge.peak() == 5; });
                                     return i;
                                 },
                                 {.limit = 5});
        EXPECT_EQ(read_all(stream).size(), 100U);
        EXPECT_EQ(gauge.peak(), 5U);
    });
}

TEST_P(Imap, BoundToAPoolKeepsItsCapWhateverItsLimit) {
    run([] {
        Gauge gauge;
        Pool pool{2};
        Group group{pool};
        auto stream =
            group.imap(std::views::iota(0, 100), [&gauge](int i) { return gauge.visit(), i; }, {.limit = 20});
        EXPECT_EQ(read_all(stream).size(), 100U);
        EXPECT_LE(gauge.peak(), 2U);
        EXPECT_EQ(pool.stats().active_peak, 2U);
        EXPECT_EQ(pool.stats().admitted, 100U); // reading the input takes no slot
    });
}

TEST_P(Imap, OwnsItsTasksThatAPoolsJoinDoesNotAwait) {
    run([] {
        Gate gate;
        Pool pool{2};
        auto stream = pool.imap(std::vector{1}, [&gate](int i) { return gate.pass(), i; });
        yield_until([&] { return pool.stats().active == 1; });
        EXPECT_TRUE(pool.empty());
        pool.join();
        EXPECT_EQ(pool.stats().active, 1U);
        gate.open();
        EXPECT_EQ(stream.next(), 1);
        EXPECT_EQ(stream.next(), std::nullopt);
        EXPECT_EQ(pool.stats().live, 0U);
        EXPECT_EQ(pool.free_count(), 2U);
    });
}

TEST_P(Imap, ATasksErrorIsNoneOfItsPool) {
    run([] {
        Pool pool{2};
        auto stream = pool.imap(std::vector{1}, [](int) { throw std::runtime_error("mine"); });
        EXPECT_THROW(stream.next(), std::runtime_error);
        EXPECT_NO_THROW(pool.join());
        EXPECT_TRUE(pool.errors().empty());
    });
}

TEST_P(Imap, StreamsOfStreamsInAFullPoolKeepTheCapAndNeverOverdraw) {
    for (std::size_t const cap : {1U, 2U}) {
        run([cap] {
            Gauge gauge;
            Pool pool{cap};
            std::function<int(int)> const count = [&](int depth) {
                if (depth == 0) return gauge.visit(), 1;
                int leaves = 0;
                auto children =
                    std::views::iota(0, 3) | std::views::transform([=](int) { return depth - 1; });
                for (int&& each : pool.imap(children, std::cref(count))) leaves += each;
                for (int&& each : pool.imap_unordered(children, std::cref(count))) leaves += each;
                return leaves;
            };
            EXPECT_EQ(pool.run([&] { return count(3); }), 216);
            EXPECT_LE(gauge.peak(), cap);
            EXPECT_LE(pool.stats().active_peak, cap);
            EXPECT_EQ(pool.stats().overdraft_peak, 0U);
        });
    }
}

TEST_P(Imap, CanBeReadByATaskOfItsPoolWhileOthersAreQueuedInFront) {
    run([] {
        Pool pool{1};
        int sum = 0;
        std::atomic<int> others{0};
        auto const reader = pool.spawn([&] {
            for (int i = 0; i < 5; ++i) pool.spawn([&others] { ++others; });
            for (int&& each : pool.imap(std::views::iota(1, 11), &identity)) sum += each;
        });
        pool.join();
        EXPECT_EQ(sum, 55);
        EXPECT_EQ(others, 5);
        EXPECT_EQ(pool.stats().active_peak, 1U);
    });
}

TEST_P(Imap, CanBeMadeAndReadOnAPlainThread) {
    run([] {
        auto const n = static_cast<int>(scaled(300));
        Gauge gauge;
        Pool pool{2};
        auto const results = on_other_thread([&] {
            auto stream = pool.imap(std::views::iota(0, n), [&gauge](int i) { return gauge.visit(), i; });
            return read_all(stream);
        });
        EXPECT_EQ(results.size(), static_cast<std::size_t>(n));
        EXPECT_TRUE(std::ranges::is_sorted(results));
        EXPECT_LE(gauge.peak(), 2U);
        auto const left_early = on_other_thread([&] {
            return *pool.imap_unordered(std::views::iota(0), [&](int i) { return gauge.visit(), i; }).next();
        });
        EXPECT_GE(left_early, 0);
        EXPECT_EQ(gauge.inside(), 0U);
    });
}

TEST_P(Imap, CanBeReadOnAnotherThreadThanItWasMadeOn) {
    run([] {
        Pool pool{2};
        auto stream = pool.imap(std::views::iota(0, 50), &identity);
        auto const taken = on_other_thread([&] { return stream.next(); });
        EXPECT_EQ(taken, 0);
        EXPECT_EQ(read_all(stream).size(), 49U);
    });
}

TEST_P(Imap, EndsWithClosedAfterItsResultsWhenThePoolIsClosed) {
    run([] {
        Gate gate;
        Pool pool{2};
        auto stream = pool.imap(std::views::iota(0), [&gate](int i) { return gate.pass(), i; },
                                {.limit = 2, .buffer = 2});
        yield_until([&] { return pool.stats().active == 2; });
        pool.close();
        gate.open();
        EXPECT_EQ(stream.next(), 0);
        EXPECT_EQ(stream.next(), 1);
        EXPECT_THROW(while (stream.next()){}, Closed);
        EXPECT_EQ(stream.next(), std::nullopt);
        EXPECT_THROW(pool.imap(std::vector{1}, &identity), Closed);
    });
}

TEST_P(Imap, ErrorsThatNobodyReadGoToTheHandlerInOneReport) {
    run([] {
        frond::test::UnhandledErrors unhandled;
        std::atomic<int> failed{0};
        Pool pool{3};
        {
            auto const stream = pool.imap(std::views::iota(0, 3), [&failed](int i) -> int {
                ++failed;
                throw std::runtime_error(std::to_string(i));
            });
            yield_until([&] { return failed == 3 && pool.stats().active == 0; });
        }
        auto const seen = unhandled.seen();
        ASSERT_EQ(seen.size(), 1U);
        EXPECT_EQ(frond::test::what_of(seen.at(0).error), "0");
        EXPECT_EQ(seen.at(0).more, 2U);
    });
}

TEST_P(Imap, ReadErrorsAreNotReportedAgain) {
    run([] {
        frond::test::UnhandledErrors unhandled;
        Pool pool{3};
        {
            auto stream = pool.imap(std::vector{1, 2}, [](int) -> int { throw std::runtime_error("read"); });
            EXPECT_THROW(stream.next(), std::runtime_error);
            EXPECT_TRUE(stream.outcomes().next()->error());
            EXPECT_EQ(stream.next(), std::nullopt);
        }
        EXPECT_TRUE(unhandled.seen().empty());
    });
}

TEST_P(Imap, AnEmptyFunctionIsRefusedAtOnce) {
    run([] {
        Pool pool{2};
        std::function<int(int)> const nothing;
        EXPECT_THROW(pool.imap(std::vector{1}, nothing), std::invalid_argument);
        EXPECT_THROW(pool.imap_unordered(std::vector{1}, nothing), std::invalid_argument);
        EXPECT_EQ(pool.stats().live, 0U);
    });
}

} // namespace
