#include <frond/cancel.hpp>

#include "support/gate.hpp"
#include "support/threads_test.hpp"

#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <utility>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::Clock;
using frond::Group;
using frond::move_on_after;
using frond::Pool;
using frond::TimedOut;
using frond::with_timeout;
using frond::test::Gate;
using frond::test::until_waiting;

namespace {

class Shield : public frond::test::ThreadsTest {
protected:
    /// Calls `body` in a task that was cancelled before.
    static void run_cancelled(std::function<void()> const& body) {
        run([&body] {
            Group group;
            std::atomic<bool> came_through{false};
            group
                .spawn([&] {
                    group.request_cancel("stop");
                    body();
                    came_through = true;
                })
                .wait();
            EXPECT_TRUE(came_through);
        });
    }
};
INSTANTIATE_TEST_SUITE_P(Threads, Shield, testing::Values(0, 1, 2, 4));

void sleep_long() { frond::sleep_for(1h); }

TEST_P(Shield, EndsWithItsScope) {
    run_cancelled([] {
        {
            frond::Shield const shield;
            EXPECT_NO_THROW(frond::yield());
            EXPECT_NO_THROW(frond::this_task::check());
        }
        EXPECT_THROW(frond::yield(), Cancelled);
        EXPECT_THROW(frond::this_task::check(), Cancelled);
    });
}

TEST_P(Shield, MayBeNested) {
    run_cancelled([] {
        frond::Shield const outer;
        {
            frond::Shield const inner;
            EXPECT_NO_THROW(frond::yield());
        }
        EXPECT_NO_THROW(frond::yield());
    });
}

TEST_P(Shield, ProtectsForNoLongerThanItSays) {
    run_cancelled([] {
        frond::Shield const shield{3ms};
        auto const start = Clock::now();
        EXPECT_NO_THROW(frond::yield());
        EXPECT_THROW(sleep_long(), Cancelled);
        EXPECT_GE(Clock::now() - start + 1ms, 3ms);
        EXPECT_THROW(frond::yield(), Cancelled);
    });
}

TEST_P(Shield, OfNoTimeProtectsFromNothing) {
    run_cancelled([] {
        for (auto const d : {0ns, -1ns, -frond::forever}) {
            frond::Shield const shield{d};
            EXPECT_THROW(frond::yield(), Cancelled);
        }
    });
}

TEST_P(Shield, TheLongerOfTwoProtects) {
    run_cancelled([] {
        frond::Shield const outer{1h};
        frond::Shield const inner{0s};
        EXPECT_NO_THROW(frond::sleep_for(1us));
    });
    run_cancelled([] {
        frond::Shield const outer{0s};
        frond::Shield const inner{1h};
        EXPECT_NO_THROW(frond::sleep_for(1us));
    });
}

TEST_P(Shield, AWaitThatBeganInItEndsAtItsEnd) {
    run([] {
        Group group;
        auto const start = Clock::now();
        auto const task = group.spawn([] {
            frond::Shield const shield{5ms};
            sleep_long();
        });
        until_waiting(task);
        EXPECT_TRUE(task.cancel()); // while it waits
        EXPECT_GE(Clock::now() - start, 5ms);
    });
}

TEST_P(Shield, HoldsOffDeadlinesAroundIt) {
    run([] {
        bool shielded = false;
        EXPECT_THROW(with_timeout(1ms,
                                  [&] {
                                      {
                                          frond::Shield const shield;
                                          frond::sleep_for(3ms);
                                          shielded = true;
                                      }
                                      sleep_long();
                                  }),
                     TimedOut);
        EXPECT_TRUE(shielded);
    });
}

TEST_P(Shield, HoldsOffDeadlinesAroundItUntilItsEnd) {
    run([] {
        auto const start = Clock::now();
        EXPECT_THROW(with_timeout(0s,
                                  [] {
                                      frond::Shield const shield{3ms};
                                      sleep_long();
                                  }),
                     TimedOut);
        EXPECT_GE(Clock::now() - start, 3ms);
    });
}

TEST_P(Shield, DeadlinesInsideItApply) {
    run_cancelled([] {
        frond::Shield const shield;
        EXPECT_THROW(with_timeout(1ms, &sleep_long), TimedOut);
        EXPECT_FALSE(move_on_after(1ms, &sleep_long));
        EXPECT_NO_THROW(frond::yield());
    });
}

TEST_P(Shield, DeadlineThatHoldsAShieldedWaitIsThrownAtItsBorderOnly) {
    run([] {
        int scope = 0;
        try {
            with_timeout(0s, [&] {
                frond::Shield const shield;
                try {
                    with_timeout(1ms, &sleep_long);
                } catch (TimedOut const&) {
                    scope = 2;
                }
                frond::yield(); // the outer one stays off
            });
        } catch (TimedOut const&) {
            scope = 1;
        }
        EXPECT_EQ(scope, 2);
    });
}

TEST_P(Shield, OutsideOfTasksItStopsDeadlinesToo) {
    run([] {
        frond::Shield const shield;
        EXPECT_NO_THROW(frond::sleep_for(1us));
    });
}

// --- unwinding counts as one ------------------------------------------------------------------------------

/// Does something while it dies.
class Later {
public:
    explicit Later(std::function<void()> what) : what_{std::move(what)} {}
    Later(Later const&) = delete;
    Later& operator=(Later const&) = delete;
    ~Later() { what_(); }

private:
    std::function<void()> what_;
};

/// What ends when all of it has happened.
void clean_up(std::atomic<int>& steps) {
    frond::sleep_for(1us);
    ++steps;
    {
        Group group;
        auto const task = group.spawn([] {
            frond::sleep_for(1us);
            return 1;
        });
        steps += task.get();
        for (int i = 0; i < 3; ++i)
            group.spawn([&steps] {
                frond::yield();
                ++steps;
            });
        group.join();
        group.spawn([&steps] { ++steps; }); // its destructor's
    }
    Pool pool{1};
    for (int i = 0; i < 2; ++i)
        pool.spawn([&steps, &pool] {
            Group group{pool};
            steps += group.run([] { return 1; });
        });
    pool.join();
}
constexpr int all_steps = 8;

TEST_P(Shield, UnwindingOfACancelledTaskMayWaitSpawnAndJoin) {
    run([] {
        std::atomic<int> steps{0};
        Group group;
        auto const task = group.spawn([&steps] {
            Later const later{[&steps] { EXPECT_NO_THROW(clean_up(steps)); }};
            sleep_long();
        });
        until_waiting(task);
        EXPECT_TRUE(task.cancel());
        EXPECT_EQ(steps, all_steps);
    });
}

TEST_P(Shield, UnwindingOfADeadlineMayWaitSpawnAndJoin) {
    run([] {
        std::atomic<int> steps{0};
        EXPECT_THROW(with_timeout(1ms,
                                  [&steps] {
                                      Later const later{[&steps] { EXPECT_NO_THROW(clean_up(steps)); }};
                                      sleep_long();
                                  }),
                     TimedOut);
        EXPECT_EQ(steps, all_steps);
    });
}

TEST_P(Shield, UnwindingOfAnotherErrorInACancelledTaskMayWait) {
    run_cancelled([] {
        std::atomic<int> steps{0};
        try {
            Later const later{[&steps] { EXPECT_NO_THROW(clean_up(steps)); }};
            throw std::range_error{"an error of its own"};
        } catch (std::range_error const&) {
        }
        EXPECT_EQ(steps, all_steps);
    });
}

TEST_P(Shield, CancellationWhileUnwindingWaits) {
    run([] {
        Gate unwinding;
        Gate cancelled;
        std::atomic<bool> cleaned_up{false};
        Group group;
        auto const task = group.spawn([&] {
            Later const later{[&] {
                unwinding.open();
                while (!cancelled.is_open()) frond::sleep_for(50us);
                frond::sleep_for(1us);
                cleaned_up = true;
            }};
            throw 5;
        });
        unwinding.pass();
        task.request_cancel();
        cancelled.open();
        EXPECT_THROW(task.get(), int);
        EXPECT_TRUE(cleaned_up);
    });
}

TEST_P(Shield, ACatchBlockIsNone) {
    run_cancelled([] {
        try {
            sleep_long();
        } catch (...) {
            EXPECT_THROW(frond::yield(), Cancelled);
        }
    });
}

TEST_P(Shield, DeadlinesSetWhileUnwindingApply) {
    run([] {
        bool timed_out = false;
        try {
            Later const later{[&] {
                EXPECT_THROW(with_timeout(1ms, &sleep_long), TimedOut);
                EXPECT_FALSE(move_on_after(1ms, &sleep_long));
                timed_out = true;
            }};
            throw 5;
        } catch (int) {
        }
        EXPECT_TRUE(timed_out);
    });
}

TEST_P(Shield, UnwindingInsideADestructorThatUnwindsIsOne) {
    run([] {
        std::atomic<int> steps{0};
        EXPECT_THROW(with_timeout(0s,
                                  [&steps] {
                                      Later const outer{[&steps] {
                                          try {
                                              Later const inner{[&steps] { clean_up(steps); }};
                                              throw 6;
                                          } catch (int) {
                                              clean_up(steps); // the first one is in flight still
                                          }
                                      }};
                                      sleep_long();
                                  }),
                     TimedOut);
        EXPECT_EQ(steps, 2 * all_steps);
    });
}

TEST_P(Shield, ScopesMadeInACatchBlockKnowNothingOfTheCaught) {
    run([] {
        try {
            throw 5;
        } catch (int) {
            EXPECT_THROW(with_timeout(0s, &sleep_long), TimedOut);
            EXPECT_EQ(with_timeout(1h, [] { return 3; }), 3);
        }
    });
}

} // namespace
