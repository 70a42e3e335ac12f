#include <frond/sync/mutex.hpp>

#include "support/gate.hpp"
#include "support/gauge.hpp"
#include "support/other_thread.hpp"
#include "support/scale.hpp"
#include "support/stall_test.hpp"
#include "support/sync_test.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/this_task.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::Clock;
using frond::Deadlock;
using frond::Group;
using frond::Mutex;
using frond::Shield;
using frond::Task;
using frond::TaskState;
using frond::TimedOut;
using frond::test::Gate;
using frond::test::Gauge;
using frond::test::on_other_thread;
using frond::test::scaled;
using frond::test::until_waiting;
using testing::ElementsAre;

namespace {

class MutexEverywhere : public frond::test::SyncTest {
protected:
    Mutex mutex;
    Group* group = nullptr; ///< where the test runs

    template <class F>
    void run(F const& f) {
        SyncTest::run([&] {
            Group here;
            group = &here;
            f();
            here.join();
        });
    }
    /// A task that locks, tells so, and unlocks; returns once it waits for that.
    Task<void> queue_up(std::vector<int>& order, int name) {
        auto const task = group->spawn([&order, name, this] {
            std::lock_guard const lock{mutex};
            order.push_back(name);
        });
        until_waiting(task);
        return task;
    }
};

INSTANTIATE_TEST_SUITE_P(, MutexEverywhere, frond::test::everywhere(), frond::test::place_name);

TEST_P(MutexEverywhere, OneAtATimeEvenOverAWait) {
    Gauge gauge;
    auto const visits = scaled(100);
    run([&] {
        for (int i = 0; i < 8; ++i)
            group->spawn([&] {
                for (std::size_t n = 0; n < visits; ++n) {
                    std::lock_guard const lock{mutex};
                    gauge.visit();
                }
            });
    });
    EXPECT_EQ(gauge.peak(), 1U);
    EXPECT_EQ(gauge.visits(), 8 * visits);
}

TEST_P(MutexEverywhere, FirstComeFirstServed) {
    std::vector<int> order;
    run([&] {
        mutex.lock();
        for (int i = 0; i < 5; ++i) queue_up(order, i);
        mutex.unlock();
    });
    EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4));
}

TEST_P(MutexEverywhere, UnlockHandsOverAndNobodyGetsInBetween) {
    Gate go;
    run([&] {
        mutex.lock();
        auto const waiter = group->spawn([&] {
            std::lock_guard const lock{mutex};
            go.pass();
        });
        until_waiting(waiter);
        mutex.unlock();
        EXPECT_FALSE(mutex.try_lock()) << "it is the waiter's before it has run";
        go.open();
    });
    EXPECT_TRUE(mutex.try_lock());
    mutex.unlock();
}

TEST_P(MutexEverywhere, CancelledWaiterLeavesTheQueue) {
    std::vector<int> order;
    run([&] {
        mutex.lock();
        queue_up(order, 0);
        auto const cancelled = queue_up(order, 1);
        queue_up(order, 2);
        EXPECT_TRUE(cancelled.cancel());
        mutex.unlock();
    });
    EXPECT_THAT(order, ElementsAre(0, 2));
}

TEST_P(MutexEverywhere, LateWaiterLeavesTheQueue) {
    std::vector<int> order;
    run([&] {
        mutex.lock();
        queue_up(order, 0);
        auto const late = group->spawn([&] { return mutex.try_lock_for(1ms); });
        until_waiting(late);
        queue_up(order, 1);
        EXPECT_FALSE(late.get());
        mutex.unlock();
    });
    EXPECT_THAT(order, ElementsAre(0, 1));
}

TEST_P(MutexEverywhere, WhoWasHandedTheLockHasItAlthoughCancelledNext) {
    bool locked = false;
    run([&] {
        mutex.lock();
        auto const waiter = group->spawn([&] {
            mutex.lock();
            locked = true;
            mutex.unlock();
        });
        until_waiting(waiter);
        mutex.unlock();
        waiter.request_cancel();
        waiter.wait();
        EXPECT_EQ(waiter.state(), TaskState::done);
    });
    EXPECT_TRUE(locked);
}

TEST_P(MutexEverywhere, TimedLockComesInTime) {
    run([&] {
        mutex.lock();
        auto const waiter = group->spawn([&] {
            bool const locked = mutex.try_lock_until(Clock::now() + 1h);
            if (locked) mutex.unlock();
            return locked;
        });
        until_waiting(waiter);
        mutex.unlock();
        EXPECT_TRUE(waiter.get());
    });
}

TEST_P(MutexEverywhere, CancelledTaskThatNeedNotWaitLocks) {
    run([&] {
        group->spawn([&] {
            group->request_cancel();
            EXPECT_THROW(frond::yield(), Cancelled);
            mutex.lock();
            mutex.unlock();
        });
    });
}

TEST_P(MutexEverywhere, CancelledTaskWaitsInAShield) {
    bool locked = false;
    run([&] {
        mutex.lock();
        auto const cleaner = group->spawn([&] {
            Shield const shield;
            std::lock_guard const lock{mutex};
            locked = true;
        });
        until_waiting(cleaner);
        cleaner.request_cancel();
        EXPECT_FALSE(cleaner.wait_for(1ms));
        mutex.unlock();
    });
    EXPECT_TRUE(locked);
}

TEST_P(MutexEverywhere, DestructorLocksWhileCancellationUnwinds) {
    struct Cleaner {
        Mutex& mutex;
        bool& cleaned;
        ~Cleaner() {
            std::lock_guard const lock{mutex};
            cleaned = true;
        }
    };
    bool cleaned = false;
    run([&] {
        mutex.lock();
        auto const task = group->spawn([&] {
            Cleaner const cleaner{mutex, cleaned};
            frond::sleep_for(1h);
        });
        until_waiting(task);
        task.request_cancel();
        EXPECT_FALSE(task.wait_for(1ms)) << "the destructor waits";
        mutex.unlock();
    });
    EXPECT_TRUE(cleaned);
}

TEST_P(MutexEverywhere, DeadlineScopeEndsTheWait) {
    run([&] {
        mutex.lock();
        auto const waiter = group->spawn([&] {
            EXPECT_THROW(frond::with_timeout(1ms, [&] { mutex.lock(); }), TimedOut);
            EXPECT_THROW(mutex.unlock(), std::system_error) << "it has not got it";
        });
        waiter.get();
        mutex.unlock();
        EXPECT_TRUE(mutex.try_lock()) << "nobody is left in the queue";
        mutex.unlock();
    });
}

TEST(Mutex, SharedByFibersOfManyThreadsAndThreadsWithoutFrond) {
    Mutex mutex;
    std::size_t count = 0; // plain: the mutex guards it
    auto const rounds = scaled(2'000);
    auto const add = [&] {
        for (std::size_t n = 0; n < rounds; ++n) {
            std::lock_guard const lock{mutex};
            ++count;
        }
    };
    std::vector<std::thread> threads;
    threads.emplace_back(add);
    for (int t = 0; t < 2; ++t)
        threads.emplace_back([&] {
            Group group;
            for (int i = 0; i < 3; ++i) group.spawn(add);
        });
    for (auto& t : threads) t.join();
    EXPECT_EQ(count, 7 * rounds);
}

TEST(Mutex, HandedToAWaiterOfAnotherThread) {
    Mutex mutex;
    mutex.lock();
    Task<void> waiter;
    Gate spawned;
    std::thread other{[&] {
        Group group;
        waiter = group.spawn([&] { std::lock_guard const lock{mutex}; });
        spawned.open();
    }};
    spawned.pass();
    until_waiting(waiter);
    mutex.unlock();
    other.join();
    EXPECT_EQ(waiter.state(), TaskState::done);
}

TEST(Mutex, WorksWithTheStandardLocks) {
    Mutex a;
    Mutex b;
    {
        std::scoped_lock const both{a, b};
        EXPECT_FALSE(a.try_lock());
        EXPECT_FALSE(b.try_lock());
    }
    std::unique_lock lock{a, 1ms};
    EXPECT_TRUE(lock.owns_lock());
    std::unique_lock const tried{b, std::try_to_lock};
    EXPECT_TRUE(tried.owns_lock());
}

TEST(Mutex, LockByItsOwnerIsADeadlockAtOnce) {
    Mutex mutex;
    std::lock_guard const lock{mutex};
    EXPECT_THROW(mutex.lock(), Deadlock);
    EXPECT_THROW(mutex.try_lock_for(1h), Deadlock);
    EXPECT_FALSE(mutex.try_lock());
}

TEST(Mutex, UnlockByAnotherIsAnError) {
    Mutex mutex;
    std::lock_guard const lock{mutex};
    auto const unlock_fails = [&] {
        try {
            mutex.unlock();
        } catch (std::system_error const& e) {
            return e.code() == std::errc::operation_not_permitted;
        }
        return false;
    };
    EXPECT_TRUE(Group{}.run(unlock_fails));
    EXPECT_TRUE(on_other_thread(unlock_fails));
    EXPECT_FALSE(on_other_thread([&] { return mutex.try_lock(); })) << "it is still locked";
}

TEST(Mutex, UnlockOfAFreeOneIsAnError) {
    Mutex mutex;
    EXPECT_THROW(mutex.unlock(), std::system_error);
    EXPECT_TRUE(mutex.try_lock());
    mutex.unlock();
}

TEST(Mutex, TryLockForNoTimeGivesUp) {
    Mutex mutex;
    std::lock_guard const lock{mutex};
    EXPECT_FALSE(Group{}.run([&] { return mutex.try_lock_for(0s); }));
    EXPECT_FALSE(Group{}.run([&] { return mutex.try_lock_for(-1h); }));
    EXPECT_FALSE(Group{}.run([&] { return mutex.try_lock_until(std::chrono::system_clock::now()); }));
}

using MutexStall = frond::test::StallTest;

TEST_F(MutexStall, WaitForALockThatNobodyGivesBack) {
    Mutex mutex;
    Group{}.run([&] { mutex.lock(); });
    EXPECT_THROW(mutex.lock(), Deadlock);
    EXPECT_THROW(mutex.lock(), Deadlock) << "the first wait has left the queue";
}

} // namespace
