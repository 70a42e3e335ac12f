#include <frond/sync/event.hpp>

#include "support/gate.hpp"
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
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using frond::Clock;
using frond::Deadlock;
using frond::Event;
using frond::Group;
using frond::Shield;
using frond::Task;
using frond::TaskState;
using frond::TimedOut;
using frond::test::Gate;
using frond::test::until_waiting;
using testing::ElementsAre;

namespace {

class EventEverywhere : public frond::test::SyncTest {
protected:
    Event event;
};

INSTANTIATE_TEST_SUITE_P(, EventEverywhere, frond::test::everywhere(), frond::test::place_name);

TEST_P(EventEverywhere, SetReachesAllWaiters) {
    std::atomic<int> woken{0};
    run([&] {
        Group group;
        for (int i = 0; i < 5; ++i)
            until_waiting(group.spawn([&] {
                event.wait();
                ++woken;
            }));
        EXPECT_EQ(woken, 0);
        event.set();
        group.join();
    });
    EXPECT_EQ(woken, 5);
}

TEST_P(EventEverywhere, SetReachesWaitersAlthoughItIsResetAtOnce) {
    run([&] {
        Group group;
        auto const waiter = group.spawn([&] { event.wait(); });
        until_waiting(waiter);
        event.set();
        event.reset();
        waiter.get();
        EXPECT_FALSE(event.is_set());
    });
}

TEST_P(EventEverywhere, WhatHappenedBeforeSetIsSeenAfterWait) {
    int news = 0; // plain
    run([&] {
        Group group;
        group.spawn([&] {
            event.wait();
            EXPECT_EQ(news, 42);
        });
        group.spawn([&] {
            news = 42;
            event.set();
        });
        group.join();
    });
}

TEST_P(EventEverywhere, CancelledWaiterGoesAloneAndTheOthersStay) {
    run([&] {
        Group group;
        std::vector<Task<void>> waiters;
        for (int i = 0; i < 3; ++i) {
            waiters.push_back(group.spawn([&] { event.wait(); }));
            until_waiting(waiters.back());
        }
        EXPECT_TRUE(waiters[1].cancel());
        EXPECT_FALSE(waiters[0].ready());
        event.set();
        group.join();
        EXPECT_EQ(waiters[0].state(), TaskState::done);
        EXPECT_EQ(waiters[2].state(), TaskState::done);
    });
}

TEST_P(EventEverywhere, WaitForTellsWhetherItWasSetInTime) {
    run([&] {
        Group group;
        auto const late = group.spawn([&] { return event.wait_for(1ms); });
        auto const in_time = group.spawn([&] { return event.wait_until(Clock::now() + 1h); });
        EXPECT_FALSE(late.get());
        EXPECT_FALSE(in_time.ready());
        event.set();
        EXPECT_TRUE(in_time.get());
        EXPECT_TRUE(event.wait_for(0s));
    });
}

TEST_P(EventEverywhere, WhoWasReachedReturnsAlthoughCancelledNext) {
    run([&] {
        Group group;
        auto const waiter = group.spawn([&] { event.wait(); });
        until_waiting(waiter);
        event.set();
        waiter.request_cancel();
        waiter.wait();
        EXPECT_EQ(waiter.state(), TaskState::done);
    });
}

TEST_P(EventEverywhere, CancelledTaskWaitsInAShield) {
    run([&] {
        Group group;
        auto const waiter = group.spawn([&] {
            Shield const shield;
            event.wait();
        });
        until_waiting(waiter);
        waiter.request_cancel();
        EXPECT_FALSE(waiter.wait_for(1ms));
        event.set();
        waiter.wait();
        EXPECT_EQ(waiter.state(), TaskState::done);
    });
}

TEST_P(EventEverywhere, DestructorWaitsWhileCancellationUnwinds) {
    struct Cleaner {
        Event& event;
        ~Cleaner() { event.wait(); }
    };
    run([&] {
        Group group;
        auto const task = group.spawn([&] {
            Cleaner const cleaner{event};
            frond::sleep_for(1h);
        });
        until_waiting(task);
        task.request_cancel();
        EXPECT_FALSE(task.wait_for(1ms)) << "the destructor waits";
        event.set();
        task.wait();
        EXPECT_EQ(task.state(), TaskState::cancelled);
    });
}

TEST_P(EventEverywhere, DeadlineScopeEndsTheWait) {
    run([&] { EXPECT_THROW(frond::with_timeout(1ms, [&] { event.wait(); }), TimedOut); });
}

TEST(Event, WakesInTheOrderInWhichTheyCame) {
    Event event;
    Group group;
    std::vector<int> order;
    for (int i = 0; i < 4; ++i)
        until_waiting(group.spawn([&, i] {
            event.wait();
            order.push_back(i);
        }));
    event.set();
    group.join();
    EXPECT_THAT(order, ElementsAre(0, 1, 2, 3));
}

TEST(Event, StaysSetUntilReset) {
    Event event;
    EXPECT_FALSE(event.is_set());
    event.set();
    event.set();
    EXPECT_TRUE(event.is_set());
    event.wait();
    event.wait();
    event.reset();
    EXPECT_FALSE(event.is_set());
    EXPECT_FALSE(event.wait_for(1ms));
}

TEST(Event, WaitOfACancelledTaskReturnsIfItIsSet) {
    Event event;
    event.set();
    Group group;
    auto const task = group.spawn([&] {
        group.request_cancel();
        event.wait();
    });
    task.wait();
    EXPECT_EQ(task.state(), TaskState::done);
}

TEST(Event, WhoWasCancelledFirstGetsCancelledAlthoughItIsSetNext) {
    Event event;
    Group group;
    auto const waiter = group.spawn([&] { event.wait(); });
    until_waiting(waiter);
    waiter.request_cancel();
    event.set();
    waiter.wait();
    EXPECT_EQ(waiter.state(), TaskState::cancelled);
}

TEST(Event, SetByOneThreadForAnother) {
    Event ping;
    Event pong;
    std::thread other{[&] {
        ping.wait();
        pong.set();
    }};
    ping.set();
    pong.wait();
    other.join();
}

TEST(Event, DestroyedAsSoonAsItsWaitHasReturned) {
    for (int round = 0; round < 200; ++round) {
        Gate begins;
        auto* event = new Event;
        std::thread setter{[&begins, event] {
            begins.pass();
            event->set();
        }};
        begins.open();
        event->wait();
        delete event;
        setter.join();
    }
}

using EventStall = frond::test::StallTest;

TEST_F(EventStall, WaitThatNobodyCanEnd) {
    Event event;
    EXPECT_THROW(event.wait(), Deadlock);
    Group group;
    auto const waiter = group.spawn([&] { event.wait(); });
    EXPECT_THROW(waiter.wait(), Deadlock) << "the outermost waiter is told";
    EXPECT_EQ(waiter.state(), TaskState::waiting);
    event.set();
}

} // namespace
