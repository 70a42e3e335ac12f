#include <frond/task.hpp>

#include "support/gate.hpp"
#include "support/lives.hpp"
#include "support/threads_test.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <type_traits>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::Group;
using frond::Pool;
using frond::Shield;
using frond::Task;
using frond::TaskState;
using frond::test::Gate;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::until_waiting;
using frond::test::yield_until;

namespace {

static_assert(!std::is_base_of_v<std::exception, Cancelled>);

class CancelTask : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, CancelTask, testing::Values(0, 1, 2, 4));

/// Sleeps for as long as any test lasts.
void sleep_long() { frond::sleep_for(1h); }

TEST_P(CancelTask, QueuedInItsPoolItNeverStartsAndItsCallableDiesAtOnce) {
    run([] {
        Lives lives;
        std::atomic<bool> ran{false};
        Pool pool{1};
        auto const holder = pool.spawn(&sleep_long);
        auto const queued = pool.spawn([&ran, mortal = Mortal{lives}] { ran = true; });
        EXPECT_TRUE(queued.cancel());
        EXPECT_EQ(queued.state(), TaskState::cancelled);
        EXPECT_EQ(lives.alive(), 0);
        EXPECT_EQ(pool.pending(), 0U);
        EXPECT_FALSE(holder.ready());
        EXPECT_TRUE(holder.cancel());
        EXPECT_FALSE(ran);
    });
}

TEST_P(CancelTask, InTheRunQueueItNeverStarts) {
    run([] {
        Lives lives;
        std::atomic<bool> ran{false};
        Group group;
        // Pinned, or another thread might start it before the next line.
        auto const task = group.spawn({.pinned = true}, [&ran, mortal = Mortal{lives}] { ran = true; });
        EXPECT_TRUE(task.cancel());
        EXPECT_EQ(lives.alive(), 0);
        EXPECT_FALSE(ran);
        EXPECT_NO_THROW(group.join());
    });
}

TEST_P(CancelTask, AdmittedButNotStartedItGivesItsSlotBack) {
    run([] {
        Pool pool{1};
        auto const admitted = pool.spawn({.pinned = true}, [] { return 1; });
        auto const next = pool.spawn([] { return 2; });
        EXPECT_TRUE(admitted.cancel());
        EXPECT_EQ(next.get(), 2);
        EXPECT_EQ(pool.stats().admitted, 2U);
        EXPECT_EQ(pool.stats().completed, 2U);
        pool.join();
        EXPECT_EQ(pool.free_count(), 1U);
    });
}

TEST_P(CancelTask, DelayedItEndsBeforeItsTime) {
    run([] {
        Lives lives;
        std::atomic<bool> ran{false};
        Group group;
        auto const task = group.spawn_after(1h, [&ran, mortal = Mortal{lives}] { ran = true; });
        EXPECT_TRUE(task.cancel());
        EXPECT_EQ(lives.alive(), 0);
        EXPECT_TRUE(group.empty());
        EXPECT_FALSE(ran);
    });
}

TEST_P(CancelTask, WaitingItGetsCancelledAndItsEndIsAwaited) {
    run([] {
        std::atomic<bool> cleaned_up{false};
        Group group;
        auto const task = group.spawn([&] {
            try {
                sleep_long();
            } catch (...) {
                Shield const shield;
                frond::sleep_for(1ms);
                cleaned_up = true;
                throw;
            }
        });
        until_waiting(task);
        EXPECT_TRUE(task.cancel());
        EXPECT_TRUE(cleaned_up);
        EXPECT_TRUE(task.ready());
        EXPECT_EQ(task.state(), TaskState::cancelled);
    });
}

TEST_P(CancelTask, RequestCancelDoesNotWait) {
    run([] {
        Gate gate;
        Group group;
        auto const task = group.spawn([&gate] {
            Shield const shield;
            gate.pass();
        });
        yield_until([&] { return task.state() != TaskState::queued; });
        task.request_cancel();
        EXPECT_FALSE(task.ready());
        gate.open();
        task.wait();
    });
}

TEST_P(CancelTask, HandlersOfStdExceptionDoNotTakeItForAnError) {
    run([] {
        std::atomic<bool> taken{false};
        Group group;
        auto const task = group.spawn([&] {
            try {
                sleep_long();
            } catch (std::exception const&) {
                taken = true;
            }
        });
        until_waiting(task);
        EXPECT_TRUE(task.cancel());
        EXPECT_FALSE(taken);
    });
}

TEST_P(CancelTask, ALevelNotAnEdgeItComesAgainAfterItWasSwallowed) {
    run([] {
        std::atomic<int> caught{0};
        Group group;
        auto const task = group.spawn([&] {
            for (int i = 0; i < 5; ++i) {
                try {
                    sleep_long();
                } catch (Cancelled const&) {
                    ++caught;
                }
            }
        });
        until_waiting(task);
        EXPECT_FALSE(task.cancel()); // it ended well in the end
        EXPECT_EQ(caught, 5);
        EXPECT_EQ(task.state(), TaskState::done);
    });
}

TEST_P(CancelTask, TwiceIsOnce) {
    run([] {
        Lives lives;
        std::atomic<int> caught{0};
        Pool pool{1};
        auto const running = pool.spawn([&] {
            try {
                sleep_long();
            } catch (...) {
                ++caught;
                throw;
            }
        });
        auto const queued = pool.spawn([mortal = Mortal{lives}] {});
        until_waiting(running);
        for (int i = 0; i < 2; ++i) {
            queued.request_cancel();
            running.request_cancel();
        }
        EXPECT_TRUE(running.cancel());
        EXPECT_TRUE(queued.cancel());
        EXPECT_TRUE(running.cancel());
        EXPECT_EQ(caught, 1);
        EXPECT_EQ(lives.born, lives.died);
    });
}

TEST(CancelTaskHandle, EmptyItThrowsAndRequestsNothing) {
    Task<int> const empty;
    EXPECT_THROW(empty.cancel(), std::logic_error);
    EXPECT_NO_THROW(empty.request_cancel());
}

TEST_P(CancelTask, ByItselfItThrowsAtOnce) {
    run([] {
        Task<void> self;
        Gate ready;
        std::atomic<int> steps{0};
        Group group;
        self = group.spawn([&] {
            ready.pass();
            ++steps;
            self.cancel();
            ++steps;
        });
        ready.open();
        self.wait();
        EXPECT_EQ(self.state(), TaskState::cancelled);
        EXPECT_EQ(steps, 1);
    });
}

TEST_P(CancelTask, ByItselfItThrowsAtOnceEvenInAShield) {
    run([] {
        Task<void> self;
        Gate ready;
        std::atomic<bool> thrown{false};
        Group group;
        self = group.spawn([&] {
            ready.pass();
            try {
                Shield const shield;
                self.cancel();
            } catch (Cancelled const&) {
                thrown = true;
            }
        });
        ready.open();
        self.wait();
        EXPECT_TRUE(thrown);
    });
}

TEST_P(CancelTask, ARequestByItselfTakesEffectAtItsNextWait) {
    run([] {
        Task<void> self;
        Gate ready;
        std::atomic<int> steps{0};
        Group group;
        self = group.spawn([&] {
            ready.pass();
            self.request_cancel();
            ++steps;
            frond::yield();
            ++steps;
        });
        ready.open();
        self.wait();
        EXPECT_EQ(self.state(), TaskState::cancelled);
        EXPECT_EQ(steps, 1);
    });
}

TEST_P(CancelTask, OthersOfItsGroupGoOn) {
    run([] {
        Group group;
        Gate gate;
        auto const victim = group.spawn(&sleep_long);
        auto const other = group.spawn([&gate] {
            gate.pass();
            frond::yield();
            return 3;
        });
        until_waiting(victim);
        EXPECT_TRUE(victim.cancel());
        EXPECT_EQ(group.spawn([] { return 4; }).get(), 4);
        gate.open();
        EXPECT_EQ(other.get(), 3);
    });
}

} // namespace
