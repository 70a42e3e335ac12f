// Destructors that wait under a deadline: they cannot throw, so they pass the end on to their tasks, and the
// scope's border says what has happened.

#include <frond/cancel.hpp>

#include "support/gate.hpp"
#include "support/other_thread.hpp"
#include "support/threads_test.hpp"

#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/runtime.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::Clock;
using frond::Group;
using frond::move_on_after;
using frond::Pool;
using frond::Runtime;
using frond::Shield;
using frond::TaskState;
using frond::TimedOut;
using frond::with_timeout;
using frond::test::Gate;
using frond::test::on_other_thread;
using frond::test::yield_until;

namespace {

class DeadlineDestructor : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, DeadlineDestructor, testing::Values(0, 1, 2, 4));

/// Counts who was cut off while it slept.
class Sleepers {
public:
    void sleep() {
        ++begun_;
        try {
            frond::sleep_for(1h);
        } catch (Cancelled const&) {
            ++cut_;
            throw;
        }
    }
    /// On a loaded machine they begin later than the deadline, and then never.
    void wait_for(int n) const {
        Shield const shield;
        yield_until([&] { return begun_ >= n; });
    }
    int cut() const { return cut_; }

private:
    std::atomic<int> begun_{0};
    std::atomic<int> cut_{0};
};

TEST_P(DeadlineDestructor, OfAGroupCancelsItsTasksAndTheScopeTimesOut) {
    run([] {
        Sleepers sleepers;
        auto const start = Clock::now();
        EXPECT_THROW(with_timeout(3ms,
                                  [&] {
                                      Group group;
                                      for (int i = 0; i < 3; ++i) group.spawn([&] { sleepers.sleep(); });
                                      sleepers.wait_for(3);
                                      return 5; // a result that is lost
                                  }),
                     TimedOut);
        EXPECT_GE(Clock::now() - start, 3ms);
        EXPECT_EQ(sleepers.cut(), 3);
    });
}

TEST_P(DeadlineDestructor, MakesMoveOnAfterGiveNothing) {
    run([] {
        Sleepers sleepers;
        EXPECT_FALSE(move_on_after(1ms, [&] {
            Group group;
            group.spawn([&] { sleepers.sleep(); });
            sleepers.wait_for(1);
            return 5;
        }));
        EXPECT_EQ(sleepers.cut(), 1);
    });
}

TEST_P(DeadlineDestructor, ThatNeedNotWaitIsNotCut) {
    run([] {
        EXPECT_EQ(with_timeout(-1s,
                               [] {
                                   Group const group;
                                   Pool const pool{1};
                                   return 5;
                               }),
                  5);
    });
}

TEST_P(DeadlineDestructor, DropsWhatIsQueued) {
    run([] {
        Sleepers sleepers;
        std::atomic<bool> ran{false};
        Pool pool{1};
        EXPECT_THROW(with_timeout(2ms,
                                  [&] {
                                      Group group{pool};
                                      group.spawn([&] { sleepers.sleep(); });
                                      group.spawn([&] { ran = true; });
                                      sleepers.wait_for(1);
                                  }),
                     TimedOut);
        EXPECT_FALSE(ran);
        EXPECT_EQ(sleepers.cut(), 1);
        EXPECT_EQ(pool.free_count(), 1U);
        EXPECT_EQ(pool.run([] { return 1; }), 1); // nobody else is affected
    });
}

TEST_P(DeadlineDestructor, OfTheOuterScopeIsThrownThere) {
    run([] {
        Sleepers sleepers;
        int scope = 0;
        try {
            with_timeout(2ms, [&] {
                try {
                    with_timeout(1h, [&] {
                        Group group;
                        group.spawn([&] { sleepers.sleep(); });
                        sleepers.wait_for(1);
                    });
                } catch (TimedOut const&) {
                    scope = 2;
                }
            });
        } catch (TimedOut const&) {
            scope = 1;
        }
        EXPECT_EQ(scope, 1);
        EXPECT_EQ(sleepers.cut(), 1);
    });
}

TEST_P(DeadlineDestructor, OfTheInnerScopeIsThrownThere) {
    run([] {
        Sleepers sleepers;
        int scope = 0;
        with_timeout(1h, [&] {
            try {
                with_timeout(1ms, [&] {
                    Group group;
                    group.spawn([&] { sleepers.sleep(); });
                });
            } catch (TimedOut const&) {
                scope = 2;
            }
        });
        EXPECT_EQ(scope, 2);
    });
}

TEST_P(DeadlineDestructor, OfTwoScopesThatHavePassedTheOuterThrows) {
    run([] {
        Sleepers sleepers;
        int scope = 0;
        try {
            with_timeout(0s, [&] {
                try {
                    with_timeout(0s, [&] {
                        Group group;
                        group.spawn([&] { sleepers.sleep(); });
                    });
                } catch (TimedOut const&) {
                    scope = 2;
                }
            });
        } catch (TimedOut const&) {
            scope = 1;
        }
        EXPECT_EQ(scope, 1);
    });
}

TEST_P(DeadlineDestructor, EachOfSeveralPassesItOn) {
    run([] {
        Sleepers sleepers;
        EXPECT_THROW(with_timeout(2ms,
                                  [&] {
                                      Pool pool{2};
                                      pool.spawn([&] { sleepers.sleep(); });
                                      Group unbound;
                                      unbound.spawn([&] { sleepers.sleep(); });
                                      Group bound{pool};
                                      bound.spawn([&] { sleepers.sleep(); });
                                      sleepers.wait_for(3);
                                  }),
                     TimedOut);
        EXPECT_EQ(sleepers.cut(), 3);
    });
}

TEST_P(DeadlineDestructor, GoesDownAllLevels) {
    run([] {
        Sleepers sleepers;
        Pool pool{1};
        EXPECT_THROW(with_timeout(5ms,
                                  [&] {
                                      Group one{pool};
                                      one.spawn([&] {
                                          Group two{pool};
                                          two.spawn([&] {
                                              Group three{pool};
                                              three.spawn([&] { sleepers.sleep(); });
                                          });
                                      });
                                  }),
                     TimedOut);
        EXPECT_LE(sleepers.cut(), 1); // where the machine is slow the innermost never started
        EXPECT_TRUE(pool.empty());
        EXPECT_EQ(pool.free_count(), 1U);
    });
}

TEST_P(DeadlineDestructor, OfAPoolCancelsWhatIsBoundToIt) {
    run([] {
        Sleepers sleepers;
        EXPECT_THROW(with_timeout(3ms,
                                  [&] {
                                      std::optional<Group> group; // outlives the pool
                                      Pool pool{2};
                                      group.emplace(pool);
                                      group->spawn([&] { sleepers.sleep(); });
                                      pool.spawn([&] { sleepers.sleep(); });
                                      sleepers.wait_for(2);
                                  }),
                     TimedOut);
        EXPECT_EQ(sleepers.cut(), 2);
    });
}

TEST_P(DeadlineDestructor, OfAGroupOnAnotherThreadPassesItOnToThere) {
    run([] {
        Sleepers sleepers;
        Pool pool{1};
        on_other_thread([&] {
            EXPECT_THROW(with_timeout(20ms,
                                      [&] {
                                          Group group{pool};
                                          group.spawn([&] { sleepers.sleep(); });
                                          sleepers.wait_for(1);
                                      }),
                         TimedOut);
        });
        EXPECT_EQ(sleepers.cut(), 1);
    });
}

TEST_P(DeadlineDestructor, AwaitsCleanUpHoweverLong) {
    run([] {
        std::atomic<bool> cleaned_up{false};
        EXPECT_THROW(with_timeout(2ms,
                                  [&] {
                                      Group group;
                                      group.spawn([&] {
                                          try {
                                              frond::sleep_for(1h);
                                          } catch (...) {
                                              Shield const shield;
                                              frond::sleep_for(5ms);
                                              cleaned_up = true;
                                              throw;
                                          }
                                      });
                                  }),
                     TimedOut);
        EXPECT_TRUE(cleaned_up);
    });
}

TEST_P(DeadlineDestructor, InAShieldDoesNotPassItOn) {
    run([] {
        std::atomic<bool> finished{false};
        EXPECT_EQ(with_timeout(1ms,
                               [&] {
                                   Shield const shield;
                                   Group group;
                                   group.spawn([&] {
                                       frond::sleep_for(4ms);
                                       finished = true;
                                   });
                                   return 5;
                               }),
                  5);
        EXPECT_TRUE(finished);
    });
}

TEST_P(DeadlineDestructor, WhileAnErrorUnwindsTheErrorPasses) {
    run([] {
        Sleepers sleepers;
        EXPECT_THROW(with_timeout(1ms,
                                  [&] {
                                      Group group;
                                      auto const task = group.spawn([&] { sleepers.sleep(); });
                                      yield_until([&] { return task.state() == TaskState::waiting; });
                                      throw std::range_error{"first"};
                                  }),
                     std::range_error);
        EXPECT_EQ(sleepers.cut(), 1);
    });
}

TEST_P(DeadlineDestructor, OfARuntimeCancelsWhatLivesInIt) {
    run([] {
        Sleepers sleepers;
        std::unique_ptr<Group> group;
        EXPECT_THROW(with_timeout(5ms,
                                  [&] {
                                      std::optional<Runtime> runtime;
                                      {
                                          // On a loaded machine the threads begin later than the deadline.
                                          Shield const shield;
                                          runtime.emplace(frond::RuntimeOptions{.threads = 2});
                                          group = runtime->run([] { return std::make_unique<Group>(); });
                                          group->spawn([&] { sleepers.sleep(); });
                                          sleepers.wait_for(1);
                                      }
                                  }),
                     TimedOut);
        EXPECT_EQ(sleepers.cut(), 1);
        EXPECT_TRUE(group->empty());
    });
}

TEST_P(DeadlineDestructor, OfATaskThatIsCancelledLeavesThatCancelled) {
    run([] {
        Sleepers sleepers;
        Gate inside;
        Group owners;
        auto const owner = owners.spawn([&] {
            with_timeout(1h, [&] {
                Group group;
                auto const task = group.spawn([&] { sleepers.sleep(); });
                yield_until([&] { return task.state() == TaskState::waiting; });
                inside.open();
            });
            frond::yield(); // the first wait after the destructor
        });
        inside.pass();
        EXPECT_TRUE(owner.cancel());
        EXPECT_EQ(sleepers.cut(), 1);
    });
}

} // namespace
