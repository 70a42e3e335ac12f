// Cancellation and deadlines where nothing else can happen any more, and where waits close a circle.

#include <frond/cancel.hpp>

#include "support/gate.hpp"
#include "support/stall_test.hpp"
#include "support/threads_test.hpp"

#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::Deadlock;
using frond::Group;
using frond::Pool;
using frond::Shield;
using frond::Task;
using frond::TaskState;
using frond::TimedOut;
using frond::test::Gate;
using frond::test::yield_until;

namespace {

using CancelStall = frond::test::StallTest;

/// With a limit of 0 nothing in it ever starts.
void pause(Pool& pool) { pool.resize(0); }

TEST_F(CancelStall, UnderADeadlineItIsAwaited) {
    Pool pool{1};
    pause(pool);
    auto const never = pool.spawn([] { return 1; });
    EXPECT_THROW(pool.join(), Deadlock); // without one
    EXPECT_THROW(frond::with_timeout(20ms, [&] { pool.join(); }), TimedOut);
    EXPECT_FALSE(frond::move_on_after(20ms, [&] { return never.get(); }));
    EXPECT_TRUE(never.cancel());
}

TEST_F(CancelStall, UnderADeadlineOfTheGroupItIsAwaited) {
    Pool pool{1};
    pause(pool);
    Group group{pool, {.timeout = 20ms}};
    group.spawn([] {});
    EXPECT_THROW(group.join(), TimedOut);
}

TEST_F(CancelStall, InTheTimeLimitOfATaskItIsAwaited) {
    Pool pool{1};
    pause(pool);
    auto const never = pool.spawn([] {});
    Group group;
    EXPECT_THROW(group.spawn({.timeout = 20ms}, [&never] { never.get(); }).get(), TimedOut);
    never.cancel();
}

TEST_F(CancelStall, AShieldThatEndsIsAwaited) {
    Pool pool{1};
    pause(pool);
    auto const never = pool.spawn([] {});
    Group group;
    auto const waiter = group.spawn([&] {
        Shield const shield{20ms};
        group.request_cancel();
        never.get();
    });
    waiter.wait();
    EXPECT_EQ(waiter.state(), TaskState::cancelled);
    never.cancel();
}

TEST_F(CancelStall, WhatItLeavesBehindCanBeCancelled) {
    Pool pool{1};
    pause(pool);
    auto const never = pool.spawn([] {});
    Group group;
    auto const waiter = group.spawn([&never] { never.get(); });
    EXPECT_THROW(group.join(), Deadlock);
    EXPECT_EQ(waiter.state(), TaskState::waiting);
    EXPECT_TRUE(waiter.cancel());
    EXPECT_TRUE(never.cancel());
}

TEST_F(CancelStall, ADestructorUnderADeadlineEndsWithIt) {
    Pool pool{1};
    pause(pool);
    EXPECT_THROW(frond::with_timeout(20ms,
                                     [&] {
                                         Group group{pool};
                                         group.spawn([] {});
                                     }),
                 TimedOut);
    EXPECT_EQ(pool.pending(), 0U);
}

/// In a runtime circles are found whoever else lives.
class CancelCircle : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, CancelCircle, testing::Values(0, 1, 2, 4));

TEST_P(CancelCircle, ADeadlineDoesNotExcuseAWaitForOneself) {
    run([] {
        Group group;
        auto const task = group.spawn([&group] { frond::with_timeout(1h, [&] { group.join(); }); });
        EXPECT_THROW(task.get(), Deadlock);
    });
}

TEST_P(CancelCircle, CancellingWhoWaitsForUsIsNone) {
    run([] {
        Group group;
        Task<void> waiter;
        Gate ready;
        auto const awaited = group.spawn([&] {
            ready.pass();
            yield_until([&] { return waiter.state() == TaskState::waiting; });
            return waiter.cancel();
        });
        waiter = group.spawn([&awaited] { static_cast<void>(awaited.get()); });
        ready.open();
        EXPECT_TRUE(awaited.get());
        EXPECT_EQ(waiter.state(), TaskState::cancelled);
    });
}

TEST_P(CancelCircle, CancellingTheGroupThatWaitsForUsIsNone) {
    run([] {
        Group outer;
        std::atomic<bool> reached{false};
        auto const root = outer.spawn([&] {
            Group inner;
            inner.spawn([&] {
                try {
                    outer.cancel();
                } catch (Cancelled const&) {
                    reached = true;
                    throw;
                }
            });
            inner.join();
        });
        outer.join();
        EXPECT_TRUE(reached);
        EXPECT_EQ(root.state(), TaskState::cancelled);
    });
}

} // namespace
