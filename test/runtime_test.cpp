#include <frond/runtime.hpp>

#include "support/gate.hpp"
#include "support/lives.hpp"
#include "support/scale.hpp"
#include "support/unhandled_errors.hpp"
#include "support/what_of.hpp"

#include <frond/diagnostics.hpp>
#include <frond/errors.hpp>
#include <frond/pool.hpp>
#include <frond/this_task.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include <pthread.h>

using namespace std::chrono_literals;
using frond::Closed;
using frond::Group;
using frond::Pool;
using frond::Runtime;
using frond::Task;
using frond::test::Gate;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::scaled;
using frond::test::UnhandledErrors;
using frond::test::what_is_thrown_by;
using frond::test::yield_until;

namespace {

static_assert(!std::is_copy_constructible_v<Runtime> && !std::is_move_constructible_v<Runtime>);

std::string thread_name() {
    char name[16] = "";
    ::pthread_getname_np(::pthread_self(), name, sizeof name);
    return name;
}

/// What the threads of a runtime say, in any order.
template <class F>
auto on_each(Runtime& runtime, F f) {
    std::mutex mutex;
    std::vector<std::invoke_result_t<F&>> all;
    runtime.run_on_each([&] {
        auto said = f();
        std::lock_guard const lock{mutex};
        all.push_back(std::move(said));
    });
    return all;
}

std::set<std::thread::id> thread_ids(Runtime& runtime) {
    auto const ids = on_each(runtime, &std::this_thread::get_id);
    return {ids.begin(), ids.end()};
}

class RuntimeOfThreads : public testing::TestWithParam<std::size_t> {
protected:
    Runtime runtime{{.threads = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Threads, RuntimeOfThreads, testing::Values(1, 2, 4));

// --- threads ---------------------------------------------------------------------------------------------

TEST_P(RuntimeOfThreads, HasAsManyAsAskedFor) {
    EXPECT_EQ(runtime.threads(), GetParam());
    EXPECT_EQ(runtime.stats().threads, GetParam());
    auto const ids = thread_ids(runtime);
    EXPECT_EQ(ids.size(), GetParam());
    EXPECT_FALSE(ids.contains(std::this_thread::get_id()));
}

TEST(Runtime, HasAThreadAProcessorUnlessAskedOtherwise) {
    Runtime runtime;
    EXPECT_EQ(runtime.threads(), std::max(1U, std::thread::hardware_concurrency()));
    EXPECT_EQ(thread_ids(runtime).size(), runtime.threads());
}

TEST(Runtime, NamesItsThreads) {
    Runtime frond{{.threads = 2}};
    EXPECT_THAT(on_each(frond, &thread_name), testing::UnorderedElementsAre("frond-0", "frond-1"));
    Runtime render{{.threads = 2, .name = "render"}};
    EXPECT_THAT(on_each(render, &thread_name), testing::UnorderedElementsAre("render-0", "render-1"));
}

TEST(Runtime, CutsALongNameSoThatTheNumbersStay) {
    Runtime runtime{{.threads = 11, .name = "a name of many words"}};
    EXPECT_THAT(on_each(runtime, &thread_name),
                testing::IsSupersetOf({"a name of man-0", "a name of man-9", "a name of ma-10"}));
}

TEST(Runtime, RejectsNoThreadsAndTooMany) {
    for (std::size_t const n : {std::size_t{0}, static_cast<std::size_t>(-1), std::size_t{1025}})
        EXPECT_THROW(Runtime{{.threads = n}}, std::invalid_argument) << n;
    EXPECT_EQ(Runtime{{.threads = 1}}.run([] { return 1; }), 1); // a failed attempt leaves nothing behind
}

TEST(Runtime, EndsItsThreads) {
    struct OfThread {
        std::atomic<int>* ended = nullptr;
        ~OfThread() {
            if (ended) ++*ended;
        }
    };
    std::atomic<int> ended{0};
    {
        Runtime runtime{{.threads = 3}};
        runtime.run_on_each([&ended] {
            thread_local OfThread of_thread;
            of_thread.ended = &ended;
        });
        EXPECT_EQ(ended, 0);
    }
    EXPECT_EQ(ended, 3); // joined, not left behind
}

TEST(Runtime, MayBeMadeAndDestroyedManyTimes) {
    for (std::size_t i = 0; i < scaled(100); ++i) {
        Runtime runtime{{.threads = 1 + i % 4}};
        if (i % 3 == 0) continue;
        ASSERT_EQ(runtime.run([i] { return i; }), i);
    }
}

// --- run -------------------------------------------------------------------------------------------------

TEST_P(RuntimeOfThreads, RunGivesTheResult) {
    EXPECT_EQ(runtime.run([] { return 3; }), 3);
    EXPECT_EQ(runtime.run([] { return std::string{"text"}; }), "text");
}

TEST_P(RuntimeOfThreads, RunReturnsWhenTheTaskHasEnded) {
    bool ended = false;
    static_assert(std::is_void_v<decltype(runtime.run([] {}))>);
    runtime.run([&ended] {
        frond::sleep_for(2ms);
        ended = true;
    });
    EXPECT_TRUE(ended);
}

TEST_P(RuntimeOfThreads, RunGivesReferencesAndMoveOnlyResults) {
    int value = 0;
    static_assert(std::is_same_v<decltype(runtime.run([&value]() -> int& { return value; })), int&>);
    EXPECT_EQ(&runtime.run([&value]() -> int& { return value; }), &value);
    EXPECT_EQ(*runtime.run([] { return std::make_unique<int>(4); }), 4);
    EXPECT_EQ(*runtime.run([p = std::make_unique<int>(5)]() mutable { return std::move(p); }), 5);
}

TEST_P(RuntimeOfThreads, RunThrowsWhatTheTaskThrows) {
    UnhandledErrors const unhandled;
    EXPECT_THROW(runtime.run([] { throw std::range_error{"its own type"}; }), std::range_error);
    EXPECT_THROW(runtime.run([] { throw 3; }), int);
    EXPECT_THROW(runtime.run([]() -> int { throw frond::Cancelled{}; }), frond::Cancelled);
    EXPECT_EQ(runtime.run([] { return 1; }), 1);
    EXPECT_TRUE(unhandled.seen().empty()); // run() has seen them
}

TEST_P(RuntimeOfThreads, RunRejectsAnEmptyCallable) {
    EXPECT_THROW(runtime.run(std::function<void()>{}), std::invalid_argument);
    EXPECT_EQ(runtime.run([] { return 1; }), 1);
}

TEST_P(RuntimeOfThreads, RunDestroysTheCallableOnce) {
    Lives lives;
    runtime.run([mortal = Mortal{lives}] {});
    EXPECT_THROW(runtime.run([mortal = Mortal{lives}] { throw 1; }), int);
    auto const result = runtime.run([&lives] { return Mortal{lives}; });
    yield_until([&lives] { return lives.alive() == 1; }); // its thread may still be leaving the task
    EXPECT_EQ(lives.born - 1, lives.died);
}

TEST_P(RuntimeOfThreads, RunRunsOnOneOfItsThreads) {
    auto const ids = thread_ids(runtime);
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(ids.contains(runtime.run(&std::this_thread::get_id)));
}

TEST_P(RuntimeOfThreads, RunFromAPlainThreadBlocksIt) {
    std::atomic<int> sum{0};
    std::vector<std::thread> threads;
    for (int i = 1; i <= 4; ++i)
        threads.emplace_back([&, i] {
            for (int j = 0; j < 10; ++j)
                sum += runtime.run([i] {
                    frond::yield();
                    return i;
                });
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(sum, 100);
}

TEST_P(RuntimeOfThreads, RunFromAFiberOfAnotherThreadSuspendsThatFiberOnly) {
    Gate gate;
    Group here;
    auto const waits = here.spawn([&] {
        return runtime.run([&gate] {
            gate.pass();
            return 4;
        });
    });
    here.run([&gate] { gate.open(); }); // would never run if the thread were blocked
    EXPECT_EQ(waits.get(), 4);
}

TEST_P(RuntimeOfThreads, RunFromATaskOfAnotherRuntime) {
    Runtime other{{.threads = GetParam()}};
    auto const theirs = thread_ids(other);
    auto const ids = runtime.run([&] {
        auto const before = std::this_thread::get_id();
        auto const there = other.run(&std::this_thread::get_id);
        EXPECT_EQ(std::this_thread::get_id(), before);
        return std::set{before, there};
    });
    EXPECT_EQ(ids.size(), 2U);
    EXPECT_EQ(std::count_if(ids.begin(), ids.end(), [&](auto id) { return theirs.contains(id); }), 1);
}

TEST_P(RuntimeOfThreads, RunFromItsOwnTasks) {
    std::function<int(int)> descend = [&](int depth) {
        return depth == 0 ? 0 : 1 + runtime.run([&, depth] { return descend(depth - 1); });
    };
    EXPECT_EQ(descend(20), 20);
}

TEST_P(RuntimeOfThreads, RunTakesThereAndBackBetweenTwoRuntimes) {
    Runtime other{{.threads = GetParam()}};
    std::function<int(int)> bounce = [&](int depth) {
        auto& next = depth % 2 == 0 ? runtime : other;
        return depth == 0 ? 0 : 1 + next.run([&, depth] { return bounce(depth - 1); });
    };
    EXPECT_EQ(bounce(20), 20);
}

TEST_P(RuntimeOfThreads, TasksOfOneRunMayBeJoinedInIt) {
    auto const sum = runtime.run([] {
        Group group;
        std::atomic<int> total{0};
        for (int i = 0; i < 100; ++i)
            group.spawn([&total, i] {
                if (i % 7 == 0) frond::yield();
                total += i;
            });
        group.join();
        return total.load();
    });
    EXPECT_EQ(sum, 4950);
}

// --- run_on_each -----------------------------------------------------------------------------------------

TEST_P(RuntimeOfThreads, RunOnEachRunsACopyOnceOnEachThread) {
    for (int round = 0; round < 20; ++round) {
        auto const ids = on_each(runtime, &std::this_thread::get_id);
        EXPECT_EQ(ids.size(), GetParam());
        EXPECT_EQ((std::set(ids.begin(), ids.end()).size()), GetParam());
    }
    std::atomic<int> ones{0};
    runtime.run_on_each([&ones, n = 0]() mutable { ones += ++n; });
    EXPECT_EQ(static_cast<std::size_t>(ones), GetParam()); // each had its own n
}

TEST_P(RuntimeOfThreads, RunOnEachMayBeCalledByItsOwnTask) {
    EXPECT_EQ(runtime.run([this] { return thread_ids(runtime).size(); }), GetParam());
}

TEST_P(RuntimeOfThreads, RunOnEachWaitsForAllAndThrowsAnError) {
    std::atomic<std::size_t> ended{0};
    auto const fail_once = [&ended] {
        frond::sleep_for(1ms);
        if (++ended == 1) throw std::range_error{"one of them"};
    };
    EXPECT_THROW(runtime.run_on_each(fail_once), std::range_error);
    EXPECT_EQ(ended, GetParam());
}

// --- beside others ---------------------------------------------------------------------------------------

TEST(Runtime, SeveralLiveSideBySideAndBesideTheThreadsOwnSchedulers) {
    Runtime first{{.threads = 2}};
    Runtime second{{.threads = 2}};
    Group here;
    auto all = thread_ids(first);
    all.merge(thread_ids(second));
    all.insert(here.run(&std::this_thread::get_id));
    EXPECT_EQ(all.size(), 5U); // nothing in common
    EXPECT_TRUE(all.contains(std::this_thread::get_id()));
}

TEST(Runtime, LeavesGroupsOfOtherThreadsToThem) {
    Group here;
    Runtime runtime{{.threads = 2}};
    std::vector<int> order; // without a lock: only this thread touches it
    runtime.run([&] {
        for (int i = 0; i < 100; ++i) here.spawn([&order, i] { order.push_back(i); });
    });
    here.join();
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
    EXPECT_EQ(order.size(), 100U);
}

TEST(Runtime, MayLiveInsideATaskOfAnother) {
    Runtime outer{{.threads = 1}};
    std::atomic<bool> served{false};
    auto const sum = outer.run([&served] {
        Group beside;
        int result = 0;
        {
            Runtime inner{{.threads = 2}};
            beside.spawn([&served] { served = true; });
            result = inner.run([&served] {
                yield_until([&served] { return served.load(); }); // the thread outside goes on
                return 5;
            });
        }
        return result;
    });
    EXPECT_EQ(sum, 5);
}

TEST(Runtime, MayBeUsedFromAThreadThatHasNotUsedFrond) {
    Runtime runtime{{.threads = 1}};
    Group* group = nullptr;
    runtime.run([&group] { group = new Group; });
    std::thread{[&] {
        EXPECT_EQ(group->run([] { return 1; }), 1);
        EXPECT_EQ(group->size(), 0U);
        delete group;
    }}.join();
}

TEST(Runtime, MayComeAndGoWhileOthersDump) {
    frond::yield(); // from here on this thread at least has something to show
    std::atomic<bool> over{false};
    std::thread maker{[&over] {
        for (std::size_t i = 0; i < scaled(50) + 10; ++i) {
            Runtime runtime{{.threads = 2}};
            runtime.run([] { Group{}.run([] { frond::yield(); }); });
        }
        over = true;
    }};
    while (!over) {
        std::ostringstream text;
        frond::dump(text);
        EXPECT_FALSE(text.str().empty());
        frond::yield();
    }
    maker.join();
}

// --- stats -----------------------------------------------------------------------------------------------

TEST_P(RuntimeOfThreads, StatsShowThatAllSleepWhenThereIsNothingToDo) {
    runtime.run([] {});
    yield_until([this] { return runtime.stats().sleeping == GetParam(); });
    EXPECT_EQ(runtime.stats().threads, GetParam());
}

TEST(Runtime, StatsCountWhatIsTakenOver) {
    Runtime runtime{{.threads = 2}};
    runtime.run([&runtime] {
        auto const before = runtime.stats();
        Group group;
        std::latch both{2};
        group.spawn([&both] { both.arrive_and_wait(); });
        both.arrive_and_wait(); // holds this thread, until the other one has taken the task
        auto const after = runtime.stats();
        EXPECT_EQ(after.stolen, before.stolen + 1);
        EXPECT_EQ(after.steals, before.steals + 1);
        EXPECT_GE(after.searches, after.steals);
    });
}

TEST(Runtime, StatsOfOneThreadCountNoTheft) {
    Runtime runtime{{.threads = 1}};
    runtime.run([] {
        Group group;
        for (int i = 0; i < 100; ++i) group.spawn([] { frond::yield(); });
    });
    EXPECT_EQ(runtime.stats().stolen, 0U);
}

// --- the end ---------------------------------------------------------------------------------------------

TEST_P(RuntimeOfThreads, ItsEndRunsWhatIsStillQueued) {
    std::atomic<int> ran{0};
    std::unique_ptr<Group> group;
    {
        Runtime ending{{.threads = GetParam()}};
        group = ending.run([] { return std::make_unique<Group>(); });
        for (int i = 0; i < 200; ++i)
            group->spawn([&ran, i] {
                if (i % 5 == 0) frond::sleep_for(1ms);
                ++ran;
            });
    }
    EXPECT_EQ(ran, 200);
    EXPECT_EQ(group->size(), 0U);
}

TEST_P(RuntimeOfThreads, ItsEndRunsWhatItsTasksSpawnMeanwhile) {
    std::atomic<int> ran{0};
    std::unique_ptr<Pool> pool;
    {
        Runtime ending{{.threads = GetParam()}};
        pool = ending.run([] { return std::make_unique<Pool>(2); });
        for (int i = 0; i < 5; ++i)
            pool->spawn([&] {
                frond::sleep_for(2ms); // by now the destructor has begun
                for (int j = 0; j < 4; ++j)
                    pool->spawn([&] {
                        Group{*pool}.run([&ran] { ++ran; });
                        ++ran;
                    });
            });
    }
    EXPECT_EQ(ran, 40);
    EXPECT_EQ(pool->stats().live, 0U);
    EXPECT_EQ(pool->stats().overdraft_peak, 0U);
}

TEST_P(RuntimeOfThreads, ItsEndRunsWhatIsPinnedToABusyThread) {
    std::atomic<int> ran{0};
    std::unique_ptr<Group> group;
    {
        Runtime ending{{.threads = GetParam()}};
        group = ending.run([] { return std::make_unique<Group>(); });
        ending.run_on_each([&] {
            for (int i = 0; i < 10; ++i) group->spawn({.pinned = true}, [&ran] { ++ran; });
        });
    }
    EXPECT_EQ(static_cast<std::size_t>(ran), 10 * GetParam());
}

TEST_P(RuntimeOfThreads, ItsEndWaitsForDelayedTasks) {
    bool ran = false;
    std::unique_ptr<Group> group;
    {
        Runtime ending{{.threads = GetParam()}};
        group = ending.run([] { return std::make_unique<Group>(); });
        group->spawn_after(5ms, [&ran] { ran = true; });
    }
    EXPECT_TRUE(ran);
}

TEST(RuntimeEnd, GivesClosedToSpawnsFromOutsideAndTheCallableDies) {
    Lives lives;
    Gate gate;
    std::unique_ptr<Pool> pool;
    std::optional<Runtime> runtime{std::in_place, frond::RuntimeOptions{.threads = 2}};
    pool = runtime->run([] { return std::make_unique<Pool>(4); });
    pool->spawn([&gate] { gate.pass(); });
    std::thread ender{[&] { runtime.reset(); }};
    // It has begun when a spawn is refused; each of those before runs.
    auto const is_refused = [&] {
        try {
            pool->spawn([mortal = Mortal{lives}] {});
        } catch (Closed const&) {
            return true;
        }
        return false;
    };
    yield_until(is_refused);
    EXPECT_THROW(pool->spawn_wait([mortal = Mortal{lives}] {}), Closed);
    EXPECT_THROW(pool->spawn_after(0s, [mortal = Mortal{lives}] {}), Closed);
    EXPECT_THROW(pool->run([mortal = Mortal{lives}] {}), Closed);
    gate.open();
    ender.join();
    EXPECT_EQ(lives.alive(), 0);
}

TEST(RuntimeEnd, LosesNoTaskOfThreadsThatSpawnMeanwhile) {
    for (std::size_t round = 0; round < scaled(50); ++round) {
        Lives lives;
        std::atomic<int> ran{0};
        std::atomic<int> accepted{0};
        std::unique_ptr<Group> group;
        std::latch begun{4};
        std::vector<std::thread> spawners;
        {
            Runtime runtime{{.threads = 2}};
            group = runtime.run([] { return std::make_unique<Group>(); });
            for (int t = 0; t < 3; ++t)
                spawners.emplace_back([&] {
                    begun.arrive_and_wait();
                    try {
                        for (;;) {
                            group->spawn([&ran, mortal = Mortal{lives}] { ++ran; });
                            ++accepted;
                        }
                    } catch (Closed const&) {
                    }
                });
            begun.arrive_and_wait();
        }
        for (auto& spawner : spawners) spawner.join();
        ASSERT_EQ(ran, accepted);
        ASSERT_EQ(lives.alive(), 0);
    }
}

TEST(RuntimeEnd, OfSeveralComesInAnyOrder) {
    for (int order = 0; order < 6; ++order) {
        std::vector<std::unique_ptr<Runtime>> runtimes;
        std::vector<std::unique_ptr<Group>> groups;
        std::atomic<int> ran{0};
        for (int i = 0; i < 3; ++i) {
            runtimes.push_back(std::make_unique<Runtime>(frond::RuntimeOptions{.threads = 2}));
            groups.push_back(runtimes.back()->run([] { return std::make_unique<Group>(); }));
            for (int j = 0; j < 20; ++j)
                groups.back()->spawn([&ran] {
                    frond::yield();
                    ++ran;
                });
        }
        std::vector<int> permutation{0, 1, 2};
        for (int i = 0; i < order; ++i) std::next_permutation(permutation.begin(), permutation.end());
        for (int const i : permutation) {
            runtimes[static_cast<std::size_t>(i)].reset();
            ASSERT_EQ(groups[static_cast<std::size_t>(i)]->size(), 0U);
        }
        ASSERT_EQ(ran, 60);
    }
}

TEST(RuntimeEnd, WaitsForATaskThatUsesAnotherRuntime) {
    Runtime other{{.threads = 1}};
    std::atomic<bool> done{false};
    std::unique_ptr<Group> group;
    {
        Runtime runtime{{.threads = 1}};
        group = runtime.run([] { return std::make_unique<Group>(); });
        group->spawn([&] {
            frond::sleep_for(2ms);
            other.run([&done] { done = true; });
        });
    }
    EXPECT_TRUE(done);
}

TEST(RuntimeEnd, MayComeOnAnotherThreadThanItsBeginning) {
    std::atomic<bool> ran{false};
    auto runtime = std::make_unique<Runtime>(frond::RuntimeOptions{.threads = 2});
    auto group = runtime->run([] { return std::make_unique<Group>(); });
    group->spawn([&ran] {
        frond::sleep_for(1ms);
        ran = true;
    });
    std::thread{[&runtime] { runtime.reset(); }}.join();
    EXPECT_TRUE(ran);
}

TEST(RuntimeEnd, InAFiberSuspendsThatFiberOnly) {
    Gate gate;
    Group here;
    std::unique_ptr<Group> group;
    here.spawn([&] {
        Runtime runtime{{.threads = 1}};
        group = runtime.run([] { return std::make_unique<Group>(); });
        group->spawn([&gate] { gate.pass(); });
    });
    here.spawn([&gate] { gate.open(); }); // would never run if the destructor blocked the thread before
    here.join();
    EXPECT_EQ(group->size(), 0U);
}

// --- what outlives it ------------------------------------------------------------------------------------

class AfterTheRuntime : public RuntimeOfThreads {
protected:
    /// A pool and a group that have outlived a runtime in which `f(pool, group)` ran.
    template <class F>
    void outlive(F f) {
        Runtime ending{{.threads = GetParam()}};
        pool = ending.run([] { return std::make_unique<Pool>(2); });
        group = ending.run([] { return std::make_unique<Group>(); });
        f();
    }
    std::unique_ptr<Pool> pool;
    std::unique_ptr<Group> group;
};
INSTANTIATE_TEST_SUITE_P(Threads, AfterTheRuntime, testing::Values(1, 2, 4));

TEST_P(AfterTheRuntime, ResultsCanBeRead) {
    Task<std::string> task;
    Task<std::unique_ptr<int>> movable;
    outlive([&] {
        task = group->spawn({.name = "gone"}, [] { return std::string{"still here"}; });
        movable = pool->spawn([] { return std::make_unique<int>(6); });
    });
    EXPECT_EQ(task.get(), "still here");
    EXPECT_EQ(task.name(), "gone");
    EXPECT_EQ(task.state(), frond::TaskState::done);
    EXPECT_TRUE(task.wait_for(0s));
    EXPECT_EQ(*movable.take(), 6);
}

TEST_P(AfterTheRuntime, ErrorsCanBeRead) {
    Task<void> task;
    outlive([&] {
        task = group->spawn([] { throw std::range_error{"task"}; });
        pool->spawn([] { throw std::range_error{"pool"}; });
        pool->spawn([] { throw std::range_error{"pool"}; });
    });
    EXPECT_EQ(what_is_thrown_by([&] { task.get(); }), "task");
    EXPECT_NO_THROW(group->join()); // seen
    EXPECT_EQ(what_is_thrown_by([&] { pool->join(); }), "pool");
    EXPECT_EQ(pool->errors().size(), 1U);
}

TEST_P(AfterTheRuntime, UnseenErrorsAreReportedWhenTheGroupDies) {
    UnhandledErrors const unhandled;
    outlive([&] { group->spawn([] { throw 1; }); });
    EXPECT_TRUE(unhandled.seen().empty());
    group.reset();
    EXPECT_EQ(unhandled.seen().size(), 1U);
}

TEST_P(AfterTheRuntime, SpawningGivesClosedAndTheCallableDies) {
    Lives lives;
    outlive([] {});
    EXPECT_THROW(group->spawn([mortal = Mortal{lives}] {}), Closed);
    EXPECT_THROW(pool->spawn([mortal = Mortal{lives}] {}), Closed);
    EXPECT_THROW(pool->spawn_wait([mortal = Mortal{lives}] {}), Closed);
    EXPECT_THROW(pool->try_spawn([mortal = Mortal{lives}] {}), Closed);
    EXPECT_THROW(pool->spawn_after(0s, [mortal = Mortal{lives}] {}), Closed);
    EXPECT_THROW(pool->run([mortal = Mortal{lives}] {}), Closed);
    EXPECT_THROW(Group{*pool}, Closed);
    EXPECT_EQ(lives.alive(), 0);
}

TEST_P(AfterTheRuntime, GroupsAndPoolsStillAnswer) {
    outlive([&] { pool->spawn([] {}); });
    EXPECT_NO_THROW(pool->join());
    EXPECT_TRUE(group->join_for(0s));
    EXPECT_TRUE(group->errors().empty());
    EXPECT_EQ(group->size(), 0U);
    EXPECT_EQ(pool->stats().completed, 1U);
    EXPECT_NO_THROW(pool->resize(5));
    EXPECT_EQ(pool->limit(), 5U);
    EXPECT_TRUE(pool->wait_available(0s));
    EXPECT_NO_THROW(pool->close());
}

TEST_P(AfterTheRuntime, TheLastHandleMayDieAnywhere) {
    Lives lives;
    Task<Mortal> task;
    outlive([&] { task = group->spawn([&lives] { return Mortal{lives}; }); });
    group.reset();
    EXPECT_EQ(lives.alive(), 1);
    std::thread{[mine = std::move(task)]() mutable { mine = {}; }}.join();
    EXPECT_EQ(lives.alive(), 0);
}

TEST_P(AfterTheRuntime, AnotherRuntimeIsUnharmed) {
    outlive([&] { group->spawn([] {}); });
    Runtime next{{.threads = GetParam()}};
    auto const fresh = next.run([] { return std::make_unique<Group>(); });
    EXPECT_THROW(group->spawn([] {}), Closed); // although the threads' places may be in use again
    EXPECT_EQ(fresh->run([] { return 2; }), 2);
    group.reset();
    EXPECT_EQ(fresh->run([] { return 3; }), 3);
}

} // namespace
