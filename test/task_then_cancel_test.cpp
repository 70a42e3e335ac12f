// Cancelling a continuation, what it comes after, and the group of both.

#include <frond/task.hpp>

#include "support/gate.hpp"
#include "support/lives.hpp"
#include "support/other_thread.hpp"
#include "support/threads_test.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::Group;
using frond::Outcome;
using frond::Pool;
using frond::Shield;
using frond::TaskState;
using frond::test::Gate;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::on_other_thread;
using frond::test::until_waiting;
using frond::test::yield_until;

namespace {

class TaskThenCancel : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, TaskThenCancel, testing::Values(0, 1, 2, 4));

int sleep_long() {
    frond::sleep_for(1h);
    return 1;
}

bool is_cancelled(Outcome<int>& outcome) {
    try {
        outcome.value();
    } catch (Cancelled const&) {
        return true;
    }
    return false;
}

TEST_P(TaskThenCancel, OfASourceBeforeItsStartComesAsAnOutcome) {
    run([] {
        std::atomic<bool> ran{false};
        Gate gate;
        Pool pool{1};
        auto const holder = pool.spawn([&gate] { gate.pass(); });
        auto const source = pool.spawn([&ran] {
            ran = true;
            return 1;
        });
        auto const next = source.then(&is_cancelled);
        EXPECT_TRUE(source.cancel());
        gate.open();
        EXPECT_TRUE(next.get());
        EXPECT_FALSE(ran);
    });
}

TEST_P(TaskThenCancel, OfASourceThatRunsComesAsAnOutcome) {
    run([] {
        Group group;
        auto const source = group.spawn(&sleep_long);
        auto const next = source.then(&is_cancelled);
        until_waiting(source);
        EXPECT_TRUE(source.cancel());
        EXPECT_TRUE(next.get());
        EXPECT_EQ(next.state(), TaskState::done);
    });
}

TEST_P(TaskThenCancel, OfTheSourceCancelsWhatTakesItsResult) {
    run([] {
        std::atomic<bool> called{false};
        Group group;
        auto const source = group.spawn(&sleep_long);
        auto const next = source.then([&called](int&) { called = true; });
        source.request_cancel();
        EXPECT_THROW(next.get(), Cancelled);
        EXPECT_EQ(next.state(), TaskState::cancelled);
        EXPECT_FALSE(called);
    });
}

TEST_P(TaskThenCancel, ReachesASourceThatRuns) {
    run([] {
        Group group;
        auto const source = group.spawn(&sleep_long);
        auto const next = source.then([](int&) {});
        until_waiting(source);
        EXPECT_TRUE(next.cancel());
        EXPECT_EQ(source.state(), TaskState::cancelled);
        EXPECT_EQ(next.state(), TaskState::cancelled);
        EXPECT_NO_THROW(group.join());
    });
}

TEST_P(TaskThenCancel, ReachesASourceThatIsQueued) {
    run([] {
        std::atomic<bool> ran{false};
        Lives lives;
        Gate gate;
        Pool pool{1};
        pool.spawn([&gate] { gate.pass(); });
        auto const source = pool.spawn([&ran, mortal = Mortal{lives}] { ran = true; });
        auto const next = source.then([mortal = Mortal{lives}] {});
        next.request_cancel();
        yield_until([&] { return source.ready(); });
        EXPECT_EQ(source.state(), TaskState::cancelled);
        gate.open();
        EXPECT_TRUE(next.cancel());
        EXPECT_FALSE(ran);
        EXPECT_EQ(lives.alive(), 0);
    });
}

TEST_P(TaskThenCancel, ReachesTheSourceThroughAChain) {
    run([] {
        Group group;
        auto const source = group.spawn(&sleep_long);
        auto const last = source.then([](int& n) { return n; }).then([](int& n) { return n; });
        until_waiting(source);
        EXPECT_TRUE(last.cancel());
        EXPECT_EQ(source.state(), TaskState::cancelled);
    });
}

TEST_P(TaskThenCancel, WhatTakesAnOutcomeIsCalledEvenThen) {
    run([] {
        std::atomic<int> calls{0};
        std::atomic<bool> had_value{true};
        Group group;
        auto const source = group.spawn(&sleep_long);
        auto const next = source.then([&](Outcome<int>& outcome) {
            ++calls;
            had_value = !is_cancelled(outcome);
        });
        until_waiting(source);
        next.cancel();
        EXPECT_EQ(calls, 1);
        EXPECT_FALSE(had_value);
    });
}

TEST_P(TaskThenCancel, ItsOwnWaitsEndInCancelledThen) {
    run([] {
        std::atomic<bool> slept{false};
        Group group;
        auto const source = group.spawn(&sleep_long);
        auto const next = source.then([&slept](Outcome<int>&) {
            frond::sleep_for(1ms);
            slept = true;
        });
        until_waiting(source);
        EXPECT_TRUE(next.cancel());
        EXPECT_FALSE(slept);
    });
}

TEST_P(TaskThenCancel, WhileItRunsItIsATaskAsAnyOther) {
    run([] {
        Group group;
        auto const source = group.spawn([] { return 1; });
        auto const next = source.then([](int&) { sleep_long(); });
        until_waiting(next);
        EXPECT_TRUE(next.cancel());
        EXPECT_EQ(source.get(), 1);
    });
}

TEST_P(TaskThenCancel, WhatTakesTheResultIsNotCalledThoughItsSourceHasSucceeded) {
    run([] {
        std::atomic<bool> called{false};
        Gate gate;
        Group group;
        auto const source = group.spawn([&gate] {
            Shield const shield;
            gate.pass();
            return 1;
        });
        auto const next = source.then([&called](int&) { called = true; });
        yield_until([&] { return source.state() != TaskState::queued; });
        next.request_cancel();
        gate.open();
        EXPECT_TRUE(next.cancel());
        EXPECT_EQ(source.get(), 1);
        EXPECT_FALSE(called);
    });
}

TEST_P(TaskThenCancel, OthersThatFollowTheSameSourceSeeItCancelled) {
    run([] {
        Group group;
        auto const source = group.spawn(&sleep_long);
        auto const first = source.then(&is_cancelled);
        auto const second = source.then([](int&) {});
        auto const third = source.then(&is_cancelled);
        until_waiting(source);
        EXPECT_TRUE(second.cancel());
        EXPECT_TRUE(first.get());
        EXPECT_TRUE(third.get());
    });
}

TEST_P(TaskThenCancel, CancelWaitsForItsEnd) {
    run([] {
        std::atomic<bool> cleaned_up{false};
        Group group;
        auto const source = group.spawn(&sleep_long);
        auto const next = source.then([&cleaned_up](Outcome<int>&) {
            Shield const shield;
            for (int i = 0; i < 10; ++i) frond::yield();
            cleaned_up = true;
        });
        until_waiting(source);
        next.cancel();
        EXPECT_TRUE(cleaned_up);
        EXPECT_TRUE(next.ready());
    });
}

TEST_P(TaskThenCancel, FromAnotherThread) {
    run([] {
        Group group;
        auto const source = group.spawn(&sleep_long);
        auto const next = source.then([](int&) {});
        until_waiting(source);
        EXPECT_TRUE(on_other_thread([&next] { return next.cancel(); }));
        EXPECT_EQ(source.state(), TaskState::cancelled);
    });
}

TEST_P(TaskThenCancel, OfTheGroupReachesSourceAndContinuation) {
    run([] {
        std::atomic<bool> called{false};
        Group group;
        auto const source = group.spawn(&sleep_long);
        auto const outcome = source.then(&is_cancelled);
        auto const result = source.then([&called](int&) { called = true; });
        until_waiting(source);
        EXPECT_EQ(group.cancel(), 3U);
        EXPECT_EQ(source.state(), TaskState::cancelled);
        EXPECT_TRUE(outcome.get());
        EXPECT_EQ(result.state(), TaskState::cancelled);
        EXPECT_FALSE(called);
        EXPECT_TRUE(group.empty());
    });
}

TEST_P(TaskThenCancel, OfTheGroupReachesAContinuationThatRuns) {
    run([] {
        Group group;
        auto const next = group.spawn([] { return 1; }).then([](Outcome<int>&) { sleep_long(); });
        until_waiting(next);
        group.cancel();
        EXPECT_EQ(next.state(), TaskState::cancelled);
    });
}

TEST_P(TaskThenCancel, OfAGroupThatDiesOfAnExceptionReachesIt) {
    run([] {
        std::atomic<int> calls{0};
        try {
            Group group;
            group.spawn(&sleep_long).then([&calls](Outcome<int>& o) { calls += is_cancelled(o) ? 1 : 100; });
            throw std::runtime_error("leaves");
        } catch (std::runtime_error const&) {
        }
        EXPECT_EQ(calls, 1);
    });
}

TEST_P(TaskThenCancel, TheFirstErrorOfAnImpatientGroupComesToItsContinuation) {
    run([] {
        Group group{{.on_error = frond::OnError::cancel}};
        auto const source = group.spawn([]() -> int { throw std::runtime_error("source"); });
        auto const next = source.then([](Outcome<int>& o) { return o.error() != nullptr; });
        EXPECT_TRUE(next.get());
        EXPECT_NO_THROW(group.join());
    });
}

TEST_P(TaskThenCancel, WhoseReaderGivesUpGoesOn) {
    run([] {
        Gate gate;
        Group group;
        auto const source = group.spawn([&gate] {
            gate.pass();
            return 1;
        });
        auto const next = source.then([](int& n) { return n + 1; });
        EXPECT_THROW(frond::with_timeout(1ms, [&next] { next.get(); }), frond::TimedOut);
        gate.open();
        EXPECT_EQ(next.get(), 2);
    });
}

} // namespace
