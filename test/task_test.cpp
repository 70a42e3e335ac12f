#include <frond/task.hpp>

#include "support/gate.hpp"
#include "support/lives.hpp"
#include "support/what_of.hpp"

#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using frond::Group;
using frond::Task;
using frond::TaskState;
using frond::test::Gate;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::what_of;
using frond::test::yield_until;

namespace {

static_assert(sizeof(Task<std::string>) == sizeof(void*));
static_assert(std::is_same_v<decltype(std::declval<Task<int> const&>().get()), int&>);
static_assert(std::is_same_v<decltype(std::declval<Task<int>&&>().get()), int>);
static_assert(std::is_same_v<decltype(std::declval<Task<int> const&>().take()), int>);
static_assert(std::is_same_v<decltype(std::declval<Task<int&> const&>().get()), int&>);
static_assert(std::is_same_v<decltype(std::declval<Task<int&> const&>().take()), int&>);
static_assert(std::is_void_v<decltype(std::declval<Task<void> const&>().get())>);
static_assert(std::is_void_v<decltype(std::declval<Task<void> const&>().take())>);
static_assert(std::is_nothrow_copy_constructible_v<Task<int>> &&
              std::is_nothrow_move_constructible_v<Task<int>>);

/// A task that was queued when its group died of an exception.
Task<int> cancelled_task() {
    Task<int> task;
    try {
        Group group;
        task = group.spawn([] { return 1; });
        throw 0;
    } catch (int) {
    }
    return task;
}

TEST(Task, IsEmptyByDefault) {
    Task<int> const task;
    EXPECT_FALSE(task);
    EXPECT_FALSE(task.ready());
    EXPECT_THROW(task.get(), std::logic_error);
    EXPECT_THROW(task.take(), std::logic_error);
    EXPECT_THROW(task.wait(), std::logic_error);
    EXPECT_THROW(task.wait_for(0s), std::logic_error);
    EXPECT_THROW(task.state(), std::logic_error);
    EXPECT_THROW(task.error(), std::logic_error);
    EXPECT_THROW(task.id(), std::logic_error);
    EXPECT_THROW(task.name(), std::logic_error);
}

TEST(Task, GetGivesTheResultAnyNumberOfTimes) {
    Group group;
    auto const task = group.spawn([] { return std::string{"kept"}; });
    EXPECT_EQ(task.get(), "kept");
    EXPECT_EQ(task.get(), "kept");
    EXPECT_EQ(&task.get(), &task.get());
}

TEST(Task, GetOfATemporaryMovesTheResultOut) {
    Group group;
    std::unique_ptr<int> result = group.spawn([] { return std::make_unique<int>(7); }).get();
    EXPECT_EQ(*result, 7);
}

TEST(Task, TakeMovesTheResultOutOnceForAllHandles) {
    Group group;
    auto const task = group.spawn([] { return std::make_unique<int>(7); });
    auto const other = task;
    EXPECT_EQ(*task.take(), 7);
    EXPECT_THROW(task.take(), std::logic_error);
    EXPECT_THROW(other.take(), std::logic_error);
    EXPECT_THROW(other.get(), std::logic_error);
}

TEST(Task, GetOfATemporaryCountsAsTake) {
    Group group;
    auto task = group.spawn([] { return std::string{"once"}; });
    EXPECT_EQ(std::move(task).get(), "once");
    EXPECT_THROW(task.get(), std::logic_error);
}

TEST(Task, TakesAVoidResultOnce) {
    Group group;
    auto const task = group.spawn([] {});
    task.get();
    task.get();
    task.take();
    EXPECT_THROW(task.take(), std::logic_error);
}

TEST(Task, ResultMayBeAReference) {
    Group group;
    int value = 1;
    auto const task = group.spawn([&value]() -> int& { return value; });
    task.get() = 2;
    EXPECT_EQ(value, 2);
    EXPECT_EQ(&task.take(), &value);
}

TEST(Task, ResultNeedsNoDefaultConstructorAndMayBeConst) {
    struct Bare {
        explicit Bare(int n) : value{n} {}
        int value;
    };
    Group group;
    EXPECT_EQ(group.spawn([] { return Bare{3}; }).get().value, 3);
}

TEST(Task, ResultMayBeOverAligned) {
    struct alignas(256) Wide {
        char bytes[256];
    };
    Group group;
    auto const task = group.spawn([] { return Wide{}; });
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&task.get()) % alignof(Wide), 0U);
}

TEST(Task, ResultIsDestroyedOnceWithTheLastHandle) {
    Lives lives;
    auto task = [&lives] {
        Group group;
        return group.spawn([&lives] { return Mortal{lives}; });
    }();
    int const before = lives.alive();
    auto copy = task;
    task = {};
    EXPECT_EQ(before, 1);
    EXPECT_EQ(lives.alive(), 1);
    copy = {};
    EXPECT_EQ(lives.alive(), 0);
    EXPECT_EQ(lives.born, lives.died);
}

TEST(Task, ResultIsDestroyedWhenNobodyHasAHandle) {
    Lives lives;
    Group group;
    group.spawn([&lives] { return Mortal{lives}; });
    group.join();
    EXPECT_GE(lives.born, 1);
    EXPECT_EQ(lives.alive(), 0);
}

TEST(Task, CallableIsDestroyedOnceWhenTheTaskEnds) {
    Lives lives;
    Group group;
    auto const task = group.spawn([mortal = Mortal{lives}] {});
    EXPECT_EQ(lives.alive(), 1);
    task.wait();
    EXPECT_EQ(lives.alive(), 0);
}

TEST(Task, CallableThatThrowsIsDestroyedOnce) {
    Lives lives;
    Group group;
    auto const task = group.spawn([mortal = Mortal{lives}] { throw 1; });
    EXPECT_TRUE(task.error());
    EXPECT_EQ(lives.alive(), 0);
}

TEST(Task, DroppingTheHandleChangesNothing) {
    Group group;
    bool ran = false;
    group.spawn([&ran] {
        frond::yield();
        ran = true;
    });
    group.join();
    EXPECT_TRUE(ran);
}

TEST(Task, CopiesAreHandlesOfOneTask) {
    Group group;
    auto const task = group.spawn([] { return 5; });
    Task<int> copy{task};
    Task<int> assigned;
    assigned = copy;
    assigned = *&assigned;
    EXPECT_EQ(copy.id(), task.id());
    EXPECT_EQ(&assigned.get(), &task.get());
}

TEST(Task, MovedFromHandleIsEmpty) {
    Group group;
    auto task = group.spawn([] { return 5; });
    auto other = std::move(task);
    EXPECT_FALSE(task);
    EXPECT_EQ(other.get(), 5);
}

TEST(Task, HandleOutlivesGroupAndPool) {
    Task<std::string> of_group;
    Task<int> of_pool;
    {
        Group group;
        frond::Pool pool{1};
        of_group = group.spawn({.name = "long-lived"}, [] { return std::string{"result"}; });
        of_pool = pool.spawn([]() -> int { throw std::runtime_error{"kept"}; });
        of_pool.wait();
        EXPECT_THROW(pool.join(), std::runtime_error);
    }
    EXPECT_EQ(of_group.get(), "result");
    EXPECT_EQ(of_group.name(), "long-lived");
    EXPECT_EQ(what_of(of_pool.error()), "kept");
}

TEST(Task, IdsAreUniqueAndNotZero) {
    Group group;
    std::set<std::uint64_t> ids;
    for (int i = 0; i < 5000; ++i) ids.insert(group.spawn([] {}).id());
    EXPECT_EQ(ids.size(), 5000U);
    EXPECT_EQ(ids.count(0), 0U);
}

TEST(Task, NameIsAsGivenOrEmpty) {
    Group group;
    EXPECT_EQ(group.spawn({.name = "fetch"}, [] {}).name(), "fetch");
    EXPECT_EQ(group.spawn([] {}).name(), "");
}

TEST(Task, IsQueuedUntilItStarts) {
    frond::Pool pool{1};
    auto const first = pool.spawn([] {});
    auto const second = pool.spawn([] {});
    EXPECT_EQ(first.state(), TaskState::queued);
    EXPECT_EQ(second.state(), TaskState::queued);
    pool.join();
}

TEST(Task, IsRunningWhileItRuns) {
    Group group;
    Task<TaskState> task;
    task = group.spawn([&task] { return task.state(); });
    EXPECT_EQ(task.get(), TaskState::running);
}

TEST(Task, IsWaitingWhileItIsSuspended) {
    Group group;
    Gate gate;
    auto const awaited = group.spawn([&gate] { gate.pass(); });
    auto const waiter = group.spawn([&awaited] { awaited.wait(); });
    auto const sleeper = group.spawn([] { frond::sleep_for(1ms); });
    frond::yield();
    EXPECT_EQ(waiter.state(), TaskState::waiting);
    EXPECT_EQ(sleeper.state(), TaskState::waiting);
    gate.open();
    waiter.wait();
    EXPECT_EQ(waiter.state(), TaskState::done);
}

TEST(Task, IsRunningAgainAfterAWait) {
    Group group;
    Task<TaskState> task;
    task = group.spawn([&task] {
        frond::sleep_for(1ms);
        return task.state();
    });
    EXPECT_EQ(task.get(), TaskState::running);
}

TEST(Task, EndsDoneFailedOrCancelled) {
    Group group;
    auto const good = group.spawn([] {});
    auto const bad = group.spawn([] { throw std::runtime_error{"bad"}; });
    auto const stopped = group.spawn([] { throw frond::Cancelled{}; });
    EXPECT_THROW(group.join(), std::runtime_error);
    EXPECT_EQ(good.state(), TaskState::done);
    EXPECT_EQ(bad.state(), TaskState::failed);
    EXPECT_EQ(stopped.state(), TaskState::cancelled);
    EXPECT_EQ(cancelled_task().state(), TaskState::cancelled);
}

TEST(Task, IsReadyOnceItHasEnded) {
    Group group;
    Gate gate;
    auto const task = group.spawn([&gate] { gate.pass(); });
    auto const failing = group.spawn([] { throw 1; });
    EXPECT_FALSE(task.ready());
    frond::yield();
    EXPECT_FALSE(task.ready());
    gate.open();
    EXPECT_THROW(group.join(), int);
    EXPECT_TRUE(task.ready());
    EXPECT_TRUE(failing.ready());
}

TEST(Task, WaitNeverRethrows) {
    Group group;
    auto const task = group.spawn([] { throw std::runtime_error{"later"}; });
    EXPECT_NO_THROW(task.wait());
    EXPECT_TRUE(task.wait_for(1h));
    EXPECT_TRUE(task.wait_until(std::chrono::steady_clock::now()));
    EXPECT_NO_THROW(cancelled_task().wait());
    EXPECT_THROW(group.join(), std::runtime_error); // a wait is no look at the error
}

TEST(Task, WaitForGivesUpAtItsDeadline) {
    Group group;
    Gate gate;
    auto const task = group.spawn([&gate] { gate.pass(); });
    auto const start = std::chrono::steady_clock::now();
    EXPECT_FALSE(task.wait_for(5ms));
    EXPECT_GE(std::chrono::steady_clock::now() - start, 5ms);
    EXPECT_FALSE(task.wait_until(std::chrono::steady_clock::now() + 1ms));
    EXPECT_FALSE(task.wait_until(std::chrono::system_clock::now() + 1ms));
    gate.open();
    EXPECT_TRUE(task.wait_for(1h));
}

TEST(Task, WaitForNothingOrLessReturnsFalseUnlessReady) {
    Group group;
    Gate gate;
    auto const task = group.spawn([&gate] { gate.pass(); });
    EXPECT_FALSE(task.wait_for(0s));
    EXPECT_FALSE(task.wait_for(-1h));
    gate.open();
    task.wait();
    EXPECT_TRUE(task.wait_for(0s));
    EXPECT_TRUE(task.wait_for(-1h));
}

TEST(Task, WaitForEverIsNoDeadline) {
    Group group;
    EXPECT_TRUE(group.spawn([] { frond::yield(); }).wait_for(frond::forever));
    EXPECT_TRUE(group.spawn([] { frond::yield(); }).wait_for(std::chrono::hours::max()));
    EXPECT_TRUE(group.spawn([] { frond::yield(); }).wait_until(std::chrono::steady_clock::time_point::max()));
}

TEST(Task, ManyMayWaitForOne) {
    Group group;
    Gate gate;
    auto const task = group.spawn([&gate] {
        gate.pass();
        return 3;
    });
    int sum = 0;
    for (int i = 0; i < 5; ++i) group.spawn([&] { sum += task.get(); });
    frond::yield();
    gate.open();
    group.join();
    EXPECT_EQ(sum, 15);
}

TEST(Task, GetRethrowsWithItsOwnTypeAnyNumberOfTimes) {
    struct Special {
        int code;
    };
    Group group;
    auto const task = group.spawn([]() -> int { throw Special{42}; });
    for (int i = 0; i < 2; ++i) {
        try {
            task.get();
            FAIL();
        } catch (Special const& e) {
            EXPECT_EQ(e.code, 42);
        }
    }
    EXPECT_THROW(task.take(), Special);
}

TEST(Task, ErrorIsNullAfterSuccess) {
    Group group;
    EXPECT_EQ(group.spawn([] {}).error(), nullptr);
}

TEST(Task, ErrorWaitsAndGivesWhatWasThrown) {
    Group group;
    auto const task = group.spawn([] {
        frond::yield();
        throw std::runtime_error{"the text"};
    });
    EXPECT_EQ(what_of(task.error()), "the text");
    EXPECT_EQ(what_of(task.error()), "the text");
}

TEST(Task, GetOfATaskThatWasDroppedThrowsCancelled) {
    auto const task = cancelled_task();
    EXPECT_THROW(task.get(), frond::Cancelled);
    EXPECT_THROW(task.take(), frond::Cancelled);
    EXPECT_THROW(std::rethrow_exception(task.error()), frond::Cancelled);
}

TEST(Task, GetOfATaskThatThrewCancelledGivesItsReason) {
    Group group;
    auto const task = group.spawn([] { throw frond::Cancelled{"no longer wanted"}; });
    try {
        task.get();
        FAIL();
    } catch (frond::Cancelled const& e) {
        EXPECT_EQ(e.reason(), "no longer wanted");
    }
}

TEST(Task, GetInsideATaskSuspendsOnlyThatTask) {
    Group group;
    std::string trace;
    auto const slow = group.spawn([&] {
        trace += 'a';
        frond::sleep_for(1ms);
        trace += 'd';
    });
    group.spawn([&] {
        trace += 'b';
        slow.get();
        trace += 'e';
    });
    group.spawn([&] { trace += 'c'; });
    group.join();
    EXPECT_EQ(trace, "abcde");
}

TEST(Task, WaitersWakeInTheOrderTheyCame) {
    Group group;
    Gate gate;
    auto const task = group.spawn([&gate] { gate.pass(); });
    std::vector<int> order;
    for (int i = 0; i < 5; ++i)
        group.spawn([&, i] {
            task.wait();
            order.push_back(i);
        });
    frond::yield();
    gate.open();
    group.join();
    EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4}));
}

} // namespace
