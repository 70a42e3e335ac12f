#include <frond/gather.hpp>

#include "support/gate.hpp"
#include "support/gauge.hpp"
#include "support/lives.hpp"
#include "support/threads_test.hpp"
#include "support/unhandled_errors.hpp"
#include "support/what_of.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::gather;
using frond::Group;
using frond::Pool;
using frond::Shield;
using frond::TaskState;
using frond::test::Gate;
using frond::test::Gauge;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::UnhandledErrors;
using frond::test::what_is_thrown_by;
using frond::test::yield_until;

namespace {

static_assert(std::is_same_v<decltype(gather()), std::tuple<>>);
static_assert(std::is_same_v<decltype(gather(std::declval<int (*)()>(), std::declval<void (*)()>(),
                                             std::declval<int& (*)()>())),
                             std::tuple<int, std::monostate, std::reference_wrapper<int>>>);

class Gather : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, Gather, testing::Values(0, 1, 2, 4));

/// Sleeps for as long as any test lasts, inside.
auto sleeper(Gauge& gauge) {
    return [&gauge] {
        Gauge::Inside const inside{gauge};
        frond::sleep_for(1h);
    };
}

TEST_P(Gather, GivesAllResultsInTheirPlaces) {
    run([] {
        int value = 1;
        auto [number, text, nothing, reference, owner] =
            gather([] { return 3; },
                   [] {
                       frond::yield();
                       return std::string{"text"};
                   },
                   [] {}, [&value]() -> int& { return value; }, [] { return std::make_unique<int>(5); });
        EXPECT_EQ(number, 3);
        EXPECT_EQ(text, "text");
        EXPECT_EQ(nothing, std::monostate{});
        EXPECT_EQ(&reference.get(), &value);
        EXPECT_EQ(*owner, 5);
    });
}

TEST_P(Gather, OfNothingIsNothing) {
    run([] { EXPECT_EQ(gather(), std::tuple<>{}); });
}

TEST_P(Gather, CallsThemAtOnce) {
    run([] {
        Gate first;
        Gate second;
        gather(
            [&] {
                first.open();
                second.pass();
            },
            [&] {
                first.pass();
                second.open();
            });
    });
}

TEST_P(Gather, TheFirstErrorCancelsTheOthersAndIsThrownAfterTheirEnd) {
    UnhandledErrors const unhandled;
    run([] {
        Gauge gauge;
        Gate begun;
        std::atomic<bool> cleaned_up{false};
        auto const thrown = what_is_thrown_by([&] {
            gather(
                sleeper(gauge),
                [&] {
                    begun.open();
                    try {
                        frond::sleep_for(1h);
                    } catch (Cancelled const&) {
                        Shield const shield;
                        for (int i = 0; i < 10; ++i) frond::yield();
                        cleaned_up = true;
                        throw;
                    }
                },
                [&] {
                    begun.pass();
                    yield_until([&gauge] { return gauge.inside() == 1; });
                    throw std::runtime_error("failed");
                });
        });
        EXPECT_EQ(thrown, "failed");
        EXPECT_TRUE(cleaned_up);
        EXPECT_EQ(gauge.inside(), 0U);
    });
    EXPECT_TRUE(unhandled.seen().empty());
}

TEST_P(Gather, ASecondErrorGoesToTheHandler) {
    UnhandledErrors const unhandled;
    run([] {
        Gauge gauge;
        auto const thrown = what_is_thrown_by([&gauge] {
            gather(
                [&gauge] {
                    Gauge::Inside const inside{gauge};
                    try {
                        frond::sleep_for(1h);
                    } catch (Cancelled const&) {
                        throw std::runtime_error("second");
                    }
                },
                [&gauge] {
                    yield_until([&gauge] { return gauge.inside() > 0; });
                    throw std::runtime_error("first");
                });
        });
        EXPECT_EQ(thrown, "first");
    });
    ASSERT_EQ(unhandled.seen().size(), 1U);
    EXPECT_EQ(frond::test::what_of(unhandled.seen()[0].error), "second");
}

TEST_P(Gather, ATaskThatEndsCancelledByItselfIsThrownAsThat) {
    run([] { EXPECT_THROW(gather([] { return 1; }, [] { throw Cancelled{}; }), Cancelled); });
}

TEST_P(Gather, ItsCallersCancellationReachesThemAndAwaitsThem) {
    run([] {
        Gauge gauge;
        Group group;
        auto const caller = group.spawn([&gauge] { gather(sleeper(gauge), sleeper(gauge)); });
        yield_until([&gauge] { return gauge.inside() == 2; });
        EXPECT_TRUE(caller.cancel());
        EXPECT_EQ(gauge.inside(), 0U);
    });
}

TEST_P(Gather, ItsCallersDeadlineReachesThemAndAwaitsThem) {
    run([] {
        Gauge gauge;
        EXPECT_THROW(frond::with_timeout(2ms, [&gauge] { return gather(sleeper(gauge), sleeper(gauge)); }),
                     frond::TimedOut);
        EXPECT_EQ(gauge.inside(), 0U);
    });
}

TEST_P(Gather, SomethingEmptyIsRejectedAndNothingIsLeftBehind) {
    run([] {
        Lives lives;
        Gauge gauge;
        EXPECT_THROW(gather([m = Mortal{lives}, sleep = sleeper(gauge)] { sleep(); }, std::function<int()>{}),
                     std::invalid_argument);
        EXPECT_EQ(lives.alive(), 0);
        EXPECT_EQ(gauge.inside(), 0U);
    });
}

TEST_P(Gather, IsNotUnderTheCapOfItsCallersPool) {
    run([] {
        Pool pool{1};
        auto const [left, right] = pool.run([] {
            Gate met;
            return gather(
                [&met] {
                    met.pass();
                    return 1;
                },
                [&met] {
                    met.open();
                    return 2;
                });
        });
        EXPECT_EQ(left + right, 3);
        EXPECT_EQ(pool.stats().admitted, 1U);
    });
}

TEST_P(Gather, InAFullPoolItsCallsCanWaitForThePoolsTasks) {
    run([] {
        Pool pool{1};
        auto const sum = pool.run([&pool] {
            auto const ask = [&pool](int n) { return [&pool, n] { return pool.run([n] { return n; }); }; };
            auto const [one, two] = gather(ask(1), ask(2));
            return one + two;
        });
        EXPECT_EQ(sum, 3);
        EXPECT_EQ(pool.stats().overdraft_peak, 0U);
        EXPECT_EQ(pool.stats().active_peak, 1U);
    });
}

TEST_P(Gather, TakesWhatOnlyMovesAndWhatWantsAStopToken) {
    run([] {
        auto const [number, can_stop] = gather([p = std::make_unique<int>(4)] { return *p; },
                                               [](std::stop_token const& t) { return t.stop_possible(); });
        EXPECT_EQ(number, 4);
        EXPECT_TRUE(can_stop);
    });
}

} // namespace
