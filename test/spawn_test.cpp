// The ways to start a task and what can be spawned; what they mean for a cap stands in pool_test.cpp.

#include <frond/group.hpp>

#include "support/gate.hpp"
#include "support/lives.hpp"

#include <frond/errors.hpp>
#include <frond/pool.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using frond::Group;
using frond::test::Gate;
using frond::test::Lives;
using frond::test::Mortal;

namespace {

int forty_two() { return 42; }

TEST(Spawn, TakesFunctionsAndTheirPointers) {
    Group group;
    EXPECT_EQ(group.spawn(forty_two).get(), 42);
    EXPECT_EQ(group.spawn(&forty_two).get(), 42);
}

TEST(Spawn, TakesAStdFunction) {
    Group group;
    std::function<int()> const f = forty_two;
    EXPECT_EQ(group.spawn(f).get(), 42);
}

TEST(Spawn, TakesAMoveOnlyCallable) {
    Group group;
    EXPECT_EQ(group.spawn([p = std::make_unique<int>(3)] { return *p; }).get(), 3);
}

TEST(Spawn, TakesAMutableCallableAndLeavesTheOriginalAlone) {
    Group group;
    auto count = [n = 0]() mutable { return ++n; };
    EXPECT_EQ(group.spawn(count).get(), 1);
    EXPECT_EQ(group.spawn(count).get(), 1);
    EXPECT_EQ(count(), 1);
}

TEST(Spawn, CallsTheCopyOnceAsAnRvalue) {
    struct Once {
        int operator()() && { return 1; }
        int operator()() & { return 2; }
    };
    Group group;
    EXPECT_EQ(group.spawn(Once{}).get(), 1);
}

TEST(Spawn, DecayCopiesItsArguments) {
    Group group;
    char text[] = "before";
    std::string word = "before";
    auto const task = group.spawn(
        {}, [](char const* t, std::string&& w) { return t + w; }, std::string{text}.c_str() ? text : nullptr,
        word);
    word = "after";
    EXPECT_EQ(task.get(), "beforebefore");
}

TEST(Spawn, PassesReferencesThroughStdRef) {
    Group group;
    int n = 1;
    group.spawn({}, [](int& m) { m = 2; }, std::ref(n)).get();
    EXPECT_EQ(n, 2);
}

TEST(Spawn, MovesMoveOnlyArguments) {
    Group group;
    auto f = [](std::unique_ptr<int> p) { return *p; };
    EXPECT_EQ(group.spawn({}, f, std::make_unique<int>(5)).get(), 5);
}

TEST(Spawn, TakesMemberPointers) {
    struct Counter {
        int n = 0;
        int next() { return ++n; }
    };
    Group group;
    Counter counter;
    EXPECT_EQ(group.spawn({}, &Counter::next, &counter).get(), 1);
    EXPECT_EQ(group.spawn({}, &Counter::next, std::ref(counter)).get(), 2);
    EXPECT_EQ(group.spawn({}, &Counter::n, counter).get(), 2);
}

TEST(Spawn, TakesBigAndOverAlignedCallables) {
    struct alignas(128) Big {
        std::array<char, 20'000> bytes{};
        bool operator()() const { return reinterpret_cast<std::uintptr_t>(this) % alignof(Big) == 0; }
    };
    Group group;
    EXPECT_TRUE(group.spawn(Big{}).get());
}

/// Everything that must reject an empty callable, as one call of each.
template <class F>
void expect_rejected(Group& group, F empty) {
    EXPECT_THROW(group.spawn(empty), std::invalid_argument);
    EXPECT_THROW(group.spawn({.name = "named"}, empty), std::invalid_argument);
    EXPECT_THROW(group.spawn_wait(empty), std::invalid_argument);
    EXPECT_THROW(group.try_spawn(empty), std::invalid_argument);
    EXPECT_THROW(group.spawn_after(1h, empty), std::invalid_argument);
    EXPECT_THROW(group.run(empty), std::invalid_argument);
    EXPECT_EQ(group.size(), 0U);
}

TEST(Spawn, RejectsAnEmptyStdFunctionAndQueuesNothing) {
    Group group;
    expect_rejected(group, std::function<void()>{});
}

TEST(Spawn, RejectsANullFunctionPointerAndQueuesNothing) {
    frond::Pool pool{1};
    int (*null)() = nullptr;
    expect_rejected(pool, null);
}

TEST(Spawn, RejectsANullMemberPointer) {
    struct Counter {
        int next() { return 1; }
    };
    Group group;
    int (Counter::*null)() = nullptr;
    EXPECT_THROW(group.spawn({}, null, Counter{}), std::invalid_argument);
    EXPECT_EQ(group.size(), 0U);
}

TEST(Spawn, GivesWhatTheCopyOfTheCallableThrowsAndQueuesNothing) {
    struct Thrower {
        Thrower(Lives& lives) : mortal{lives} {}
        Thrower(Thrower const& other) : mortal{other.mortal} { throw std::runtime_error{"copy"}; }
        void operator()() const {}
        Mortal mortal;
    };
    Lives lives;
    {
        Thrower const thrower{lives};
        Group group;
        EXPECT_THROW(group.spawn(thrower), std::runtime_error);
        EXPECT_THROW(group.spawn({}, [](Thrower const&) {}, thrower), std::runtime_error);
        EXPECT_EQ(group.size(), 0U);
    }
    EXPECT_EQ(lives.alive(), 0);
}

TEST(Spawn, DoesNotRunTheTaskItself) {
    Group group;
    bool ran = false;
    group.spawn([&ran] { ran = true; });
    group.spawn_after(0s, [&ran] { ran = true; });
    EXPECT_TRUE(group.try_spawn([&ran] { ran = true; }).has_value());
    EXPECT_FALSE(ran);
    group.join();
    EXPECT_TRUE(ran);
}

TEST(Spawn, WaitWithoutAPoolReturnsAtOnce) {
    Group group;
    bool ran = false;
    auto const task = group.spawn_wait([&ran] { ran = true; });
    EXPECT_FALSE(ran);
    task.wait();
    EXPECT_TRUE(ran);
}

TEST(Spawn, TryWithoutAPoolAlwaysStarts) {
    Group group;
    int ran = 0;
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(group.try_spawn([&ran] { ++ran; }));
    group.join();
    EXPECT_EQ(ran, 100);
}

TEST(Spawn, TakesAllOptionsInAllItsForms) {
    Group group;
    EXPECT_EQ(group.spawn_wait({.name = "a"}, [](int n) { return n; }, 1).name(), "a");
    EXPECT_EQ(group.try_spawn({.name = "b"}, [](int n) { return n; }, 2)->name(), "b");
    group.join();
}

TEST(Run, GivesTheResultWhateverItsType) {
    Group group;
    int value = 0;
    EXPECT_EQ(group.run([] { return 5; }), 5);
    EXPECT_EQ(*group.run([] { return std::make_unique<int>(6); }), 6);
    EXPECT_EQ(&group.run([&value]() -> int& { return value; }), &value);
    static_assert(std::is_void_v<decltype(group.run([] {}))>);
    group.run([&value] { value = 1; });
    EXPECT_EQ(value, 1);
}

TEST(Run, ThrowsWhatTheTaskThrewAndNobodyElseSeesIt) {
    Group group;
    EXPECT_THROW(group.run([] { throw std::range_error{"mine"}; }), std::range_error);
    EXPECT_NO_THROW(group.join());
    EXPECT_TRUE(group.errors().empty());
}

TEST(SpawnAfter, StartsNotBeforeItsTime) {
    Group group;
    auto const start = std::chrono::steady_clock::now();
    auto const task = group.spawn_after(10ms, [] { return std::chrono::steady_clock::now(); });
    EXPECT_GE(task.get() - start, 10ms);
}

TEST(SpawnAfter, CountsAsPendingUntilItsTime) {
    frond::Pool pool{2};
    auto const task = pool.spawn_after(5ms, [] {});
    EXPECT_EQ(pool.size(), 1U);
    EXPECT_EQ(pool.pending(), 1U);
    EXPECT_EQ(pool.active(), 0U);
    EXPECT_EQ(pool.free_count(), 2U);
    EXPECT_EQ(task.state(), frond::TaskState::queued);
    pool.join();
    EXPECT_EQ(pool.size(), 0U);
}

TEST(SpawnAfter, StartsInTheOrderOfTheTimes) {
    Group group;
    std::vector<int> order;
    for (int const ms : {3, 1, 2})
        group.spawn_after(std::chrono::milliseconds{ms}, [&, ms] { order.push_back(ms); });
    group.join();
    EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST(SpawnAfter, WaitsForASlotWhenItsTimeHasCome) {
    frond::Pool pool{1};
    Gate gate;
    pool.spawn([&gate] { gate.pass(); });
    auto const late = pool.spawn_after(1ms, [] {});
    EXPECT_FALSE(late.wait_for(5ms));
    EXPECT_EQ(pool.stats().pending, 1U);
    gate.open();
    pool.join();
    EXPECT_TRUE(late.ready());
    EXPECT_EQ(pool.stats().overdraft_peak, 0U);
}

TEST(SpawnAfter, TakesNothingOrLessAsNow) {
    Group group;
    int ran = 0;
    group.spawn_after(0s, [&ran] { ++ran; });
    group.spawn_after(-1h, [&ran] { ++ran; });
    group.join();
    EXPECT_EQ(ran, 2);
}

TEST(SpawnAfter, ForEverIsDroppedWhenTheGroupDiesOfAnException) {
    Lives lives;
    frond::Task<void> task;
    try {
        Group group;
        task = group.spawn_after(frond::forever, [mortal = Mortal{lives}] {});
        throw 1;
    } catch (int) {
    }
    EXPECT_EQ(task.state(), frond::TaskState::cancelled);
    EXPECT_EQ(lives.alive(), 0);
}

/// Uses so many bytes of stack, a page at a time.
template <std::size_t Bytes>
int touch_stack() {
    char volatile frame[Bytes];
    for (std::size_t i = 0; i < Bytes; i += 1024) frame[i] = 1;
    return frame[Bytes - 1024];
}

TEST(SpawnOptions, StackGivesRoom) {
    Group group;
    EXPECT_EQ(group.spawn({.stack = 1 << 20}, [] { return touch_stack<200 * 1024>(); }).get(), 1);
    EXPECT_EQ(group.spawn({.stack = 8 << 20}, [] { return touch_stack<7 * 1024 * 1024>(); }).get(), 1);
}

TEST(SpawnOptions, StackIsCountedAgainstTheCapLikeAnyOther) {
    frond::Pool pool{1};
    std::vector<int> order;
    for (int i = 0; i < 4; ++i)
        pool.spawn({.stack = i % 2 == 0 ? std::size_t{256 * 1024} : 0}, [&, i] {
            EXPECT_EQ(pool.stats().active, 1U);
            frond::yield();
            order.push_back(i);
        });
    pool.join();
    EXPECT_EQ(order, (std::vector{0, 1, 2, 3}));
}

TEST(SpawnOptions, StackOfMoreThan8MiBIsRejectedAndNothingQueued) {
    Group group;
    Lives lives;
    EXPECT_THROW(group.spawn({.stack = (8 << 20) + 1}, [mortal = Mortal{lives}] {}), std::invalid_argument);
    EXPECT_EQ(group.size(), 0U);
    EXPECT_EQ(lives.alive(), 0);
}

} // namespace
