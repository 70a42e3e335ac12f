// What Task::then calls, with what, how often, and how its own task ends. task_then_slot_test.cpp: in which
// slot. task_then_cancel_test.cpp: how cancellation passes along.

#include <frond/task.hpp>

#include "support/gate.hpp"
#include "support/lives.hpp"
#include "support/other_thread.hpp"
#include "support/threads_test.hpp"
#include "support/unhandled_errors.hpp"
#include "support/what_of.hpp"

#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::Group;
using frond::Outcome;
using frond::Pool;
using frond::Task;
using frond::TaskState;
using frond::test::Gate;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::on_other_thread;
using frond::test::UnhandledErrors;
using frond::test::what_is_thrown_by;
using frond::test::what_of;

namespace {

template <class T, class F>
using Then = decltype(std::declval<Task<T> const&>().then(std::declval<F>()));
static_assert(std::is_same_v<Then<int, std::string (*)(Outcome<int>&)>, Task<std::string>>);
static_assert(std::is_same_v<Then<int, void (*)(int&)>, Task<void>>);
static_assert(std::is_same_v<Then<void, int (*)()>, Task<int>>);
static_assert(std::is_same_v<Then<void, int& (*)(Outcome<void>&)>, Task<int&>>);
static_assert(std::is_same_v<Then<std::string, std::size_t (std::string::*)() const>, Task<std::size_t>>);

class TaskThen : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, TaskThen, testing::Values(0, 1, 2, 4));

int fail() { throw std::runtime_error("source"); }
int sleep_long() {
    frond::sleep_for(1h);
    return 1;
}

/// What an outcome is, in a word.
std::string describe(Outcome<int>& outcome) {
    try {
        return std::to_string(outcome.value());
    } catch (std::exception const& e) {
        return e.what();
    } catch (Cancelled const&) {
        return "cancelled";
    }
}

TEST_P(TaskThen, AnOutcomeOfSuccessHoldsTheValue) {
    run([] {
        Group group;
        auto const source = group.spawn([] { return 4; });
        EXPECT_EQ(source.then(&describe).get(), "4");
    });
}

TEST_P(TaskThen, AnOutcomeOfFailureHoldsTheErrorWhichThenCountsAsSeen) {
    UnhandledErrors const unhandled;
    run([] {
        Group group;
        auto const next = group.spawn(&fail).then(&describe);
        EXPECT_NO_THROW(group.join());
        EXPECT_EQ(next.get(), "source");
        EXPECT_TRUE(group.errors().empty());
    });
    EXPECT_TRUE(unhandled.seen().empty());
}

TEST_P(TaskThen, WhatTakesAnOutcomeIsCalledOnceWhateverCame) {
    run([] {
        std::atomic<int> calls{0};
        Group group;
        auto const count = [&calls](Outcome<int>&) { ++calls; };
        auto const cancelled = group.spawn(&sleep_long);
        group.spawn([] { return 1; }).then(count);
        group.spawn(&fail).then(count);
        cancelled.then(count);
        cancelled.request_cancel();
        group.join();
        EXPECT_EQ(calls, 3);
    });
}

TEST_P(TaskThen, ItsOutcomeRefersToTheSourcesOwnResult) {
    run([] {
        Group group;
        auto const source = group.spawn([] { return std::string{"one"}; });
        auto const next = source.then([](Outcome<std::string>& outcome) -> std::string& {
            *outcome += " two";
            return *outcome;
        });
        EXPECT_EQ(&next.get(), &source.get());
        EXPECT_EQ(source.get(), "one two");
    });
}

TEST_P(TaskThen, WhatTakesTheResultGetsTheSourcesOwn) {
    run([] {
        Group group;
        auto const source = group.spawn([] { return std::make_unique<int>(3); });
        auto const next = source.then([](std::unique_ptr<int>& p) { return p.get(); });
        EXPECT_EQ(next.get(), source.get().get());
    });
}

TEST_P(TaskThen, AfterATaskOfAReferenceItGetsThatReference) {
    run([] {
        int value = 1;
        Group group;
        auto const source = group.spawn([&value]() -> int& { return value; });
        EXPECT_EQ(&source.then([](int& v) -> int& { return v; }).get(), &value);
        EXPECT_EQ(source.then([](Outcome<int&>& o) { return &*o; }).get(), &value);
    });
}

TEST_P(TaskThen, AfterATaskOfNothingItTakesNothing) {
    run([] {
        Group group;
        auto const source = group.spawn([] {});
        EXPECT_EQ(source.then([] { return 5; }).get(), 5);
        EXPECT_TRUE(source.then([](Outcome<void>& o) { return o.has_value(); }).get());
    });
}

TEST_P(TaskThen, WhatTakesTheResultIsNotCalledAfterAFailureAndFailsWithIt) {
    run([] {
        std::atomic<bool> called{false};
        Lives lives;
        Group group;
        auto const source = group.spawn(&fail);
        auto const next = source.then([&called, mortal = Mortal{lives}](int&) { called = true; });
        next.wait();
        EXPECT_EQ(next.state(), TaskState::failed);
        EXPECT_EQ(lives.alive(), 0);
        EXPECT_EQ(what_is_thrown_by([&] { next.get(); }), "source");
        EXPECT_FALSE(called);
        EXPECT_TRUE(group.errors().empty());
    });
}

TEST_P(TaskThen, AnErrorThatIsHandedOnIsThrownByJoinOnce) {
    run([] {
        Group group;
        group.spawn(&fail).then([](int&) {}).then([] {});
        EXPECT_THROW(group.join(), std::runtime_error);
        EXPECT_NO_THROW(group.join());
        EXPECT_TRUE(group.errors().empty());
    });
}

TEST_P(TaskThen, ItsOwnErrorIsItsGroups) {
    run([] {
        Group group;
        auto const source = group.spawn([] { return 1; });
        source.then([](int&) { throw std::logic_error("continuation"); });
        EXPECT_EQ(what_is_thrown_by([&] { group.join(); }), "continuation");
        EXPECT_EQ(source.get(), 1);
    });
}

TEST_P(TaskThen, WhatCanTakeBothTakesTheOutcome) {
    run([] {
        Group group;
        auto const next = group.spawn([] { return 1; }).then([](auto& either) {
            return std::is_same_v<decltype(either), Outcome<int>&>;
        });
        EXPECT_TRUE(next.get());
    });
}

TEST_P(TaskThen, AnythingThatCanBeCalledWillDo) {
    struct Thing {
        int number;
        int twice() const { return 2 * number; }
    };
    run([] {
        Group group;
        auto const source = group.spawn([] { return Thing{4}; });
        EXPECT_EQ(source.then(&Thing::number).get(), 4);
        EXPECT_EQ(source.then(&Thing::twice).get(), 8);
        EXPECT_TRUE(source.then(&Outcome<Thing>::has_value).get());
        EXPECT_EQ(source.then(std::function<int(Thing&)>{&Thing::twice}).get(), 8);
        auto only_moves = [p = std::make_unique<int>(1)](Thing& t) mutable {
            *p += t.number;
            return std::move(p);
        };
        EXPECT_EQ(*source.then(std::move(only_moves)).take(), 5);
    });
}

TEST_P(TaskThen, SomethingEmptyIsRejectedAndSpawnsNothing) {
    run([] {
        Gate gate;
        Group group;
        auto const source = group.spawn([&gate] {
            gate.pass();
            return 1;
        });
        EXPECT_THROW(source.then(std::function<void(int&)>{}), std::invalid_argument);
        EXPECT_THROW(source.then(static_cast<void (*)(Outcome<int>&)>(nullptr)), std::invalid_argument);
        EXPECT_EQ(group.size(), 1U);
        gate.open();
    });
}

TEST(TaskThenOfNothing, AnEmptyHandleIsRejected) {
    EXPECT_THROW(Task<int>{}.then([](int&) {}), std::logic_error);
}

TEST_P(TaskThen, SeveralComeOneAfterAnotherInOrder) {
    run([] {
        std::vector<int> order; // written by one after another
        Gate gate;
        Group group;
        auto const source = group.spawn([&gate] { gate.pass(); });
        for (int i = 0; i < 5; ++i)
            source.then([&order, i] {
                frond::yield();
                order.push_back(i);
            });
        gate.open();
        group.join();
        EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
    });
}

TEST_P(TaskThen, ChainsEndWithTheLast) {
    run([] {
        Group group;
        auto next = group.spawn([] { return 0; });
        for (int i = 0; i < 100; ++i) next = next.then([](int& n) { return n + 1; });
        EXPECT_EQ(next.get(), 100);
    });
}

TEST_P(TaskThen, ATaskCanSayWhatComesAfterItself) {
    run([] {
        Group group;
        Task<int> self;
        Task<int> next;
        Gate made;
        self = group.spawn([&] {
            made.pass();
            next = self.then([](int& n) { return n + 1; });
            return 1;
        });
        made.open();
        EXPECT_EQ(self.get(), 1);
        EXPECT_EQ(next.get(), 2);
    });
}

TEST_P(TaskThen, InsideATaskItBelongsToTheSourcesGroup) {
    run([] {
        Gate gate;
        Group inner;
        Group outer;
        auto const source = inner.spawn([&gate] { gate.pass(); });
        outer.run([&source] { source.then([] { frond::yield(); }); });
        EXPECT_EQ(inner.size(), 2U);
        EXPECT_EQ(outer.size(), 0U);
        gate.open();
    });
}

TEST_P(TaskThen, AfterATaskThatHasEndedItIsQueuedAtOnce) {
    run([] {
        Group group;
        auto const good = group.spawn([] { return 1; });
        auto const bad = group.spawn(&fail);
        good.wait();
        bad.wait();
        EXPECT_EQ(good.then(&describe).get(), "1");
        EXPECT_EQ(good.then([](int& n) { return n + 1; }).get(), 2);
        EXPECT_EQ(bad.then(&describe).get(), "source");
        EXPECT_EQ(what_of(bad.then([](int&) {}).error()), "source");
        EXPECT_NO_THROW(group.join());
    });
}

TEST_P(TaskThen, AfterTheEndInAClosedPoolItIsRejected) {
    run([] {
        Lives lives;
        Pool pool{1};
        auto const source = pool.spawn([] { return 1; });
        source.wait();
        pool.close();
        EXPECT_THROW(source.then([mortal = Mortal{lives}](int&) {}), frond::Closed);
        EXPECT_EQ(lives.alive(), 0);
    });
}

TEST_P(TaskThen, AnotherThreadCanSayWhatComesNext) {
    run([] {
        Gate gate;
        Group group;
        auto const source = group.spawn([&gate] {
            gate.pass();
            return 1;
        });
        auto const next = on_other_thread([&source] { return source.then([](int& n) { return n + 1; }); });
        EXPECT_FALSE(next.ready());
        gate.open();
        EXPECT_EQ(next.get(), 2);
        EXPECT_EQ(on_other_thread([&source] { return source.then(&describe).get(); }), "1");
    });
}

TEST_P(TaskThen, JoinWaitsForItAndItCounts) {
    run([] {
        std::atomic<bool> ended{false};
        Gate gate;
        Group group;
        group.spawn([&gate] { gate.pass(); }).then([&ended] {
            for (int i = 0; i < 10; ++i) frond::yield();
            ended = true;
        });
        EXPECT_EQ(group.size(), 2U);
        gate.open();
        group.join();
        EXPECT_TRUE(ended);
        EXPECT_EQ(group.size(), 0U);
    });
}

TEST_P(TaskThen, ItsCallableDiesOnceAndBeforeItsHandle) {
    run([] {
        Lives lives;
        Group group;
        auto const called = group.spawn([] { return 1; }).then([m = Mortal{lives}](Outcome<int>&) {});
        auto const spared = group.spawn(&fail).then([m = Mortal{lives}](int&) {});
        called.wait();
        spared.wait();
        EXPECT_GE(lives.born, 2);
        EXPECT_EQ(lives.alive(), 0);
        EXPECT_EQ(what_of(spared.error()), "source");
    });
}

TEST_P(TaskThen, TheSourcesResultLivesAsLongAsTheContinuationNeedsIt) {
    run([] {
        Lives lives;
        Group group;
        auto const next = group.spawn([&lives] { return Mortal{lives}; }).then([&lives](Mortal&) {
            frond::yield();
            return lives.alive();
        });
        EXPECT_EQ(next.get(), 1);
        group.join();
        EXPECT_EQ(lives.alive(), 0);
    });
}

} // namespace
