#include <frond/pool.hpp>

#include "support/gate.hpp"
#include "support/lives.hpp"
#include "support/threads_test.hpp"

#include <frond/cancel.hpp>
#include <frond/group.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <vector>

using namespace std::chrono_literals;
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

class CancelPool : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, CancelPool, testing::Values(0, 1, 2, 4));

void sleep_long() { frond::sleep_for(1h); }

/// Until the gate opens, whatever happens; it waits and does not spin.
void hold(Gate const& gate) {
    Shield const shield;
    while (!gate.is_open()) frond::sleep_for(50us);
}

// --- slots ------------------------------------------------------------------------------------------------

TEST_P(CancelPool, SlotsOfCancelledTasksGoToOthers) {
    run([] {
        Pool pool{2};
        Group doomed{pool};
        Group other{pool};
        std::vector<Task<void>> running;
        for (int i = 0; i < 2; ++i) running.push_back(doomed.spawn(&sleep_long));
        auto const next = other.spawn([] { return 1; });
        for (auto const& each : running) until_waiting(each);
        EXPECT_EQ(pool.free_count(), 0U);
        EXPECT_EQ(doomed.cancel(), 2U);
        EXPECT_EQ(next.get(), 1);
        other.join();
        EXPECT_EQ(pool.free_count(), 2U);
        EXPECT_EQ(pool.stats().overdraft_peak, 0U);
        EXPECT_EQ(pool.stats().completed, 3U);
    });
}

TEST_P(CancelPool, ACancelledQueueLeavesItsOrderToTheOthers) {
    run([] {
        std::vector<int> order; // guarded by the cap of one
        Gate gate;
        Pool pool{1};
        Group doomed{pool};
        Group other{pool};
        other.spawn([&gate] { gate.pass(); });
        for (int i = 0; i < 6; ++i) (i % 2 == 0 ? doomed : other).spawn([&order, i] { order.push_back(i); });
        doomed.request_cancel();
        EXPECT_EQ(pool.pending(), 0U); // of its own tasks
        EXPECT_EQ(pool.stats().pending, 3U);
        gate.open();
        other.join();
        EXPECT_EQ(order, (std::vector{1, 3, 5}));
    });
}

TEST_P(CancelPool, ALenderThatIsCancelledOverdrawsUntilThatIsRepaid) {
    run([] {
        Gate gate;
        std::atomic<bool> next_ran{false};
        Pool pool{1};
        Group children{pool};
        Task<void> child;
        auto const lender = pool.spawn([&] {
            child = children.spawn([&gate] { hold(gate); });
            child.get(); // in its slot
        });
        until_waiting(lender);
        yield_until([&] { return pool.stats().active == 1 && child && child.state() != TaskState::queued; });
        auto const next = pool.spawn([&next_ran] { next_ran = true; });
        EXPECT_TRUE(lender.cancel());
        EXPECT_EQ(pool.stats().overdraft_peak, 1U);
        EXPECT_FALSE(next_ran); // the child still has the only slot
        EXPECT_EQ(next.state(), TaskState::queued);
        gate.open();
        next.wait();
        children.join();
        pool.join();
        EXPECT_EQ(pool.free_count(), 1U);
        EXPECT_EQ(pool.stats().overdraft, 0U);
    });
}

TEST_P(CancelPool, ALoanEndsWithItsCancelledTask) {
    run([] {
        Pool pool{1};
        auto const lender = pool.spawn([&pool] {
            auto const loan = pool.release_slot();
            sleep_long();
        });
        until_waiting(lender);
        EXPECT_EQ(pool.free_count(), 1U);
        auto const other = pool.spawn(&sleep_long);
        until_waiting(other);
        EXPECT_TRUE(lender.cancel());
        EXPECT_EQ(pool.stats().overdraft_peak, 1U);
        EXPECT_TRUE(other.cancel());
        pool.join();
        EXPECT_EQ(pool.free_count(), 1U);
    });
}

// --- spawners that wait -----------------------------------------------------------------------------------

TEST_P(CancelPool, WhoIsCancelledInSpawnWaitNeverSpawned) {
    run([] {
        Lives lives;
        std::atomic<bool> ran{false};
        Gate gate;
        Pool pool{1};
        Group spawners;
        pool.spawn([&gate] { gate.pass(); });
        auto const spawner =
            spawners.spawn([&] { pool.spawn_wait([&ran, mortal = Mortal{lives}] { ran = true; }); });
        until_waiting(spawner);
        EXPECT_TRUE(spawner.cancel());
        EXPECT_EQ(lives.alive(), 0);
        EXPECT_EQ(pool.pending(), 0U);
        gate.open();
        pool.join();
        EXPECT_FALSE(ran);
        EXPECT_EQ(pool.free_count(), 1U);
    });
}

TEST_P(CancelPool, AMemberIsCancelledInSpawnWait) {
    run([] {
        std::atomic<bool> ran{false};
        Gate gate;
        Pool pool{2};
        pool.spawn([&gate] { gate.pass(); });
        auto const member = pool.spawn([&] {
            Group children{pool};
            children.spawn([&gate] { hold(gate); }); // takes the slot that the next line lends
            pool.spawn_wait([&ran] { ran = true; });
            pool.spawn_wait([&ran] { ran = true; });
            sleep_long();
        });
        yield_until([&] { return member.state() == TaskState::waiting && pool.stats().pending > 0; });
        member.request_cancel();
        gate.open();
        member.wait();
        pool.join();
        EXPECT_EQ(member.state(), TaskState::cancelled);
        EXPECT_EQ(pool.free_count(), 2U);
        EXPECT_EQ(pool.stats().overdraft, 0U);
        EXPECT_EQ(pool.stats().admitted, pool.stats().completed);
    });
}

TEST_P(CancelPool, SpawnWaitGivesACancelledTaskWhereThatIsCancelled) {
    run([] {
        std::atomic<bool> ran{false};
        Gate gate;
        Pool pool{1};
        Group doomed{pool};
        Group spawners;
        pool.spawn([&gate] { gate.pass(); });
        auto const spawner = spawners.spawn([&] {
            auto const task = doomed.spawn_wait([&ran] { ran = true; });
            EXPECT_EQ(task.state(), TaskState::cancelled);
        });
        yield_until([&] { return doomed.pending() == 1; });
        EXPECT_EQ(doomed.cancel(), 1U);
        EXPECT_NO_THROW(spawner.get());
        gate.open();
        pool.join();
        EXPECT_FALSE(ran);
    });
}

TEST_P(CancelPool, WhoIsCancelledInFrontOfAFullBacklogNeverSpawned) {
    run([] {
        Lives lives;
        std::atomic<int> ran{0};
        Gate gate;
        Pool pool{{.limit = 1, .max_pending = 1}};
        Group spawners;
        pool.spawn([&gate] { gate.pass(); });
        pool.spawn([&ran] { ++ran; });
        auto const doomed =
            spawners.spawn([&] { pool.spawn([&ran, mortal = Mortal{lives}] { ran += 10; }); });
        until_waiting(doomed);
        auto const behind = spawners.spawn([&] { pool.spawn([&ran] { ++ran; }); });
        until_waiting(behind);
        EXPECT_TRUE(doomed.cancel());
        EXPECT_EQ(lives.alive(), 0);
        EXPECT_FALSE(behind.ready());
        gate.open();
        EXPECT_NO_THROW(behind.get());
        pool.join();
        EXPECT_EQ(ran, 2);
        EXPECT_EQ(pool.stats().pending_peak, 1U);
    });
}

TEST_P(CancelPool, CancellingTheGroupLetsItsSubmittersGo) {
    run([] {
        Lives lives;
        std::atomic<bool> ran{false};
        Gate gate;
        Pool pool{{.limit = 1, .max_pending = 1}};
        Group doomed{pool};
        Group spawners;
        pool.spawn([&gate] { gate.pass(); });
        pool.spawn([] {});
        auto const spawner = spawners.spawn([&] {
            auto const task = doomed.spawn([&ran, mortal = Mortal{lives}] { ran = true; });
            EXPECT_EQ(task.state(), TaskState::cancelled);
        });
        until_waiting(spawner);
        EXPECT_EQ(doomed.cancel(), 1U);
        EXPECT_NO_THROW(spawner.get());
        EXPECT_EQ(lives.alive(), 0);
        gate.open();
        pool.join();
        EXPECT_FALSE(ran);
        EXPECT_TRUE(doomed.empty());
        EXPECT_EQ(doomed.spawn([] { return 1; }).get(), 1); // it was quiescent, and is usable
    });
}

TEST_P(CancelPool, WhoIsCancelledInWaitAvailableTakesNoSlot) {
    run([] {
        Gate gate;
        Pool pool{1};
        Group watchers;
        pool.spawn([&gate] { gate.pass(); });
        auto const doomed = watchers.spawn([&pool] { pool.wait_available(); });
        auto const other = watchers.spawn([&pool] { pool.wait_available(); });
        until_waiting(doomed);
        until_waiting(other);
        EXPECT_TRUE(doomed.cancel());
        gate.open();
        EXPECT_NO_THROW(other.get());
        EXPECT_EQ(pool.free_count(), 1U);
    });
}

TEST_P(CancelPool, RunThatIsCancelledAwaitsItsTask) {
    run([] {
        Pool pool{1};
        Group callers;
        Gate sleeping;
        std::atomic<int> steps{0};
        auto const caller = callers.spawn([&] {
            int const local = 7; // what the task refers to
            pool.run([&] {
                try {
                    sleeping.open();
                    sleep_long();
                } catch (...) {
                    Shield const shield;
                    frond::sleep_for(1ms);
                    steps = local;
                    throw;
                }
            });
        });
        sleeping.pass();
        EXPECT_TRUE(caller.cancel());
        EXPECT_EQ(steps, 7);
        EXPECT_EQ(pool.free_count(), 1U);
        EXPECT_TRUE(pool.empty());
    });
}

} // namespace
