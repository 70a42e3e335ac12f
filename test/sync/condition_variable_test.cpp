#include <frond/sync/condition_variable.hpp>

#include "support/gate.hpp"
#include "support/stall_test.hpp"
#include "support/sync_test.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/sync/mutex.hpp>
#include <frond/this_task.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::Clock;
using frond::ConditionVariable;
using frond::Deadlock;
using frond::Group;
using frond::Mutex;
using frond::Task;
using frond::TaskState;
using frond::TimedOut;
using frond::test::until_waiting;
using testing::ElementsAre;

namespace {

class ConditionVariableEverywhere : public frond::test::SyncTest {
protected:
    Mutex mutex;
    ConditionVariable changed;
    std::vector<int> order; ///< guarded by the mutex

    /// A task that waits and then tells so; returns once it waits.
    Task<void> waiter(Group& group, int name) {
        auto const task = group.spawn([this, name] {
            std::unique_lock lock{mutex};
            changed.wait(lock);
            order.push_back(name);
        });
        until_waiting(task);
        return task;
    }
};

INSTANTIATE_TEST_SUITE_P(, ConditionVariableEverywhere, frond::test::everywhere(), frond::test::place_name);

TEST_P(ConditionVariableEverywhere, NotifyOneWakesTheOneThatHasWaitedLongest) {
    run([&] {
        Group group;
        std::vector<Task<void>> waiters;
        for (int i = 0; i < 3; ++i) waiters.push_back(waiter(group, i));
        changed.notify_one();
        waiters[0].wait();
        EXPECT_THAT(order, ElementsAre(0));
        changed.notify_one();
        waiters[1].wait();
        changed.notify_one();
    });
    EXPECT_THAT(order, ElementsAre(0, 1, 2));
}

TEST_P(ConditionVariableEverywhere, NotifyAllWakesAllThatWait) {
    run([&] {
        Group group;
        for (int i = 0; i < 4; ++i) waiter(group, i);
        changed.notify_all();
    });
    EXPECT_EQ(order.size(), 4U);
}

TEST_P(ConditionVariableEverywhere, TheLockIsFreeWhileItWaitsAndHeldAfterwards) {
    run([&] {
        Group group;
        auto const task = group.spawn([&] {
            std::unique_lock lock{mutex};
            changed.wait(lock);
            EXPECT_TRUE(lock.owns_lock());
            EXPECT_FALSE(mutex.try_lock());
        });
        until_waiting(task);
        {
            std::lock_guard const lock{mutex};
            changed.notify_one();
        }
        task.get();
    });
}

TEST_P(ConditionVariableEverywhere, NotificationBetweenUnlockAndSleepIsNotMissed) {
    bool said = false;
    run([&] {
        Group group;
        group.spawn([&] {
            std::unique_lock lock{mutex};
            changed.wait(lock, [&] { return said; });
        });
        group.spawn([&] {
            std::lock_guard const lock{mutex};
            said = true;
            changed.notify_one();
        });
        group.join();
    });
}

TEST_P(ConditionVariableEverywhere, CancelledWaiterHoldsTheLockAndSpendsNoNotification) {
    run([&] {
        Group group;
        auto const cancelled = group.spawn([&] {
            std::unique_lock lock{mutex};
            EXPECT_THROW(changed.wait(lock), Cancelled);
            EXPECT_FALSE(mutex.try_lock()) << "it is held again";
        });
        until_waiting(cancelled);
        auto const next = waiter(group, 1);
        cancelled.cancel();
        changed.notify_one();
        next.get();
    });
    EXPECT_THAT(order, ElementsAre(1));
}

TEST_P(ConditionVariableEverywhere, WhoWasNotifiedReturnsAlthoughCancelledNext) {
    run([&] {
        Group group;
        auto const notified = waiter(group, 0);
        changed.notify_one();
        notified.request_cancel();
        notified.wait();
        EXPECT_EQ(notified.state(), TaskState::done);
    });
    EXPECT_THAT(order, ElementsAre(0));
}

TEST_P(ConditionVariableEverywhere, RelockFinishesAlthoughTheTaskIsCancelled) {
    run([&] {
        Group group;
        auto const task = waiter(group, 0);
        mutex.lock();
        task.request_cancel();
        EXPECT_FALSE(task.wait_for(1ms)) << "it waits for the lock";
        mutex.unlock();
        task.wait();
        EXPECT_EQ(task.state(), TaskState::cancelled);
        EXPECT_TRUE(mutex.try_lock()) << "and has given it back while unwinding";
        mutex.unlock();
    });
    EXPECT_TRUE(order.empty());
}

TEST_P(ConditionVariableEverywhere, RelockOfTheNotifiedFinishesAlthoughTheTaskIsCancelled) {
    run([&] {
        Group group;
        auto const task = waiter(group, 0);
        mutex.lock();
        changed.notify_one();
        task.request_cancel();
        EXPECT_FALSE(task.wait_for(1ms)) << "it waits for the lock";
        mutex.unlock();
        task.wait();
        EXPECT_EQ(task.state(), TaskState::done);
    });
    EXPECT_THAT(order, ElementsAre(0));
}

TEST_P(ConditionVariableEverywhere, RelockFinishesAlthoughADeadlineHasPassed) {
    run([&] {
        Group group;
        auto const task = group.spawn([&] {
            std::unique_lock lock{mutex};
            EXPECT_THROW(frond::with_timeout(1ms, [&] { changed.wait(lock); }), TimedOut);
            EXPECT_TRUE(lock.owns_lock());
        });
        until_waiting(task);
        mutex.lock();
        EXPECT_FALSE(task.wait_for(5ms)) << "it waits for the lock";
        mutex.unlock();
        task.get();
    });
}

TEST_P(ConditionVariableEverywhere, TimedWaitsTellWhatCameFirst) {
    run([&] {
        Group group;
        auto const task = group.spawn([&] {
            std::unique_lock lock{mutex};
            return changed.wait_until(lock, Clock::now() + 1h);
        });
        until_waiting(task);
        {
            std::unique_lock lock{mutex};
            changed.notify_one();
        }
        EXPECT_EQ(task.get(), std::cv_status::no_timeout);
        std::unique_lock lock{mutex};
        EXPECT_EQ(changed.wait_for(lock, 1ms), std::cv_status::timeout);
        EXPECT_TRUE(lock.owns_lock());
    });
}

TEST(ConditionVariable, NotificationIsNotKeptForLater) {
    Mutex mutex;
    ConditionVariable changed;
    changed.notify_one();
    changed.notify_all();
    std::unique_lock lock{mutex};
    EXPECT_EQ(changed.wait_for(lock, 1ms), std::cv_status::timeout);
}

TEST(ConditionVariable, PredicateIsAskedUnderTheLockAndFirst) {
    Mutex mutex;
    ConditionVariable changed;
    std::unique_lock lock{mutex};
    int asked = 0;
    auto const holds = [&] {
        EXPECT_FALSE(Group{}.run([&] { return mutex.try_lock(); }));
        ++asked;
        return true;
    };
    changed.wait(lock, holds);
    EXPECT_TRUE(changed.wait_for(lock, 1h, holds));
    EXPECT_TRUE(changed.wait_until(lock, Clock::now() + 1h, holds));
    EXPECT_EQ(asked, 3);
}

TEST(ConditionVariable, NotifiedForNothingItWaitsOn) {
    Mutex mutex;
    ConditionVariable changed;
    int value = 0;
    Group group;
    auto const task = group.spawn([&] {
        std::unique_lock lock{mutex};
        changed.wait(lock, [&] { return value == 2; });
    });
    for (int v : {1, 2}) {
        until_waiting(task);
        value = v;
        changed.notify_one();
    }
    task.get();
}

TEST(ConditionVariable, TimedWaitWithAPredicateGivesItsLastAnswer) {
    Mutex mutex;
    ConditionVariable changed;
    std::unique_lock lock{mutex};
    EXPECT_FALSE(changed.wait_for(lock, 1ms, [] { return false; }));
    int asked = 0;
    EXPECT_TRUE(changed.wait_until(lock, Clock::now() + 1ms, [&] { return ++asked == 2; }))
        << "it has come true although nobody said so";
}

TEST(ConditionVariable, WorksWithAnyLock) {
    ConditionVariable changed;
    Mutex plain;
    std::mutex of_the_standard;
    plain.lock();
    EXPECT_EQ(changed.wait_for(plain, 1ms), std::cv_status::timeout);
    plain.unlock();
    std::unique_lock lock{of_the_standard};
    EXPECT_EQ(changed.wait_for(lock, 1ms), std::cv_status::timeout);
    EXPECT_TRUE(lock.owns_lock());
}

TEST(ConditionVariable, LockThatIsNotHeldIsAnErrorAndNobodyWaits) {
    Mutex mutex;
    ConditionVariable changed;
    std::unique_lock not_held{mutex, std::defer_lock};
    EXPECT_THROW(changed.wait(not_held), std::system_error);
    EXPECT_FALSE(not_held.owns_lock());
    changed.notify_one();
    std::unique_lock lock{mutex};
    EXPECT_EQ(changed.wait_for(lock, 1ms), std::cv_status::timeout);
}

/// Notifies the one that is about to wait, and then cannot be unlocked.
struct FailsAfterNotifying {
    ConditionVariable& changed;
    bool from_another_thread;
    void lock() {}
    void unlock() {
        if (from_another_thread)
            std::thread{[this] { changed.notify_one(); }}.join();
        else
            changed.notify_one();
        throw std::runtime_error("cannot be unlocked");
    }
};

TEST(ConditionVariable, UnlockThatFailsAfterTheNotificationIsThrownOn) {
    ConditionVariable changed;
    for (bool const from_another_thread : {false, true}) {
        FailsAfterNotifying lock{changed, from_another_thread};
        EXPECT_THROW(changed.wait(lock), std::runtime_error);
        EXPECT_THROW(changed.wait_for(lock, 1h), std::runtime_error);
        frond::yield(); // what is still under way would come now
    }
}

TEST(ConditionVariable, CancelledTaskDoesNotBeginToWait) {
    Mutex mutex;
    ConditionVariable changed;
    Group group;
    group.run([&] {
        group.request_cancel();
        std::unique_lock lock{mutex};
        EXPECT_THROW(changed.wait(lock), Cancelled);
        EXPECT_TRUE(lock.owns_lock());
        changed.wait(lock, [] { return true; });
    });
}

TEST(ConditionVariable, PlainThreadsPassTurns) {
    Mutex mutex;
    ConditionVariable changed;
    int turn = 0;
    auto const play = [&](int parity) {
        for (int i = 0; i < 200; ++i) {
            std::unique_lock lock{mutex};
            changed.wait(lock, [&] { return turn % 2 == parity; });
            ++turn;
            changed.notify_one();
        }
    };
    std::thread other{play, 1};
    play(0);
    other.join();
    EXPECT_EQ(turn, 400);
}

using ConditionVariableStall = frond::test::StallTest;

TEST_F(ConditionVariableStall, WaitThatNobodyNotifies) {
    Mutex mutex;
    ConditionVariable changed;
    std::unique_lock lock{mutex};
    EXPECT_THROW(changed.wait(lock), Deadlock);
    EXPECT_TRUE(lock.owns_lock());
}

} // namespace
