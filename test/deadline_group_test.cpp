// Deadlines of groups, and of tasks that were given one when they were spawned.

#include <frond/group.hpp>

#include "support/gate.hpp"
#include "support/lives.hpp"
#include "support/other_thread.hpp"
#include "support/scale.hpp"
#include "support/threads_test.hpp"
#include "support/unhandled_errors.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/pool.hpp>
#include <frond/runtime.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <stdexcept>
#include <utility>

using namespace std::chrono_literals;
using frond::Clock;
using frond::Group;
using frond::Pool;
using frond::Runtime;
using frond::Shield;
using frond::Task;
using frond::TaskState;
using frond::TimedOut;
using frond::test::Gate;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::on_other_thread;
using frond::test::scaled;
using frond::test::UnhandledErrors;
using frond::test::yield_until;

namespace {

class DeadlineOf : public frond::test::ThreadsTest {};
using DeadlineOfGroup = DeadlineOf;
using DeadlineOfTask = DeadlineOf;
INSTANTIATE_TEST_SUITE_P(Threads, DeadlineOfGroup, testing::Values(0, 1, 2, 4));
INSTANTIATE_TEST_SUITE_P(Threads, DeadlineOfTask, testing::Values(0, 1, 2, 4));

void sleep_long() { frond::sleep_for(1h); }

/// Spawns two that sleep and one that never starts, and joins.
void expect_timed_out_join(Pool& pool, Group& group) {
    Lives lives;
    std::atomic<bool> ran{false};
    auto const sleeper = group.spawn(&sleep_long);
    auto const queued = group.spawn([&ran, mortal = Mortal{lives}] { ran = true; });
    EXPECT_THROW(group.join(), TimedOut);
    EXPECT_EQ(sleeper.state(), TaskState::cancelled);
    EXPECT_EQ(queued.state(), TaskState::cancelled);
    EXPECT_FALSE(ran);
    EXPECT_EQ(lives.alive(), 0);
    EXPECT_EQ(pool.free_count(), 1U);
}

// --- groups -----------------------------------------------------------------------------------------------

TEST_P(DeadlineOfGroup, CancelsEverythingAndJoinThrowsTimedOutOnce) {
    run([] {
        auto const start = Clock::now();
        Pool pool{1};
        Group group{pool, {.timeout = 2ms}};
        expect_timed_out_join(pool, group);
        EXPECT_GE(Clock::now() - start + 1ms, 2ms);
        EXPECT_NO_THROW(group.join());
    });
}

TEST_P(DeadlineOfGroup, EveryJoinerOfThatQuiescenceGetsIt) {
    run([] {
        Group group{{.timeout = 5ms}};
        Group joiners;
        group.spawn(&sleep_long);
        auto const a = joiners.spawn([&group] { group.join(); });
        auto const b = joiners.spawn([&group] { return group.join_for(1h); });
        EXPECT_THROW(a.get(), TimedOut);
        EXPECT_THROW(b.get(), TimedOut);
        EXPECT_NO_THROW(group.join());
    });
}

TEST_P(DeadlineOfGroup, IsThrownBeforeTheErrorsOfItsTasks) {
    run([] {
        Group group{{.timeout = 2ms}};
        group.spawn([] { throw std::range_error{"of a task"}; });
        group.spawn(&sleep_long);
        EXPECT_THROW(group.join(), TimedOut);
        EXPECT_THROW(group.join(), std::range_error);
        EXPECT_NO_THROW(group.join());
    });
}

TEST_P(DeadlineOfGroup, ThatPassesWithNothingToDoIsNoError) {
    run([] {
        Group group{{.timeout = 1ms}};
        EXPECT_EQ(group.spawn([] { return 3; }).get(), 3);
        group.join();
        frond::sleep_for(3ms);
        EXPECT_NO_THROW(group.join());
    });
}

TEST_P(DeadlineOfGroup, AfterItWhatIsSpawnedEndsCancelledAndJoinSaysSo) {
    run([] {
        std::atomic<bool> ran{false};
        Group group{{.timeout = 0s}};
        frond::sleep_for(1ms);
        for (int i = 0; i < 2; ++i) {
            auto const late = group.spawn([&ran] { ran = true; });
            late.wait();
            EXPECT_EQ(late.state(), TaskState::cancelled);
            EXPECT_THROW(group.join(), TimedOut);
        }
        EXPECT_FALSE(ran);
    });
}

TEST_P(DeadlineOfGroup, ForeverAndFarAwayLeaveItAlone) {
    run([] {
        Group group{{.timeout = frond::forever}};
        Group far{{.timeout = 1h}};
        EXPECT_EQ(group.spawn([] { return 1; }).get(), 1);
        EXPECT_EQ(far.spawn([] { return 2; }).get(), 2);
        EXPECT_NO_THROW(group.join());
        EXPECT_NO_THROW(far.join());
    });
}

TEST_P(DeadlineOfGroup, TaskThatIgnoresItIsAwaited) {
    run([] {
        Group group{{.timeout = 1ms}};
        auto const task = group.spawn([] {
            Shield const shield;
            frond::sleep_for(4ms);
            return 5;
        });
        EXPECT_THROW(group.join(), TimedOut);
        EXPECT_EQ(task.get(), 5);
    });
}

TEST_P(DeadlineOfGroup, ThatNobodySawIsReportedByTheDestructor) {
    UnhandledErrors const unhandled;
    run([] {
        Task<void> task;
        {
            Group group{{.timeout = 1ms}};
            task = group.spawn(&sleep_long);
        }
        EXPECT_EQ(task.state(), TaskState::cancelled);
    });
    ASSERT_EQ(unhandled.seen().size(), 1U);
    EXPECT_THROW(std::rethrow_exception(unhandled.seen()[0].error), TimedOut);
}

TEST_P(DeadlineOfGroup, OfAPoolIsForItsOwnTasks) {
    run([] {
        Pool pool{{.limit = 2, .group = {.timeout = 2ms}}};
        Group bound{pool};
        auto const own = pool.spawn(&sleep_long);
        auto const other = bound.spawn([] {
            frond::sleep_for(5ms);
            return 1;
        });
        EXPECT_THROW(pool.join(), TimedOut);
        EXPECT_EQ(own.state(), TaskState::cancelled);
        EXPECT_EQ(other.get(), 1);
    });
}

TEST_P(DeadlineOfGroup, MadeOnAnotherThreadThanItsPools) {
    run([] {
        Pool pool{1};
        on_other_thread([&pool] {
            Group group{pool, {.timeout = 5ms}};
            expect_timed_out_join(pool, group);
        });
    });
}

TEST_P(DeadlineOfGroup, MadeByATaskOfAnotherRuntime) {
    run([] {
        Pool pool{1};
        Runtime{{.threads = 1}}.run([&pool] {
            Group group{pool, {.timeout = 5ms}};
            expect_timed_out_join(pool, group);
        });
    });
}

TEST_P(DeadlineOfGroup, ManyDieBeforeTheirs) {
    run([] {
        for (std::size_t i = 0; i < scaled(2000); ++i) {
            Group group{{.timeout = 1h}};
            group.spawn([] {});
        }
    });
}

TEST_P(DeadlineOfGroup, ManyDieAtTheirs) {
    UnhandledErrors const unhandled;
    run([] {
        Group owners;
        for (std::size_t i = 0; i < scaled(200); ++i)
            owners.spawn([i] {
                Group group{{.timeout = std::chrono::microseconds{i % 50}}};
                group.spawn([] { frond::sleep_for(20us); });
                group.spawn([] {});
            });
        EXPECT_NO_THROW(owners.join());
    });
}

TEST_P(DeadlineOfGroup, ManyMadeElsewhereDieAtTheirs) {
    UnhandledErrors const unhandled;
    run([] {
        Pool pool{4};
        on_other_thread([&pool] {
            for (std::size_t i = 0; i < scaled(200); ++i) {
                Group group{pool, {.timeout = std::chrono::microseconds{i % 50}}};
                group.spawn([] { frond::yield(); });
            }
        });
        pool.join();
        EXPECT_EQ(pool.free_count(), 4U);
    });
}

TEST_P(DeadlineOfGroup, MadeByOneTaskDiesInAnother) {
    UnhandledErrors const unhandled;
    run([] {
        Group owners;
        for (std::size_t i = 0; i < scaled(100); ++i) {
            auto group = owners
                             .spawn([i] {
                                 return std::make_unique<Group>(frond::GroupOptions{
                                     .timeout = i % 2 == 0 ? 1h : std::chrono::nanoseconds{20us}});
                             })
                             .get();
            owners.spawn([mine = std::move(group)]() mutable { mine.reset(); });
        }
        EXPECT_NO_THROW(owners.join());
    });
}

// --- tasks ------------------------------------------------------------------------------------------------

TEST_P(DeadlineOfTask, PassedItFailsWithTimedOut) {
    run([] {
        Group group;
        auto const task = group.spawn({.timeout = 2ms}, &sleep_long);
        EXPECT_THROW(task.get(), TimedOut);
        EXPECT_EQ(task.state(), TaskState::failed);
        EXPECT_NO_THROW(group.join()); // it was seen
        group.spawn({.timeout = 0s}, &sleep_long);
        EXPECT_THROW(group.join(), TimedOut);
    });
}

TEST_P(DeadlineOfTask, InTimeItGivesItsResult) {
    run([] {
        Group group;
        EXPECT_EQ(group.spawn({.timeout = 1h}, [] { return 3; }).get(), 3);
        EXPECT_EQ(group.spawn({.timeout = frond::forever}, [] { return 4; }).get(), 4);
        EXPECT_THROW(group.spawn({.timeout = 1h}, [] { throw 5; }).get(), int);
    });
}

TEST_P(DeadlineOfTask, ItsOwnIsKnownToIt) {
    run([] {
        Group group;
        auto const before = Clock::now();
        auto const deadline = group.spawn({.timeout = 1h}, [] { return frond::this_task::deadline(); }).get();
        ASSERT_TRUE(deadline);
        EXPECT_GE(*deadline, before + 1h);
    });
}

TEST_P(DeadlineOfTask, LateResultOfOneThatIgnoresItIsDelivered) {
    run([] {
        Group group;
        auto const task = group.spawn({.timeout = 1ms}, [] {
            Shield const shield;
            frond::sleep_for(3ms);
            return 7;
        });
        EXPECT_EQ(task.get(), 7);
    });
}

TEST_P(DeadlineOfTask, CancelledItIsCancelledAndNotLate) {
    run([] {
        Group group;
        auto const task = group.spawn({.timeout = 1h}, &sleep_long);
        yield_until([&] { return task.state() == TaskState::waiting; });
        EXPECT_TRUE(task.cancel());
        EXPECT_EQ(task.state(), TaskState::cancelled);
    });
}

TEST_P(DeadlineOfTask, OfAPoolAppliesToEveryTaskBoundToIt) {
    run([] {
        Pool pool{{.limit = 2, .task_timeout = 2ms}};
        Group group{pool};
        EXPECT_THROW(pool.spawn(&sleep_long).get(), TimedOut);
        EXPECT_THROW(group.spawn(&sleep_long).get(), TimedOut);
        EXPECT_THROW(group.spawn({.timeout = 1h}, &sleep_long).get(), TimedOut);
        EXPECT_EQ(pool.free_count(), 2U);
    });
}

TEST_P(DeadlineOfTask, TheNearerOfItsOwnAndItsPoolsApplies) {
    run([] {
        Pool pool{{.limit = 1, .task_timeout = 1h}};
        EXPECT_THROW(pool.spawn({.timeout = 1ms}, &sleep_long).get(), TimedOut);
    });
}

TEST_P(DeadlineOfTask, TimeInTheQueueDoesNotCount) {
    run([] {
        Gate gate;
        Pool pool{1};
        pool.spawn([&gate] { gate.pass(); });
        auto const task = pool.spawn({.timeout = 200ms}, [] {
            frond::yield();
            return 1;
        });
        frond::sleep_for(250ms);
        gate.open();
        EXPECT_EQ(task.get(), 1);
    });
}

TEST_P(DeadlineOfTask, TimeUntilADelayedOneStartsDoesNotCount) {
    run([] {
        Pool pool{{.limit = 1, .task_timeout = 100ms}};
        auto const task = pool.spawn_after(150ms, [] {
            frond::yield();
            return 1;
        });
        EXPECT_EQ(task.get(), 1);
    });
}

TEST_P(DeadlineOfTask, IsItsOwnAndNotItsWaiters) {
    run([] {
        Group group;
        auto const late = group.spawn({.timeout = 1ms}, &sleep_long);
        int caught = 0;
        frond::with_timeout(1h, [&] {
            try {
                late.get();
            } catch (TimedOut const&) {
                ++caught;
            }
            frond::yield();
        });
        EXPECT_EQ(caught, 1);
    });
}

TEST_P(DeadlineOfTask, EndsWhatItsDestructorsWaitFor) {
    run([] {
        Group group;
        Task<void> child;
        auto const task = group.spawn({.timeout = 2ms}, [&child] {
            Group children;
            child = children.spawn(&sleep_long);
        });
        EXPECT_THROW(task.get(), TimedOut);
        EXPECT_EQ(child.state(), TaskState::cancelled);
    });
}

} // namespace
