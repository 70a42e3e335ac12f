// In which slot a continuation runs, and what its waits and the waits for it do in a pool that is full.

#include <frond/task.hpp>

#include "support/gate.hpp"
#include "support/gauge.hpp"
#include "support/scale.hpp"
#include "support/threads_test.hpp"

#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using frond::Deadlock;
using frond::Group;
using frond::Outcome;
using frond::Pool;
using frond::Task;
using frond::TaskState;
using frond::test::Gate;
using frond::test::Gauge;
using frond::test::scaled;
using frond::test::yield_until;

namespace {

/// What happened, from any thread.
class Log {
public:
    void add(std::string text) {
        std::lock_guard const lock{mutex_};
        lines_.push_back(std::move(text));
    }
    std::vector<std::string> lines() const {
        std::lock_guard const lock{mutex_};
        return lines_;
    }

private:
    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
};
using Lines = std::vector<std::string>;

int sleep_long() {
    frond::sleep_for(1h);
    return 1;
}

class TaskThenSlot : public frond::test::ThreadsTest {
protected:
    /// What holds for every pool in which nobody lent a slot for nothing.
    static void expect_never_overdrawn(Pool& pool) {
        pool.join();
        auto const stats = pool.stats();
        EXPECT_EQ(stats.overdraft_peak, 0U);
        EXPECT_LE(stats.active_peak, stats.limit);
        EXPECT_EQ(stats.active, 0U);
        EXPECT_EQ(stats.live, 0U);
        EXPECT_EQ(stats.admitted, stats.completed);
        EXPECT_EQ(pool.free_count(), stats.limit);
    }
};
INSTANTIATE_TEST_SUITE_P(Threads, TaskThenSlot, testing::Values(0, 1, 2, 4));

TEST_P(TaskThenSlot, NobodyIsAdmittedBetweenATaskAndWhatFollows) {
    run([] {
        Log log;
        Gate gate;
        Pool pool{1};
        auto const source = pool.spawn([&] {
            gate.pass();
            log.add("source");
        });
        for (int i = 0; i < 3; ++i) pool.spawn([&log] { log.add("other"); });
        source.then([&log] {
            frond::yield();
            log.add("first");
        });
        source.then([&log] { log.add("second"); }).then([&log] { log.add("third"); });
        gate.open();
        expect_never_overdrawn(pool);
        EXPECT_EQ(log.lines(), (Lines{"source", "first", "second", "third", "other", "other", "other"}));
        EXPECT_EQ(pool.stats().admitted, 7U);
    });
}

TEST_P(TaskThenSlot, ThePoolStaysFullMeanwhile) {
    run([] {
        Gate gate;
        Pool pool{1};
        auto const source = pool.spawn([&gate] { gate.pass(); });
        pool.spawn([] {});
        auto const next = source.then([&pool] {
            frond::yield();
            return pool.stats();
        });
        gate.open();
        auto const meanwhile = next.get();
        EXPECT_EQ(meanwhile.active, 1U);
        EXPECT_EQ(meanwhile.pending, 1U);
        EXPECT_EQ(meanwhile.admitted, 2U);
        EXPECT_EQ(meanwhile.completed, 1U);
        expect_never_overdrawn(pool);
    });
}

TEST_P(TaskThenSlot, AlsoAfterAFailure) {
    run([] {
        Log log;
        Gate gate;
        Pool pool{1};
        auto const source = pool.spawn([&gate] {
            gate.pass();
            throw std::runtime_error("source");
        });
        pool.spawn([&log] { log.add("other"); });
        source.then([&log](Outcome<void>& o) { log.add(o ? "value" : "error"); });
        gate.open();
        expect_never_overdrawn(pool);
        EXPECT_EQ(log.lines(), (Lines{"error", "other"}));
    });
}

TEST_P(TaskThenSlot, AlsoAfterACancellationWhileItRan) {
    run([] {
        Log log;
        Pool pool{1};
        auto const source = pool.spawn(&sleep_long);
        pool.spawn([&log] { log.add("other"); });
        source.then([&log](Outcome<int>& o) { log.add(o ? "value" : "error"); });
        yield_until([&] { return source.state() == TaskState::waiting; });
        source.request_cancel();
        expect_never_overdrawn(pool);
        EXPECT_EQ(log.lines(), (Lines{"error", "other"}));
    });
}

TEST_P(TaskThenSlot, AfterASourceThatNeverHadASlotItWaitsForOne) {
    run([] {
        std::atomic<bool> started{false};
        Gate gate;
        Pool pool{1};
        pool.spawn([&gate] { gate.pass(); });
        auto const source = pool.spawn([] { return 1; });
        auto const next = source.then([&started](Outcome<int>&) { started = true; });
        EXPECT_TRUE(source.cancel());
        for (int i = 0; i < 20; ++i) frond::yield();
        EXPECT_FALSE(started);
        gate.open();
        next.get();
        EXPECT_TRUE(started);
        expect_never_overdrawn(pool);
    });
}

TEST_P(TaskThenSlot, ManyNeverExceedTheCap) {
    run([] {
        Gauge gauge;
        Pool pool{3};
        auto const count = scaled(300);
        for (std::size_t i = 0; i < count; ++i) {
            auto const source = pool.spawn([&gauge] { gauge.visit(); });
            source.then([&gauge] { gauge.visit(); }).then([&gauge] { gauge.visit(); });
            if (i % 2 == 0) source.then([&gauge] { gauge.visit(); });
            if (i % 16 == 0) frond::yield();
        }
        expect_never_overdrawn(pool);
        EXPECT_LE(gauge.peak(), 3U);
        EXPECT_EQ(gauge.visits(), 3 * count + (count + 1) / 2);
        EXPECT_EQ(pool.stats().completed, gauge.visits());
    });
}

TEST_P(TaskThenSlot, AMemberOfAFullPoolCanWaitForIt) {
    run([] {
        Gauge gauge;
        Pool pool{1};
        for (int i = 0; i < 3; ++i)
            pool.spawn([&] {
                auto const source = pool.spawn([&gauge] {
                    gauge.visit();
                    return 1;
                });
                auto const next = source.then([&gauge](int& n) {
                    gauge.visit();
                    return n + 1;
                });
                EXPECT_EQ(next.get(), 2);
                gauge.visit();
            });
        expect_never_overdrawn(pool);
        EXPECT_EQ(gauge.peak(), 1U);
    });
}

TEST_P(TaskThenSlot, AMemberOfAFullPoolCanWaitForTheEndOfAChain) {
    run([] {
        Pool pool{1};
        pool.run([&pool] {
            auto next = pool.spawn([] { return 0; });
            for (int i = 0; i < 50; ++i)
                next = next.then([](int& n) {
                    frond::yield();
                    return n + 1;
                });
            EXPECT_EQ(next.get(), 50);
        });
        expect_never_overdrawn(pool);
    });
}

TEST_P(TaskThenSlot, AMemberOfAFullPoolCanWaitForBothOneAfterTheOther) {
    run([] {
        Pool pool{1};
        pool.run([&pool] {
            auto const source = pool.spawn([] { return 1; });
            auto const next = source.then([](int& n) { return n + 1; });
            EXPECT_EQ(source.get(), 1);
            EXPECT_EQ(next.get(), 2);
        });
        expect_never_overdrawn(pool);
    });
}

TEST_P(TaskThenSlot, AContinuationCanWaitForTasksOfItsFullPool) {
    run([] {
        Pool pool{1};
        std::function<int(int)> descend = [&](int n) {
            if (n == 0) return 0;
            auto const source = pool.spawn([&descend, n] { return descend(n - 1); });
            return source.then([&pool](int& below) { return below + pool.run([] { return 1; }); }).get();
        };
        EXPECT_EQ(pool.run([&descend] { return descend(6); }), 6);
        expect_never_overdrawn(pool);
    });
}

TEST_P(TaskThenSlot, JoinFromAMemberOfTheFullPoolServesItToo) {
    run([] {
        std::atomic<int> sum{0};
        Pool pool{1};
        pool.run([&] {
            Group group{pool};
            for (int i = 0; i < 5; ++i) group.spawn([i] { return i; }).then([&sum](int& n) { sum += n; });
            group.join();
        });
        EXPECT_EQ(sum, 10);
        expect_never_overdrawn(pool);
    });
}

TEST_P(TaskThenSlot, WhatItsSourceWaitsForCanUseTheWaitersSlot) {
    run([] {
        Pool pool{1};
        pool.run([&pool] {
            Gate gate;
            Gate ran;
            Group group;
            auto const source = group.spawn([&] {
                gate.pass();
                return pool.run([&ran] {
                    ran.open();
                    return 1;
                });
            });
            auto const last = source.then([](int& n) { return n; }).then([](int& n) { return n + 1; });
            group.spawn([&] {
                gate.open();
                ran.pass();
            });
            EXPECT_EQ(last.get(), 2);
        });
        expect_never_overdrawn(pool);
    });
}

TEST_P(TaskThenSlot, QueuedAfterAllItCanUseTheSlotOfWhoWaitsForItsOwnFollower) {
    run([] {
        Gate followed;
        Gate waits;
        Gate first_ran;
        Pool pool{2};
        Task<void> last;
        auto const waiter = pool.spawn([&] {
            followed.pass();
            last.get();
        });
        pool.spawn([&] {
            auto const source = pool.spawn([&waits] { waits.pass(); });
            last = source.then([&first_ran] { first_ran.open(); }).then([] {});
            followed.open();
            source.get(); // it gets its slot back before the first of those comes to run
            first_ran.pass();
        });
        yield_until([&waiter] { return waiter.state() == TaskState::waiting; });
        waits.open();
        expect_never_overdrawn(pool);
        EXPECT_TRUE(last.ready());
    });
}

TEST_P(TaskThenSlot, WaitingForItMovesItsQueuedSourceToTheFront) {
    run([] {
        Log log;
        Gate gate;
        Pool pool{1};
        pool.spawn([&gate] { gate.pass(); });
        for (int i = 0; i < 2; ++i) pool.spawn([&log] { log.add("other"); });
        auto const source = pool.spawn([&log] { log.add("source"); });
        auto const next = source.then([&log] { log.add("next"); });
        EXPECT_FALSE(next.wait_for(0s)); // it has moved it all the same
        gate.open();
        expect_never_overdrawn(pool);
        EXPECT_EQ(log.lines(), (Lines{"source", "next", "other", "other"}));
    });
}

TEST_P(TaskThenSlot, GetOfItsOwnResultIsADeadlock) {
    run([] {
        Gate gate;
        Group group;
        Task<void> next;
        auto const source = group.spawn([&gate] { gate.pass(); });
        next = source.then([&next] { EXPECT_THROW(next.get(), Deadlock); });
        gate.open();
        EXPECT_NO_THROW(next.get());
    });
}

TEST_P(TaskThenSlot, ASourceThatWaitsForWhatFollowsItIsADeadlock) {
    run([] {
        Gate gate;
        Group group;
        Task<void> next;
        Task<void> last;
        auto const source = group.spawn([&] {
            gate.pass();
            EXPECT_THROW(next.get(), Deadlock);
            EXPECT_THROW(last.get(), Deadlock);
        });
        next = source.then([] {});
        last = next.then([] {});
        gate.open();
        EXPECT_NO_THROW(last.get());
    });
}

TEST_P(TaskThenSlot, AnEarlierContinuationThatWaitsForALaterOneIsADeadlock) {
    run([] {
        Gate gate;
        Group group;
        Task<void> later;
        auto const source = group.spawn([&gate] { gate.pass(); });
        auto const earlier = source.then([&later] { EXPECT_THROW(later.get(), Deadlock); });
        later = source.then([] {});
        gate.open();
        EXPECT_NO_THROW(earlier.get());
        EXPECT_NO_THROW(later.get());
    });
}

TEST_P(TaskThenSlot, ACircleThroughAnotherTaskIsADeadlockForWhoClosesIt) {
    run([] {
        Gate gate;
        Group group;
        Task<void> other;
        auto const source = group.spawn([&] {
            gate.pass();
            yield_until([&] { return other.state() == TaskState::waiting; });
            EXPECT_THROW(other.get(), Deadlock);
        });
        auto const next = source.then([] {});
        other = group.spawn([&next] { next.get(); });
        gate.open();
        EXPECT_NO_THROW(other.get());
    });
}

} // namespace
