#include "support/other_thread.hpp"

#include <frond/frond.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <stdexcept>

using namespace std::chrono_literals;

namespace frond::test {
namespace {

// Its source was cancelled in the queue of a pool that orders by priority, and had no slot to hand on: the
// continuation was put into a queue that nobody had made.
TEST(Continuation, OfATaskThatNeverHadASlotIsQueuedByPriority) {
    Pool pool{PoolOptions{.limit = 1, .order = Order::priority}};
    Event gate;
    int calls = 0;
    pool.spawn([&] { gate.wait(); });
    auto const source = pool.spawn([] { return 1; });
    auto const next = source.then([&](Outcome<int>& outcome) { calls += outcome ? 0 : 1; });
    yield();
    source.request_cancel();
    yield();
    gate.set();
    EXPECT_TRUE(next.wait_for(10s));
    EXPECT_EQ(calls, 1);
    pool.join();
}

// Who waits for a continuation was not seen as waiting for its source, and so lent it nothing.
TEST(Continuation, WhoWaitsForItLendsToWhatItsSourceWaitsFor) {
    Pool pool{1};
    Group group;
    Event go;
    auto const source = group.spawn([&] {
        go.wait();
        return pool.spawn([] { return 7; }).get();
    });
    auto const next = source.then([](int& n) { return n + 1; });
    auto const holder = pool.spawn([&] {
        go.set();
        return next.get();
    });
    ASSERT_TRUE(holder.wait_for(10s)); // the timer: without it this would be a stall, which lends, too
    EXPECT_EQ(holder.get(), 8);
    EXPECT_EQ(pool.stats().overdraft_peak, 0U);
}

// Nor did a circle that leads through one show.
TEST(Continuation, ACircleThroughItIsADeadlock) {
    Group group;
    Event go;
    Task<int> waiting;
    auto const source = group.spawn([&] {
        go.wait();
        EXPECT_THROW(waiting.wait(), Deadlock);
        return 1;
    });
    auto const next = source.then([](int& n) { return n; });
    waiting = group.spawn([&] {
        go.set();
        return next.get();
    });
    EXPECT_TRUE(waiting.wait_for(10s));
    group.cancel();
}

// One that was attached between the cancellation of its group and its end was not cancelled.
TEST(Continuation, IntoACancelledGroupIsCancelledLikeTheRest) {
    Group group;
    Event may_end;
    bool was_cancelled = false;
    auto const source = group.spawn([&] {
        Shield const shield;
        may_end.wait();
    });
    yield();
    group.request_cancel();
    auto const next = source.then([&](Outcome<void>&) {
        try {
            sleep_for(1h);
        } catch (Cancelled const&) {
            was_cancelled = true;
            throw;
        }
    });
    may_end.set();
    EXPECT_TRUE(next.wait_for(10s));
    EXPECT_TRUE(was_cancelled);
    group.cancel();
}

// Each was cancelled from within the cancellation of the next: a long chain overran the stack.
TEST(Continuation, ALongChainIsCancelledOnASmallStack) {
    Group group;
    auto const first = group.spawn([] { sleep_for(1h); });
    yield();
    group.run([&] {
        auto last = first;
        for (int i = 0; i < 20'000; ++i) last = last.then([](Outcome<void>&) {});
        last.request_cancel();
    });
    group.join();
    EXPECT_EQ(first.state(), TaskState::cancelled);
}

// From another thread, into a group that was being cancelled, it ended without a call.
TEST(Continuation, ThatTakesAnOutcomeIsCalledWhereverItComesFrom) {
    Group group;
    std::atomic<int> called{0};
    Event go;
    auto const source = group.spawn([] { return 1; });
    source.wait();
    group.spawn([&go] {
        Shield const shield;
        go.wait();
    });
    yield();
    group.request_cancel();
    on_other_thread([&] { source.then([&called](Outcome<int>&) { ++called; }).wait(); });
    EXPECT_EQ(called, 1);
    go.set();
    group.join();
}

// The source's slot went on to it although the pool was to admit nothing more.
TEST(Continuation, InAPoolThatWasPausedWaits) {
    Pool pool{1};
    Event go;
    std::size_t active = 0;
    auto const source = pool.spawn([&go] { go.wait(); });
    auto const next = source.then([&] { active = pool.stats().active; });
    yield();
    pool.resize(0);
    go.set();
    source.wait();
    EXPECT_FALSE(next.wait_for(2ms));
    pool.resize(1);
    next.wait();
    EXPECT_EQ(active, 1U);
}

TEST(Continuation, OfAResultThatWasTakenFails) {
    Group group;
    auto const source = group.spawn([] { return 1; });
    EXPECT_EQ(source.take(), 1);
    auto const next = source.then([](int&) {});
    EXPECT_THROW(next.get(), std::logic_error);
}

} // namespace
} // namespace frond::test
