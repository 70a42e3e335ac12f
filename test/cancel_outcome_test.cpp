#include <frond/task.hpp>

#include "support/gate.hpp"
#include "support/threads_test.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::Group;
using frond::Pool;
using frond::Shield;
using frond::Task;
using frond::TaskState;
using frond::test::Gate;
using frond::test::until_waiting;
using frond::test::yield_until;

namespace {

class CancelOutcome : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, CancelOutcome, testing::Values(0, 1, 2, 4));

/// Sleeps for as long as any test lasts.
void sleep_long() { frond::sleep_for(1h); }

std::string reason_of(std::exception_ptr const& error) {
    try {
        if (error) std::rethrow_exception(error);
    } catch (Cancelled const& c) {
        return std::string{c.reason()};
    } catch (...) {
        return "another exception";
    }
    return "nothing";
}

TEST_P(CancelOutcome, WhoIgnoresItDeliversItsResult) {
    run([] {
        Gate gate;
        Group group;
        auto const task = group.spawn([&gate] {
            Shield const shield;
            gate.pass();
            return 7;
        });
        yield_until([&] { return task.state() != TaskState::queued; });
        task.request_cancel();
        gate.open();
        EXPECT_FALSE(task.cancel());
        EXPECT_EQ(task.get(), 7);
    });
}

TEST_P(CancelOutcome, AnErrorOfItsCleanUpIsItsError) {
    run([] {
        Group group;
        auto const task = group.spawn([] {
            try {
                sleep_long();
            } catch (Cancelled const&) {
                throw std::range_error{"while cleaning up"};
            }
        });
        until_waiting(task);
        EXPECT_FALSE(task.cancel());
        EXPECT_EQ(task.state(), TaskState::failed);
        EXPECT_THROW(group.join(), std::range_error);
    });
}

TEST_P(CancelOutcome, AnEndedOneStaysAsItIs) {
    run([] {
        Group group;
        auto const done = group.spawn([] { return 1; });
        auto const failed = group.spawn([] { throw 5; });
        done.wait();
        failed.wait();
        EXPECT_FALSE(done.cancel());
        EXPECT_FALSE(failed.cancel());
        EXPECT_EQ(done.get(), 1);
        EXPECT_EQ(failed.state(), TaskState::failed);
        EXPECT_THROW(group.join(), int);
    });
}

TEST_P(CancelOutcome, AResultThatHasComeWins) {
    run([] {
        Gate gate;
        Task<int> second; // outlives the task that cancels it
        Group group;
        auto const awaited = group.spawn([&gate] {
            gate.pass();
            return 7;
        });
        // Both are told at the same moment, in the order in which they wait.
        auto const first = group.spawn([&] {
            awaited.wait();
            second.request_cancel();
        });
        until_waiting(first);
        second = group.spawn([&] { return awaited.get(); });
        until_waiting(second);
        gate.open();
        second.wait();
        EXPECT_EQ(second.state(), TaskState::done);
        EXPECT_EQ(second.get(), 7);
    });
}

TEST_P(CancelOutcome, CancellationBeforeTheResultWins) {
    run([] {
        Gate gate;
        Group group;
        auto const awaited = group.spawn([&gate] { gate.pass(); });
        auto const waiter = group.spawn([&] { awaited.get(); });
        until_waiting(waiter);
        waiter.request_cancel();
        gate.open();
        waiter.wait();
        EXPECT_EQ(waiter.state(), TaskState::cancelled);
    });
}

TEST_P(CancelOutcome, GetErrorAndReasonTellAboutIt) {
    run([] {
        Pool pool{1};
        auto const running = pool.spawn(&sleep_long);
        auto const queued = pool.spawn(&sleep_long);
        until_waiting(running);
        EXPECT_EQ(pool.cancel("enough"), 2U);
        EXPECT_THROW(running.get(), Cancelled);
        EXPECT_THROW(queued.get(), Cancelled);
        EXPECT_EQ(reason_of(running.error()), "enough");
        EXPECT_EQ(reason_of(queued.error()), "enough");
        EXPECT_NO_THROW(running.wait());
        EXPECT_NO_THROW(pool.join());
        EXPECT_TRUE(pool.errors().empty());
    });
}

TEST_P(CancelOutcome, ThatThrowsCancelledItselfEndsCancelled) {
    run([] {
        Pool pool{1};
        auto const task = pool.spawn([] { throw Cancelled{"by myself"}; });
        auto const next = pool.spawn([] { return 1; });
        EXPECT_EQ(next.get(), 1);
        EXPECT_EQ(task.state(), TaskState::cancelled);
        EXPECT_EQ(reason_of(task.error()), "by myself");
        EXPECT_NO_THROW(pool.join());
        EXPECT_EQ(pool.free_count(), 1U);
    });
}

} // namespace
