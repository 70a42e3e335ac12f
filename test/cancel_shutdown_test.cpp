#include <frond/pool.hpp>

#include "support/gate.hpp"
#include "support/threads_test.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>

using namespace std::chrono_literals;
using frond::Closed;
using frond::Group;
using frond::Pool;
using frond::Shield;
using frond::Task;
using frond::TaskState;
using frond::TimedOut;
using frond::test::Gate;
using frond::test::until_waiting;

namespace {

class CancelShutdown : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, CancelShutdown, testing::Values(0, 1, 2, 4));

void sleep_long() { frond::sleep_for(1h); }

TEST_P(CancelShutdown, ShutdownThatFinishesInTimeCancelsNothing) {
    run([] {
        std::atomic<int> ran{0};
        Pool pool{1};
        Group group{pool};
        for (int i = 0; i < 3; ++i) group.spawn([&ran] { ++ran; });
        EXPECT_TRUE(pool.shutdown(1h));
        EXPECT_EQ(ran, 3);
        EXPECT_THROW(pool.spawn([] {}), Closed);
        EXPECT_THROW(group.spawn([] {}), Closed);
        EXPECT_TRUE(pool.shutdown(0s)); // once more
    });
}

TEST_P(CancelShutdown, ShutdownCancelsAllGroupsOfThePoolAfterItsGrace) {
    run([] {
        std::atomic<bool> ran{false};
        Pool pool{2};
        Group group{pool};
        auto const own = pool.spawn(&sleep_long);
        auto const bound = group.spawn(&sleep_long);
        auto const queued = group.spawn([&ran] { ran = true; });
        until_waiting(own);
        until_waiting(bound);
        auto const start = frond::Clock::now();
        EXPECT_FALSE(pool.shutdown(2ms));
        EXPECT_GE(frond::Clock::now() - start, 2ms);
        for (auto const& each : {own, bound, queued}) EXPECT_EQ(each.state(), TaskState::cancelled);
        EXPECT_FALSE(ran);
        EXPECT_EQ(pool.free_count(), 2U);
    });
}

TEST_P(CancelShutdown, ShutdownWithoutGraceAwaitsCleanUp) {
    run([] {
        std::atomic<bool> cleaned_up{false};
        Pool pool{1};
        auto const task = pool.spawn([&cleaned_up] {
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
        EXPECT_FALSE(pool.shutdown(0s));
        EXPECT_TRUE(cleaned_up);
    });
}

TEST_P(CancelShutdown, ShutdownTurnsSubmittersAway) {
    run([] {
        Pool pool{{.limit = 1, .max_pending = 1}};
        Group spawners;
        pool.spawn(&sleep_long);
        pool.spawn(&sleep_long);
        auto const submitter = spawners.spawn([&] { pool.spawn([] {}); });
        until_waiting(submitter);
        EXPECT_FALSE(pool.shutdown(0s));
        EXPECT_THROW(submitter.get(), Closed);
    });
}

TEST_P(CancelShutdown, ADestructorInACancelledTaskPassesItOnToEverythingBound) {
    run([] {
        Group owners;
        std::atomic<int> cut{0};
        Gate both;
        auto const sleeps = [&cut] {
            try {
                sleep_long();
            } catch (...) {
                ++cut;
                throw;
            }
        };
        auto const owner = owners.spawn([&] {
            std::optional<Group> group; // outlives the pool
            Pool pool{2};
            group.emplace(pool);
            auto const own = pool.spawn(sleeps);
            auto const bound = group->spawn(sleeps);
            until_waiting(own);
            until_waiting(bound);
            both.open();
        });
        both.pass();
        until_waiting(owner);
        owner.cancel();
        EXPECT_EQ(cut, 2);
    });
}

TEST_P(CancelShutdown, ADestructorUnderADeadlinePassesItOnAndTheScopeTimesOut) {
    run([] {
        Task<void> task;
        EXPECT_THROW(frond::with_timeout(2ms,
                                         [&] {
                                             Pool pool{1};
                                             task = pool.spawn(&sleep_long);
                                         }),
                     TimedOut);
        EXPECT_EQ(task.state(), TaskState::cancelled);
    });
}

} // namespace
