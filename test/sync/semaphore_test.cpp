#include <frond/sync/semaphore.hpp>

#include "support/gate.hpp"
#include "support/gauge.hpp"
#include "support/scale.hpp"
#include "support/stall_test.hpp"
#include "support/sync_test.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::Clock;
using frond::Deadlock;
using frond::Group;
using frond::Semaphore;
using frond::Shield;
using frond::Task;
using frond::TaskState;
using frond::TimedOut;
using frond::test::Gauge;
using frond::test::scaled;
using frond::test::until_waiting;

namespace {

class SemaphoreEverywhere : public frond::test::SyncTest {
protected:
    Semaphore permits{4};

    /// A task that waits for `k` permits and keeps them; returns once it waits.
    Task<void> taker(Group& group, int k) {
        auto const task = group.spawn([this, k] { permits.acquire(k); });
        until_waiting(task);
        return task;
    }
};

INSTANTIATE_TEST_SUITE_P(, SemaphoreEverywhere, frond::test::everywhere(), frond::test::place_name);

TEST_P(SemaphoreEverywhere, NoMoreInsideThanPermits) {
    Gauge gauge;
    auto const visits = scaled(50);
    run([&] {
        Group group;
        for (int i = 0; i < 12; ++i)
            group.spawn([&] {
                for (std::size_t n = 0; n < visits; ++n) {
                    permits.acquire();
                    gauge.visit();
                    permits.release();
                }
            });
        group.join();
    });
    EXPECT_LE(gauge.peak(), 4U);
    EXPECT_EQ(gauge.visits(), 12 * visits);
    EXPECT_EQ(permits.available(), 4U);
}

TEST_P(SemaphoreEverywhere, FirstComeFirstServedWhateverTheyWant) {
    run([&] {
        Group group;
        permits.acquire(4);
        auto const wants_three = taker(group, 3);
        auto const wants_one = taker(group, 1);
        permits.release(2);
        EXPECT_FALSE(permits.try_acquire()) << "nobody gets past the queue";
        frond::yield();
        EXPECT_FALSE(wants_three.ready());
        EXPECT_FALSE(wants_one.ready()) << "two permits are there, and it is not its turn";
        permits.release();
        wants_three.get();
        EXPECT_FALSE(wants_one.ready());
        permits.release();
        wants_one.get();
    });
}

TEST_P(SemaphoreEverywhere, OneReleaseServesAllThatItSuffices) {
    run([&] {
        Group group;
        permits.acquire(4);
        auto const first = taker(group, 1);
        auto const second = taker(group, 2);
        auto const third = taker(group, 2);
        permits.release(4);
        first.get();
        second.get();
        EXPECT_FALSE(third.ready());
        EXPECT_EQ(permits.available(), 1U);
        permits.release(1);
        third.get();
    });
}

TEST_P(SemaphoreEverywhere, CancelledHeadLetsTheNextGo) {
    run([&] {
        Group group;
        permits.acquire(3);
        auto const head = taker(group, 4);
        auto const next = taker(group, 1);
        EXPECT_FALSE(next.ready());
        EXPECT_TRUE(head.cancel());
        next.get();
        EXPECT_EQ(permits.available(), 0U);
    });
}

TEST_P(SemaphoreEverywhere, LateHeadLetsTheNextGo) {
    run([&] {
        Group group;
        permits.acquire(3);
        auto const head = group.spawn([&] { return permits.try_acquire_for(2ms, 4); });
        until_waiting(head);
        taker(group, 1).get();
        EXPECT_FALSE(head.get());
        EXPECT_EQ(permits.available(), 0U);
    });
}

TEST_P(SemaphoreEverywhere, CancelledWaiterInTheMiddleLeavesTheQueue) {
    run([&] {
        Group group;
        permits.acquire(4);
        auto const first = taker(group, 1);
        auto const cancelled = taker(group, 4);
        auto const last = taker(group, 1);
        EXPECT_TRUE(cancelled.cancel());
        permits.release(2);
        first.get();
        last.get();
    });
}

TEST_P(SemaphoreEverywhere, WhoWasGivenPermitsHasThemAlthoughCancelledNext) {
    run([&] {
        Group group;
        permits.acquire(4);
        auto const waiter = taker(group, 2);
        permits.release(2);
        waiter.request_cancel();
        waiter.wait();
        EXPECT_EQ(waiter.state(), TaskState::done);
        EXPECT_EQ(permits.available(), 0U);
    });
}

TEST_P(SemaphoreEverywhere, TimedAcquireTellsWhetherItHasThem) {
    run([&] {
        Group group;
        EXPECT_TRUE(permits.try_acquire_for(1ms, 4));
        EXPECT_FALSE(permits.try_acquire_for(1ms));
        auto const waiter = group.spawn([&] { return permits.try_acquire_until(Clock::now() + 1h, 2); });
        until_waiting(waiter);
        permits.release(2);
        EXPECT_TRUE(waiter.get());
        EXPECT_EQ(permits.available(), 0U);
    });
}

TEST_P(SemaphoreEverywhere, DeadlineScopeEndsTheWait) {
    run([&] {
        permits.acquire(4);
        EXPECT_THROW(frond::with_timeout(1ms, [&] { permits.acquire(); }), TimedOut);
        permits.release(4);
        EXPECT_TRUE(permits.try_acquire(4)) << "it has taken none";
    });
}

TEST_P(SemaphoreEverywhere, CancelledTaskWaitsInAShield) {
    run([&] {
        Group group;
        permits.acquire(4);
        auto const cleaner = group.spawn([&] {
            Shield const shield;
            permits.acquire();
        });
        until_waiting(cleaner);
        cleaner.request_cancel();
        EXPECT_FALSE(cleaner.wait_for(1ms));
        permits.release();
        cleaner.wait();
        EXPECT_EQ(cleaner.state(), TaskState::done);
    });
}

TEST_P(SemaphoreEverywhere, DestructorAcquiresWhileCancellationUnwinds) {
    struct Cleaner {
        Semaphore& permits;
        ~Cleaner() { permits.acquire(3); }
    };
    run([&] {
        Group group;
        permits.acquire(4);
        auto const task = group.spawn([&] {
            Cleaner const cleaner{permits};
            frond::sleep_for(1h);
        });
        until_waiting(task);
        task.request_cancel();
        EXPECT_FALSE(task.wait_for(1ms)) << "the destructor waits";
        permits.release(4);
        task.wait();
        EXPECT_EQ(permits.available(), 1U);
    });
}

TEST(Semaphore, SharedByThreadsWithoutFibers) {
    Semaphore permits{2};
    std::atomic<int> inside{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
        threads.emplace_back([&] {
            for (std::size_t n = 0; n < scaled(500); ++n) {
                permits.acquire();
                EXPECT_LE(++inside, 2);
                --inside;
                permits.release();
            }
        });
    for (auto& t : threads) t.join();
    permits.acquire(2);
    std::thread{[&] { permits.release(2); }}.join();
    EXPECT_EQ(permits.available(), 2U);
}

TEST(Semaphore, AvailableCountsWhatNobodyHas) {
    Semaphore permits{3};
    EXPECT_EQ(permits.available(), 3U);
    EXPECT_TRUE(permits.try_acquire(2));
    EXPECT_EQ(permits.available(), 1U);
    EXPECT_FALSE(permits.try_acquire(2));
    EXPECT_EQ(permits.available(), 1U);
    permits.release(2);
    EXPECT_EQ(permits.available(), 3U);
}

TEST(Semaphore, AcquireOfACancelledTaskThatNeedNotWait) {
    Semaphore permits{1};
    Group group;
    group.run([&] {
        group.request_cancel();
        permits.acquire();
        EXPECT_THROW(permits.acquire(), Cancelled);
        permits.release();
    });
    EXPECT_EQ(permits.available(), 1U);
}

TEST(Semaphore, MustHaveAPermit) {
    EXPECT_THROW(Semaphore{0}, std::invalid_argument);
    EXPECT_THROW(Semaphore{-1}, std::invalid_argument);
    EXPECT_THROW(Semaphore{std::numeric_limits<std::size_t>::max()}, std::invalid_argument);
}

TEST(Semaphore, MorePermitsThanThereAreFailsAtOnce) {
    Semaphore permits{2};
    permits.acquire(2);
    EXPECT_THROW(permits.acquire(3), std::invalid_argument);
    EXPECT_THROW(permits.try_acquire(3), std::invalid_argument);
    EXPECT_THROW(permits.try_acquire_for(1h, 3), std::invalid_argument);
    EXPECT_THROW(permits.try_acquire_until(Clock::now() + 1h, 3U), std::invalid_argument);
}

TEST(Semaphore, ZeroAndNegativeNumbersAreErrors) {
    Semaphore permits{2};
    for (int const k : {0, -1}) {
        EXPECT_THROW(permits.acquire(k), std::invalid_argument);
        EXPECT_THROW(permits.try_acquire(k), std::invalid_argument);
        EXPECT_THROW(permits.try_acquire_for(1h, k), std::invalid_argument);
        EXPECT_THROW(permits.release(k), std::invalid_argument);
    }
    EXPECT_EQ(permits.available(), 2U);
}

TEST(Semaphore, ReleaseOfMoreThanIsTakenIsAnError) {
    Semaphore permits{2};
    EXPECT_THROW(permits.release(), std::logic_error);
    permits.acquire();
    EXPECT_THROW(permits.release(2), std::logic_error);
    EXPECT_EQ(permits.available(), 1U) << "it has given nothing back";
    permits.release();
}

using SemaphoreStall = frond::test::StallTest;

TEST_F(SemaphoreStall, WaitForPermitsThatNobodyGivesBack) {
    Semaphore permits{1};
    permits.acquire();
    EXPECT_THROW(permits.acquire(), Deadlock);
    permits.release();
    EXPECT_TRUE(permits.try_acquire()) << "nobody is left in the queue";
}

} // namespace
