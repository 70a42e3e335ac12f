#include <frond/cancel.hpp>

#include "support/gate.hpp"
#include "support/threads_test.hpp"

#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <variant>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::Clock;
using frond::Group;
using frond::move_on_after;
using frond::Shield;
using frond::TaskState;
using frond::TimedOut;
using frond::with_timeout;
using frond::test::Gate;

namespace {

static_assert(std::is_void_v<decltype(with_timeout(1s, [] {}))>);
static_assert(std::is_same_v<decltype(with_timeout(1s, []() -> int& { return *new int; })), int&>);
static_assert(std::is_same_v<decltype(move_on_after(1s, [] { return 1; })), std::optional<int>>);
static_assert(std::is_same_v<decltype(move_on_after(1s, [] {})), std::optional<std::monostate>>);

class DeadlineScope : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, DeadlineScope, testing::Values(0, 1, 2, 4));

void sleep_long() { frond::sleep_for(1h); }

/// What a wait that cannot end under three nested deadlines is turned into, and where: the number of the
/// scope that threw `TimedOut`, the outermost being 1.
int thrower(std::chrono::nanoseconds outer, std::chrono::nanoseconds middle, std::chrono::nanoseconds inner) {
    int scope = 0;
    auto const note = [&scope](int number, auto const& f) {
        try {
            f();
        } catch (TimedOut const&) {
            if (scope == 0) scope = number;
        }
    };
    note(1, [&] {
        with_timeout(outer, [&] {
            note(2,
                 [&] { with_timeout(middle, [&] { note(3, [&] { with_timeout(inner, &sleep_long); }); }); });
        });
    });
    return scope;
}

TEST_P(DeadlineScope, ResultsInTimeAreReturned) {
    run([] {
        int value = 1;
        EXPECT_EQ(with_timeout(1h, [] { return 5; }), 5);
        EXPECT_EQ(*with_timeout(1h, [] { return std::make_unique<int>(6); }), 6);
        EXPECT_EQ(&with_timeout(1h, [&]() -> int& { return value; }), &value);
        EXPECT_EQ(with_timeout(frond::forever, [] { return 7; }), 7);
        with_timeout(1h, [&] { value = 2; });
        EXPECT_EQ(value, 2);
    });
}

TEST_P(DeadlineScope, MoveOnAfterReturnsResultsInTime) {
    run([] {
        int value = 1;
        EXPECT_EQ(move_on_after(1h, [] { return 5; }), 5);
        EXPECT_EQ(**move_on_after(1h, [] { return std::make_unique<int>(6); }), 6);
        EXPECT_EQ(&move_on_after(1h, [&]() -> int& { return value; })->get(), &value);
        EXPECT_TRUE(move_on_after(1h, [] {}));
    });
}

TEST_P(DeadlineScope, EndsAWaitWhenItsTimeHasCome) {
    run([] {
        auto const start = Clock::now();
        EXPECT_THROW(with_timeout(3ms, &sleep_long), TimedOut);
        EXPECT_FALSE(move_on_after(3ms, [] {
            sleep_long();
            return 1;
        }));
        EXPECT_GE(Clock::now() - start, 6ms);
    });
}

TEST_P(DeadlineScope, WhatItThrowsInsideIsCancelled) {
    run([] {
        std::string reason;
        EXPECT_THROW(with_timeout(0s,
                                  [&] {
                                      try {
                                          sleep_long();
                                      } catch (Cancelled const& c) {
                                          reason = std::string{c.reason()};
                                          throw;
                                      }
                                  }),
                     TimedOut);
        EXPECT_EQ(reason, "deadline");
    });
}

TEST_P(DeadlineScope, ThatHasPassedAlreadyEndsTheFirstWait) {
    run([] {
        for (auto const d : {0ns, -1ns, std::chrono::nanoseconds{-1h}, -frond::forever}) {
            EXPECT_THROW(with_timeout(d, &sleep_long), TimedOut);
            EXPECT_THROW(with_timeout(d, [] { frond::yield(); }), TimedOut);
            EXPECT_THROW(with_timeout(d, [] { frond::this_task::check(); }), TimedOut);
            EXPECT_FALSE(move_on_after(d, &sleep_long));
        }
    });
}

TEST_P(DeadlineScope, AResultThatCameLateWithoutAWaitCounts) {
    run([] {
        EXPECT_EQ(with_timeout(-1s, [] { return 5; }), 5);
        EXPECT_EQ(move_on_after(-1s, [] { return 5; }), 5);
    });
}

TEST_P(DeadlineScope, WhatSwallowsItDeliversItsResult) {
    run([] {
        auto const swallow = [] {
            try {
                sleep_long();
            } catch (Cancelled const&) {
            }
            return 5;
        };
        EXPECT_EQ(with_timeout(0s, swallow), 5);
        EXPECT_EQ(move_on_after(0s, swallow), 5);
    });
}

TEST_P(DeadlineScope, OtherExceptionsPass) {
    run([] {
        EXPECT_THROW(with_timeout(1h, [] { throw std::range_error{"mine"}; }), std::range_error);
        EXPECT_THROW(move_on_after(1h, [] { throw 5; }), int);
        EXPECT_THROW(with_timeout(-1s, [] { throw 5; }), int); // late, too
        EXPECT_THROW(with_timeout(-1s,
                                  [] {
                                      try {
                                          sleep_long();
                                      } catch (Cancelled const&) {
                                          throw std::range_error{"while cleaning up"};
                                      }
                                  }),
                     std::range_error);
    });
}

TEST_P(DeadlineScope, ACancelledOfSomebodyElsePasses) {
    run([] {
        EXPECT_THROW(with_timeout(1h, [] { throw Cancelled{"mine"}; }), Cancelled);
        EXPECT_THROW(with_timeout(-1s, [] { throw Cancelled{"mine"}; }), Cancelled); // it has ended no wait
        EXPECT_THROW(move_on_after(1h, [] { throw Cancelled{}; }), Cancelled);
    });
}

TEST_P(DeadlineScope, TheNearestAppliesAndThrowsAtItsOwnBorder) {
    run([] {
        EXPECT_EQ(thrower(1h, 1h, 1ms), 3);
        EXPECT_EQ(thrower(1h, 1ms, 1h), 2);
        EXPECT_EQ(thrower(1ms, 1h, 1h), 1);
        EXPECT_EQ(thrower(frond::forever, frond::forever, 1ms), 3);
        EXPECT_EQ(thrower(frond::forever, 1ms, frond::forever), 2);
    });
}

TEST_P(DeadlineScope, OfSeveralThatHavePassedTheOutermostThrows) {
    run([] {
        EXPECT_EQ(thrower(0s, 0s, 0s), 1);
        EXPECT_EQ(thrower(1h, 0s, 0s), 2);
        EXPECT_EQ(thrower(0s, 1h, -1s), 1);
        EXPECT_EQ(thrower(-1s, 0s, 1h), 1);
    });
}

TEST_P(DeadlineScope, ThatPassesWhileAnInnerOneUnwindsWins) {
    struct SlowCleanUp {
        ~SlowCleanUp() { frond::sleep_for(4ms); }
    };
    run([] {
        bool inner = false;
        EXPECT_THROW(with_timeout(3ms,
                                  [&] {
                                      try {
                                          with_timeout(1ms, [] {
                                              SlowCleanUp const slow;
                                              sleep_long();
                                          });
                                      } catch (TimedOut const&) {
                                          inner = true;
                                      }
                                  }),
                     TimedOut);
        EXPECT_FALSE(inner);
    });
}

TEST_P(DeadlineScope, ATimedOutOfAnInnerOneIsAnOrdinaryExceptionFurtherOut) {
    run([] {
        int caught = 0;
        with_timeout(1h, [&] {
            for (int i = 0; i < 3; ++i) {
                try {
                    with_timeout(0s, &sleep_long);
                } catch (TimedOut const&) {
                    ++caught;
                }
                frond::yield();
            }
        });
        EXPECT_EQ(caught, 3);
        EXPECT_THROW(with_timeout(1h, [] { with_timeout(0s, &sleep_long); }), TimedOut);
        EXPECT_THROW(move_on_after(1h, [] { with_timeout(0s, &sleep_long); }), TimedOut); // not its own
    });
}

TEST_P(DeadlineScope, AfterItsEndTheFiberWaitsAsEver) {
    run([] {
        EXPECT_FALSE(move_on_after(0s, &sleep_long));
        EXPECT_NO_THROW(frond::sleep_for(1us));
        EXPECT_FALSE(frond::this_task::deadline());
        Group group;
        EXPECT_EQ(group.run([] { return 3; }), 3);
    });
}

TEST_P(DeadlineScope, EndsWaitsOfTheCallingFiberOnly) {
    run([] {
        Gate gate;
        Group group;
        auto const task = group.spawn([&gate] {
            gate.pass();
            frond::sleep_for(1us);
            return 3;
        });
        EXPECT_THROW(with_timeout(1ms, [&] { group.join(); }), TimedOut);
        EXPECT_FALSE(task.ready());
        gate.open();
        EXPECT_EQ(task.get(), 3);
    });
}

TEST_P(DeadlineScope, TasksItSpawnsElsewhereAreNotAffected) {
    run([] {
        Group group;
        auto const task = with_timeout(1ms, [&] {
            return group.spawn([] {
                frond::sleep_for(3ms);
                return !frond::this_task::deadline();
            });
        });
        EXPECT_TRUE(task.get());
    });
}

TEST_P(DeadlineScope, ThisTaskKnowsTheNearestDeadline) {
    run([] {
        EXPECT_FALSE(frond::this_task::deadline());
        with_timeout(frond::forever, [] { EXPECT_FALSE(frond::this_task::deadline()); });
        auto const before = Clock::now();
        with_timeout(1h, [&] {
            auto const outer = frond::this_task::deadline();
            ASSERT_TRUE(outer);
            EXPECT_GE(*outer, before + 1h);
            EXPECT_LE(*outer, Clock::now() + 1h);
            with_timeout(2h, [&] { EXPECT_EQ(frond::this_task::deadline(), outer); });
            with_timeout(1min, [&] { EXPECT_LT(frond::this_task::deadline(), outer); });
            {
                Shield const shield;
                EXPECT_FALSE(frond::this_task::deadline());
            }
            EXPECT_EQ(frond::this_task::deadline(), outer);
        });
    });
}

TEST_P(DeadlineScope, ACancelledTaskStaysCancelledWhateverItsDeadlinesSay) {
    run([] {
        std::atomic<bool> timed_out{false};
        Group group;
        auto const task = group.spawn([&] {
            try {
                with_timeout(1h, [&] {
                    group.request_cancel("stop");
                    sleep_long();
                });
            } catch (TimedOut const&) {
                timed_out = true;
            }
        });
        task.wait();
        EXPECT_FALSE(timed_out);
        EXPECT_EQ(task.state(), TaskState::cancelled);
    });
}

TEST_P(DeadlineScope, CancellationOutranksADeadlineThatHasPassedToo) {
    run([] {
        std::atomic<bool> timed_out{false};
        Group group;
        auto const task = group.spawn([&] {
            try {
                with_timeout(0s, [&] {
                    group.request_cancel("stop");
                    sleep_long();
                });
            } catch (TimedOut const&) {
                timed_out = true;
            }
        });
        task.wait();
        EXPECT_FALSE(timed_out);
        EXPECT_EQ(task.state(), TaskState::cancelled);
    });
}

TEST_P(DeadlineScope, TimedWaitsInsideReturnFalseOnlyAtTheirOwnDeadline) {
    run([] {
        Gate gate;
        Group group;
        auto const task = group.spawn([&gate] {
            while (!gate.is_open()) frond::sleep_for(50us);
        });
        with_timeout(1h, [&] {
            EXPECT_FALSE(task.wait_for(1ms));
            EXPECT_FALSE(group.join_for(1ms));
        });
        EXPECT_THROW(with_timeout(1ms, [&] { task.wait_for(1h); }), TimedOut);
        EXPECT_THROW(with_timeout(1ms, [&] { group.join_for(1h); }), TimedOut);
        gate.open();
        EXPECT_TRUE(task.wait_for(1h));
        EXPECT_TRUE(group.join_for(1h));
    });
}

} // namespace
