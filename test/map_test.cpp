#include <frond/group.hpp>

#include "support/gate.hpp"
#include "support/gauge.hpp"
#include "support/generated.hpp"
#include "support/lives.hpp"
#include "support/threads_test.hpp"
#include "support/unhandled_errors.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/outcome.hpp>
#include <frond/pool.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::Group;
using frond::Outcome;
using frond::Pool;
using frond::ProviderError;
using frond::TaskState;
using frond::test::Gate;
using frond::test::Gauge;
using frond::test::Generated;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::yield_until;

namespace {

class Map : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, Map, testing::Values(0, 1, 2, 4));

int identity(int i) { return i; }

auto failing_at(int k) {
    return std::views::iota(0) | std::views::transform([k](int i) {
               if (i == k) throw std::out_of_range("no more");
               return i;
           });
}

TEST_P(Map, GivesTheResultsInInputOrder) {
    run([] {
        std::atomic<int> ended{0};
        Pool pool{4};
        auto const results = pool.map(std::views::iota(0, 4), [&ended](int i) {
            yield_until([&] { return ended == 3 - i; });
            ++ended;
            return 10 * i;
        });
        EXPECT_EQ(results, (std::vector{0, 10, 20, 30}));
        EXPECT_EQ(Group{}.map(std::views::iota(0, 4), &identity), (std::vector{0, 1, 2, 3}));
    });
}

TEST_P(Map, OfNothingIsEmpty) {
    run([] {
        Pool pool{2};
        std::vector<int> const nothing;
        EXPECT_TRUE(pool.map(nothing, &identity).empty());
        EXPECT_TRUE(pool.map_outcomes(nothing, &identity).empty());
        EXPECT_TRUE(pool.map_tasks(nothing, &identity).empty());
        EXPECT_NO_THROW(pool.map(nothing, [](int) {}));
    });
}

TEST_P(Map, OfCallsThatReturnNothingReturnsNothing) {
    run([] {
        std::atomic<int> sum{0};
        Pool pool{2};
        auto const add = [&sum](int i) { sum += i; };
        static_assert(std::is_void_v<decltype(pool.map(std::views::iota(0, 5), add))>);
        pool.map(std::views::iota(0, 5), add);
        EXPECT_EQ(sum, 10);
        EXPECT_THROW(pool.map(std::views::iota(0, 5),
                              [](int i) {
                                  if (i == 3) throw i;
                              }),
                     int);
    });
}

TEST_P(Map, TakesAndGivesWhatCanOnlyBeMoved) {
    run([] {
        std::vector<std::unique_ptr<int>> input;
        input.reserve(3);
        for (int i = 0; i < 3; ++i) input.push_back(std::make_unique<int>(i));
        Pool pool{2};
        auto const results =
            pool.map(std::move(input), [](std::unique_ptr<int> p) { return ++*p, std::move(p); });
        ASSERT_EQ(results.size(), 3U);
        EXPECT_EQ(*results.at(2), 3);
    });
}

TEST_P(Map, GivesReferencesAsWrappersAndUnpacksTuples) {
    run([] {
        std::vector<int> cells{1, 2};
        Pool pool{2};
        std::vector<std::pair<std::size_t, int>> const places{{0, 5}, {1, 6}};
        auto const results =
            pool.map(places, [&cells](std::size_t i, int add) -> int& { return cells.at(i) += add; });
        EXPECT_EQ(&results.at(1).get(), &cells.at(1));
        EXPECT_EQ(cells, (std::vector{6, 8}));
    });
}

TEST_P(Map, KeepsTheCap) {
    run([] {
        Gauge gauge;
        Pool pool{3};
        pool.map(std::views::iota(0, 50), [&gauge](int) { gauge.visit(); });
        EXPECT_EQ(gauge.visits(), 50U);
        EXPECT_LE(gauge.peak(), 3U);
    });
}

TEST_P(Map, NestsInAFullPool) {
    for (std::size_t const cap : {1U, 2U}) {
        run([cap] {
            Gauge gauge;
            Pool pool{cap};
            auto const row = [&](int y) {
                int sum = 0;
                for (int const each :
                     pool.map(std::views::iota(0, 5), [&](int x) { return gauge.visit(), x * y; }))
                    sum += each;
                return sum;
            };
            EXPECT_EQ(pool.run([&] { return pool.map(std::views::iota(0, 5), row); }),
                      (std::vector{0, 10, 20, 30, 40}));
            EXPECT_LE(gauge.peak(), cap);
            EXPECT_LE(pool.stats().active_peak, cap);
            EXPECT_EQ(pool.stats().overdraft_peak, 0U);
        });
    }
}

TEST_P(Map, ThrowsTheFirstErrorInOrderOnceTheRestWasCancelledAndHasEnded) {
    run([] {
        frond::test::UnhandledErrors unhandled;
        Gauge gauge;
        Lives lives;
        Pool pool{4};
        auto const fail_at_2 = [&, mortal = Mortal{lives}](int i) {
            Gauge::Inside const inside{gauge};
            if (i == 2) throw std::runtime_error("two");
            if (i > 2) frond::sleep_for(1h);
            return i;
        };
        try {
            pool.map(std::views::iota(0, 50), fail_at_2);
            ADD_FAILURE() << "no error";
        } catch (std::runtime_error const& e) {
            EXPECT_STREQ(e.what(), "two");
        }
        EXPECT_EQ(gauge.inside(), 0U);
        EXPECT_EQ(lives.alive(), 1);
        EXPECT_EQ(pool.stats().live, 0U);
        EXPECT_NO_THROW(pool.join());
        EXPECT_TRUE(unhandled.seen().empty());
    });
}

TEST_P(Map, ErrorsBeyondTheOneItThrowsAreReported) {
    run([] {
        frond::test::UnhandledErrors unhandled;
        std::atomic<int> failed{0};
        Pool pool{3};
        EXPECT_THROW(pool.map(std::views::iota(0, 3),
                              [&failed](int i) {
                                  if (++failed; i == 0) yield_until([&] { return failed == 3; });
                                  throw std::runtime_error("each");
                              }),
                     std::runtime_error);
        ASSERT_EQ(unhandled.seen().size(), 1U);
        EXPECT_EQ(unhandled.seen().at(0).more, 1U);
    });
}

TEST_P(Map, ThrowsProviderErrorWhereTheInputFails) {
    run([] {
        std::atomic<int> calls{0};
        Pool pool{2};
        auto const count = [&calls](int i) { return ++calls, i; };
        EXPECT_THROW(pool.map(failing_at(5), count), ProviderError);
        EXPECT_THROW(pool.map_outcomes(failing_at(5), count), ProviderError);
        EXPECT_EQ(calls, 10);
        EXPECT_EQ(pool.stats().live, 0U);
    });
}

TEST_P(Map, OfACancelledCallerCancelsItsTasks) {
    run([] {
        Gauge gauge;
        Pool pool{2};
        auto const sleep = [&gauge](int) {
            Gauge::Inside const inside{gauge};
            frond::sleep_for(1h);
        };
        Group callers;
        auto const caller = callers.spawn([&] { pool.map(std::views::iota(0, 9), sleep); });
        yield_until([&] { return gauge.inside() == 2; });
        EXPECT_TRUE(caller.cancel());
        EXPECT_EQ(gauge.inside(), 0U);
        EXPECT_THROW(frond::with_timeout(2ms, [&] { pool.map(std::views::iota(0, 9), sleep); }),
                     frond::TimedOut);
        EXPECT_EQ(gauge.inside(), 0U);
        EXPECT_EQ(pool.stats().live, 0U);
    });
}

TEST_P(Map, AnEmptyFunctionIsRefusedAtOnce) {
    run([] {
        Pool pool{2};
        std::function<int(int)> const nothing;
        EXPECT_THROW(pool.map(std::vector{1}, nothing), std::invalid_argument);
        EXPECT_THROW(pool.map_outcomes(std::vector{1}, nothing), std::invalid_argument);
        EXPECT_THROW(pool.map_tasks(std::vector{1}, nothing), std::invalid_argument);
        EXPECT_TRUE(pool.empty());
    });
}

TEST_P(Map, OutcomesHaveErrorsAndCancellationsInTheirPlaces) {
    run([] {
        Pool pool{3};
        auto const outcomes = pool.map_outcomes(std::views::iota(0, 5), [](int i) {
            if (i == 1) throw std::runtime_error("one");
            if (i == 3) throw Cancelled{};
            return 10 * i;
        });
        ASSERT_EQ(outcomes.size(), 5U);
        for (std::size_t i = 0; i < outcomes.size(); ++i) {
            EXPECT_EQ(outcomes.at(i).index(), i);
            EXPECT_EQ(outcomes.at(i).has_value(), i % 2 == 0);
        }
        EXPECT_EQ(*outcomes.at(4), 40);
        EXPECT_THROW(outcomes.at(1).value(), std::runtime_error);
        EXPECT_THROW(outcomes.at(3).value(), Cancelled);
    });
}

TEST_P(Map, OutcomesOfCallsThatReturnNothing) {
    run([] {
        Pool pool{3};
        auto const outcomes = pool.map_outcomes(std::views::iota(0, 3), [](int i) {
            if (i == 1) throw i;
        });
        static_assert(std::is_same_v<decltype(outcomes), std::vector<Outcome<void>> const>);
        ASSERT_EQ(outcomes.size(), 3U);
        EXPECT_TRUE(outcomes.at(0).has_value() && outcomes.at(2).has_value());
        EXPECT_THROW(outcomes.at(1).value(), int);
    });
}

TEST_P(Map, TasksAreSpawnedAtOnceIntoTheGroup) {
    run([] {
        Gate gate;
        Pool pool{2};
        Group group{pool};
        auto const tasks =
            group.map_tasks(std::views::iota(0, 10), [&gate](int i) { return gate.pass(), 10 * i; });
        ASSERT_EQ(tasks.size(), 10U);
        EXPECT_EQ(group.size(), 10U);
        gate.open();
        for (std::size_t i = 0; i < tasks.size(); ++i) EXPECT_EQ(tasks.at(i).get(), 10 * static_cast<int>(i));
        group.join();
        EXPECT_LE(pool.stats().active_peak, 2U);
    });
}

TEST_P(Map, TasksKeepTheirErrorsForTheGroup) {
    run([] {
        Group group;
        auto const tasks = group.map_tasks(std::views::iota(0, 3), [](int i) {
            if (i == 1) throw i;
        });
        EXPECT_THROW(group.join(), int);
        EXPECT_EQ(tasks.at(0).state(), TaskState::done);
        EXPECT_THROW(tasks.at(1).get(), int);
    });
}

TEST_P(Map, TasksWereCancelledAndHaveEndedWhenTheirInputThrows) {
    run([] {
        Gauge gauge;
        Lives lives;
        Pool pool{2};
        std::atomic<int> calls{0};
        auto input = Generated{[&, i = 0]() mutable {
            if (i == 5) {
                yield_until([&] { return gauge.inside() == 2; });
                throw std::out_of_range("five");
            }
            return i++;
        }};
        auto const sleep = [&, mortal = Mortal{lives}](int) {
            ++calls;
            Gauge::Inside const inside{gauge};
            frond::sleep_for(1h);
        };
        EXPECT_THROW(pool.map_tasks(std::move(input), sleep), ProviderError);
        EXPECT_TRUE(pool.empty());
        EXPECT_EQ(gauge.inside(), 0U);
        EXPECT_EQ(calls, 2);
        EXPECT_EQ(lives.alive(), 1);
        EXPECT_NO_THROW(pool.join());
        EXPECT_EQ(pool.run([] { return 1; }), 1);
    });
}

} // namespace
