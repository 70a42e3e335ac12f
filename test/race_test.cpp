// race and first_of, in what they share and in what they differ.

#include <frond/race.hpp>

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
#include <type_traits>
#include <utility>
#include <variant>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::first_of;
using frond::Group;
using frond::Pool;
using frond::race;
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

using Mixed = std::variant<int, std::monostate, std::reference_wrapper<int>>;
static_assert(std::is_same_v<decltype(race(std::declval<int (*)()>(), std::declval<void (*)()>(),
                                           std::declval<int& (*)()>())),
                             Mixed>);
static_assert(std::is_same_v<decltype(first_of(std::declval<int (*)()>(), std::declval<void (*)()>(),
                                               std::declval<int& (*)()>())),
                             Mixed>);

/// Sleeps for as long as any test lasts, inside.
auto sleeper(Gauge& gauge) {
    return [&gauge] {
        Gauge::Inside const inside{gauge};
        frond::sleep_for(1h);
    };
}
/// Once somebody is inside: gives what `f` gives.
auto after(Gauge& gauge, auto f) {
    return [&gauge, f] {
        yield_until([&gauge] { return gauge.inside() > 0; });
        return f();
    };
}
int fail() { throw std::runtime_error("failed"); }

struct TheRace {
    static auto run(auto&&... f) { return race(std::forward<decltype(f)>(f)...); }
};
struct TheFirst {
    static auto run(auto&&... f) { return first_of(std::forward<decltype(f)>(f)...); }
};

/// Each body is given what runs the contest, in either way.
class Contest : public frond::test::ThreadsTest {
protected:
    template <class F>
    static void run_both(F const& body) {
        run([&body] {
            body(TheRace{});
            body(TheFirst{});
        });
    }
};
INSTANTIATE_TEST_SUITE_P(Threads, Contest, testing::Values(0, 1, 2, 4));

TEST_P(Contest, GivesTheWinnersResultInItsPlace) {
    run_both([](auto contest) {
        Gauge gauge;
        auto const result =
            contest.run(sleeper(gauge), after(gauge, [] { return std::string{"won"}; }), sleeper(gauge));
        ASSERT_EQ(result.index(), 1U);
        EXPECT_EQ(std::get<1>(result), "won");
    });
}

TEST_P(Contest, CancelsTheLosersAndAwaitsThemBeforeItReturns) {
    UnhandledErrors const unhandled;
    run_both([](auto contest) {
        Gauge gauge;
        std::atomic<bool> cleaned_up{false};
        contest.run(
            [&] {
                Gauge::Inside const inside{gauge};
                try {
                    frond::sleep_for(1h);
                } catch (Cancelled const&) {
                    Shield const shield;
                    for (int i = 0; i < 10; ++i) frond::yield();
                    cleaned_up = true;
                    throw std::runtime_error("nobody's");
                }
            },
            after(gauge, [] { return 1; }));
        EXPECT_TRUE(cleaned_up);
        EXPECT_EQ(gauge.inside(), 0U);
    });
    EXPECT_TRUE(unhandled.seen().empty());
}

TEST_P(Contest, DestroysTheCallablesOfThoseThatNeverStart) {
    run_both([](auto contest) {
        Lives lives;
        std::atomic<int> ran{0};
        auto const runner = [&ran, mortal = Mortal{lives}] { return ++ran; };
        contest.run(runner, runner, runner);
        EXPECT_GE(ran, 1);
        EXPECT_EQ(lives.alive(), 1); // ours
    });
}

TEST_P(Contest, IsWonByVoidByAReferenceAndByWhatOnlyMoves) {
    run_both([](auto contest) {
        int value = 1;
        EXPECT_EQ(std::get<0>(contest.run([] {})), std::monostate{});
        EXPECT_EQ(&std::get<0>(contest.run([&value]() -> int& { return value; })).get(), &value);
        EXPECT_EQ(*std::get<0>(contest.run([] { return std::make_unique<int>(2); })), 2);
        EXPECT_EQ(std::get<0>(contest.run([p = std::make_unique<int>(3)] { return *p; })), 3);
        EXPECT_TRUE(std::get<0>(contest.run([](std::stop_token const& t) { return t.stop_possible(); })));
    });
}

TEST_P(Contest, ItsCallersCancellationReachesAllOfThem) {
    run_both([](auto contest) {
        Gauge gauge;
        Group group;
        auto const caller = group.spawn([&] { contest.run(sleeper(gauge), sleeper(gauge)); });
        yield_until([&gauge] { return gauge.inside() == 2; });
        EXPECT_TRUE(caller.cancel());
        EXPECT_EQ(gauge.inside(), 0U);
        EXPECT_EQ(caller.state(), TaskState::cancelled);
    });
}

TEST_P(Contest, ItsCallersDeadlineReachesAllOfThem) {
    run_both([](auto contest) {
        Gauge gauge;
        auto const call = [&] { return contest.run(sleeper(gauge), sleeper(gauge)); };
        EXPECT_THROW(frond::with_timeout(2ms, call), frond::TimedOut);
        EXPECT_EQ(gauge.inside(), 0U);
    });
}

TEST_P(Contest, SomethingEmptyIsRejectedAndNothingIsLeftBehind) {
    run_both([](auto contest) {
        Lives lives;
        Gauge gauge;
        auto const whole = [m = Mortal{lives}, sleep = sleeper(gauge)] { sleep(); };
        EXPECT_THROW(contest.run(whole, std::function<int()>{}), std::invalid_argument);
        EXPECT_EQ(lives.alive(), 1); // ours
        EXPECT_EQ(gauge.inside(), 0U);
    });
}

TEST_P(Contest, IsNotUnderTheCapOfItsCallersPool) {
    run_both([](auto contest) {
        Gate met;
        Pool pool{1};
        auto const result = pool.run([&] {
            return contest.run(
                [&met] {
                    met.open();
                    frond::sleep_for(1h);
                },
                [&met] { met.pass(); });
        });
        EXPECT_EQ(result.index(), 1U);
        EXPECT_EQ(pool.stats().admitted, 1U);
    });
}

TEST_P(Contest, InAFullPoolItsMembersCanWaitForThePoolsTasks) {
    run_both([](auto contest) {
        Pool pool{1};
        auto const won = pool.run([&] {
            auto const ask = [&pool](int n) { return [&pool, n] { return pool.run([n] { return n; }); }; };
            auto const result = contest.run(ask(0), ask(1));
            return static_cast<int>(result.index()) == std::visit([](int n) { return n; }, result);
        });
        EXPECT_TRUE(won);
        pool.join();
        auto const stats = pool.stats();
        // The first task's slot serves the second one when the winner, who needs none, ends the wait.
        EXPECT_LE(stats.overdraft_peak, 1U);
        EXPECT_EQ(stats.active, 0U);
        EXPECT_EQ(stats.admitted, stats.completed);
    });
}

TEST_P(Contest, InAFullPoolTheSlotComesBackWithTheWinner) {
    run_both([](auto contest) {
        Gauge gauge;
        Pool pool{1};
        for (int i = 0; i < 3; ++i)
            pool.spawn([&] {
                contest.run([&] { pool.run([&gauge] { gauge.visit(); }); }, [] { frond::sleep_for(1h); });
                gauge.visit();
            });
        pool.join();
        EXPECT_EQ(gauge.peak(), 1U);
        EXPECT_EQ(gauge.visits(), 6U);
        EXPECT_EQ(pool.stats().overdraft_peak, 0U);
        EXPECT_EQ(pool.stats().active_peak, 1U);
    });
}

class Race : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, Race, testing::Values(0, 1, 2, 4));

TEST_P(Race, IsWonByAnErrorToo) {
    run([] {
        Gauge gauge;
        EXPECT_EQ(what_is_thrown_by([&gauge] { race(sleeper(gauge), after(gauge, &fail)); }), "failed");
        EXPECT_EQ(gauge.inside(), 0U);
    });
}

TEST_P(Race, IsWonByATaskThatEndsCancelledByItself) {
    run([] {
        Gauge gauge;
        auto const give_up = [] { throw Cancelled{"gives up"}; };
        try {
            race(sleeper(gauge), after(gauge, give_up));
            FAIL() << "nothing was thrown";
        } catch (Cancelled const& c) {
            EXPECT_EQ(c.reason(), "gives up");
        }
        EXPECT_EQ(gauge.inside(), 0U);
    });
}

class FirstOf : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, FirstOf, testing::Values(0, 1, 2, 4));

TEST_P(FirstOf, IsNotWonByAnError) {
    UnhandledErrors const unhandled;
    run([] {
        std::atomic<bool> failed{false};
        auto const result = first_of(
            [&failed]() -> int {
                failed = true;
                return fail();
            },
            [] { throw Cancelled{}; },
            [&failed] {
                yield_until([&failed] { return failed.load(); });
                for (int i = 0; i < 10; ++i) frond::yield();
                return 3;
            });
        ASSERT_EQ(result.index(), 2U);
        EXPECT_EQ(std::get<2>(result), 3);
    });
    EXPECT_TRUE(unhandled.seen().empty());
}

TEST_P(FirstOf, ThrowsTheLastErrorIfAllFail) {
    UnhandledErrors const unhandled;
    run([] {
        Gate gate;
        auto const thrown = what_is_thrown_by([&gate] {
            first_of(
                [&gate] {
                    gate.pass();
                    throw std::runtime_error("opened");
                },
                [&gate] {
                    gate.open();
                    throw std::runtime_error("opens");
                });
        });
        // On several threads either may be the first to have ended.
        EXPECT_TRUE(thrown == "opened" || (GetParam() > 1 && thrown == "opens")) << thrown;
    });
    EXPECT_TRUE(unhandled.seen().empty());
}

TEST_P(FirstOf, OfOneIsThatOne) {
    run([] {
        EXPECT_EQ(std::get<0>(first_of([] { return 1; })), 1);
        EXPECT_EQ(what_is_thrown_by([] { first_of(&fail); }), "failed");
        EXPECT_THROW(first_of([] { throw Cancelled{}; }), Cancelled);
    });
}

} // namespace
