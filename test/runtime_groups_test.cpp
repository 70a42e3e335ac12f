// Groups, tasks and handles of a runtime, used from everywhere: its own threads, other runtimes, plain
// threads.

#include <frond/group.hpp>

#include "support/gate.hpp"
#include "support/lives.hpp"
#include "support/scale.hpp"
#include "support/unhandled_errors.hpp"
#include "support/what_of.hpp"

#include <frond/cancel.hpp>
#include <frond/diagnostics.hpp>
#include <frond/errors.hpp>
#include <frond/pool.hpp>
#include <frond/runtime.hpp>
#include <frond/this_task.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using frond::Closed;
using frond::Group;
using frond::OnError;
using frond::Pool;
using frond::Runtime;
using frond::Task;
using frond::TaskState;
using frond::test::Gate;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::scaled;
using frond::test::UnhandledErrors;
using frond::test::what_is_thrown_by;
using frond::test::what_of;
using frond::test::yield_until;

namespace {

enum class User {
    task,
    task_on_another_thread,
    plain_thread,
    fiber_of_a_plain_thread,
    task_of_another_runtime
};

/// A group and a pool of one slot in a runtime, and somebody who uses them.
class RuntimeGroups : public testing::TestWithParam<std::tuple<std::size_t, User>> {
protected:
    /// Calls `f` where the user is.
    void as_user(std::function<void()> const& f) {
        std::atomic<bool> called{false};
        switch (std::get<User>(GetParam())) {
        case User::task:
            return runtime.run(f);
        case User::task_on_another_thread: // than that of the group, if there is one
            return runtime.run_on_each([&] {
                bool const at_home = std::this_thread::get_id() == home && runtime.threads() > 1;
                if (!at_home && !called.exchange(true)) f();
            });
        case User::plain_thread:
            return f();
        case User::fiber_of_a_plain_thread:
            return Group{}.run(f);
        case User::task_of_another_runtime:
            return other.run(f);
        }
    }

    Runtime runtime{{.threads = std::get<std::size_t>(GetParam())}};
    Runtime other{{.threads = 1}};
    std::unique_ptr<Group> group = runtime.run([] { return std::make_unique<Group>(); });
    std::unique_ptr<Pool> pool = runtime.run([] { return std::make_unique<Pool>(1); });
    std::thread::id const home = group->spawn({.pinned = true}, &std::this_thread::get_id).get();
};

std::string name_of_case(testing::TestParamInfo<std::tuple<std::size_t, User>> const& info) {
    char const* const users[] = {"ByATask", "ByATaskOnAnotherThread", "ByAPlainThread",
                                 "ByAFiberOfAPlainThread", "ByATaskOfAnotherRuntime"};
    return users[static_cast<std::size_t>(std::get<User>(info.param))] +
           std::to_string(std::get<std::size_t>(info.param));
}
INSTANTIATE_TEST_SUITE_P(Used, RuntimeGroups,
                         testing::Combine(testing::Values(1, 2, 4),
                                          testing::Values(User::task, User::task_on_another_thread,
                                                          User::plain_thread, User::fiber_of_a_plain_thread,
                                                          User::task_of_another_runtime)),
                         &name_of_case);

// --- spawn -------------------------------------------------------------------------------------------------

TEST_P(RuntimeGroups, SpawnRunsTheTaskInTheRuntime) {
    std::set<std::thread::id> ids;
    std::mutex mutex;
    runtime.run_on_each([&] {
        std::lock_guard const lock{mutex};
        ids.insert(std::this_thread::get_id());
    });
    as_user([&] {
        for (int i = 0; i < 20; ++i) EXPECT_TRUE(ids.contains(group->spawn(&std::this_thread::get_id).get()));
    });
}

TEST_P(RuntimeGroups, SpawnCountsAtOnceForSizeAndJoin) {
    Gate gate;
    std::atomic<int> ran{0};
    as_user([&] {
        for (int i = 0; i < 10; ++i)
            group->spawn([&] {
                gate.pass();
                ++ran;
            });
        EXPECT_EQ(group->size(), 10U);
        EXPECT_EQ(group->active(), 10U);
        EXPECT_FALSE(group->empty());
        gate.open();
        group->join();
        EXPECT_EQ(ran, 10);
        EXPECT_TRUE(group->empty());
    });
}

TEST_P(RuntimeGroups, SpawnIntoAPoolKeepsTheOrderAndTheSizes) {
    std::string order; // guarded by the cap of 1
    Gate gate;
    as_user([&] {
        pool->spawn([&gate] { gate.pass(); });
        for (char c = 'a'; c <= 'j'; ++c) pool->spawn([&order, c] { order += c; });
        EXPECT_EQ(pool->size(), 11U);
        EXPECT_EQ(pool->active(), 1U);
        EXPECT_EQ(pool->pending(), 10U);
        EXPECT_TRUE(pool->full());
        EXPECT_EQ(pool->stats().live, 11U);
        gate.open();
        pool->join();
    });
    EXPECT_EQ(order, "abcdefghij");
}

TEST_P(RuntimeGroups, SpawnOfAnEmptyCallableIsRejected) {
    as_user([&] { EXPECT_THROW(group->spawn(std::function<void()>{}), std::invalid_argument); });
    EXPECT_TRUE(group->empty());
}

TEST_P(RuntimeGroups, SpawnWaitAndTrySpawn) {
    Gate gate;
    Lives lives;
    as_user([&] {
        EXPECT_TRUE(pool->try_spawn([&gate] { gate.pass(); }).has_value());
        EXPECT_FALSE(pool->try_spawn([mortal = Mortal{lives}] {}).has_value());
        EXPECT_EQ(lives.alive(), 0);
        group->spawn([&gate] { gate.open(); });
        auto const admitted = pool->spawn_wait([] { return 4; });
        EXPECT_TRUE(gate.is_open()); // not before
        EXPECT_EQ(admitted.get(), 4);
    });
}

TEST_P(RuntimeGroups, SpawnAfter) {
    auto const start = std::chrono::steady_clock::now();
    as_user([&] {
        auto const task = group->spawn_after(5ms, [] { return std::chrono::steady_clock::now(); });
        EXPECT_EQ(group->pending(), 1U);
        EXPECT_GE(task.get() - start, 5ms);
    });
}

TEST_P(RuntimeGroups, RunGivesTheResult) {
    as_user([&] {
        EXPECT_EQ(*group->run([] { return std::make_unique<int>(3); }), 3);
        EXPECT_EQ(*pool->run([] { return std::make_unique<int>(4); }), 4);
        EXPECT_THROW(group->run([] { throw 1; }), int);
    });
}

TEST_P(RuntimeGroups, CallablesDieOnce) {
    Lives lives;
    as_user([&] {
        for (int i = 0; i < 50; ++i) group->spawn([mortal = Mortal{lives}] {});
        for (int i = 0; i < 50; ++i) pool->spawn([mortal = Mortal{lives}] { frond::yield(); });
        group->join();
        pool->join();
    });
    EXPECT_EQ(lives.alive(), 0);
}

// --- results and errors ------------------------------------------------------------------------------------

TEST_P(RuntimeGroups, GetWaitsAndGivesTheResultAnyNumberOfTimes) {
    as_user([&] {
        auto const task = group->spawn({.name = "named"}, [] {
            frond::sleep_for(1ms);
            return std::string{"result"};
        });
        EXPECT_EQ(task.name(), "named");
        EXPECT_EQ(task.get(), "result");
        EXPECT_EQ(task.get(), "result");
        EXPECT_EQ(task.state(), TaskState::done);
        EXPECT_EQ(task.take(), "result");
        EXPECT_THROW(task.take(), std::logic_error);
    });
}

TEST_P(RuntimeGroups, GetRethrowsWithTheTypeAndMarksAsSeen) {
    as_user([&] {
        auto const task = group->spawn([] { throw std::range_error{"from there"}; });
        EXPECT_THROW(task.get(), std::range_error);
        EXPECT_NO_THROW(group->join());
        EXPECT_THROW(task.get(), std::range_error);
        EXPECT_EQ(task.state(), TaskState::failed);
    });
}

TEST_P(RuntimeGroups, GetOfACancelledTaskThrowsCancelled) {
    as_user([&] {
        auto const task = group->spawn([] { throw frond::Cancelled{"enough"}; });
        EXPECT_THROW(task.get(), frond::Cancelled);
        EXPECT_EQ(task.state(), TaskState::cancelled);
        EXPECT_NO_THROW(group->join());
    });
}

TEST_P(RuntimeGroups, ErrorMarksAsSeenAndWaitDoesNot) {
    as_user([&] {
        auto const task = group->spawn([] { throw std::range_error{"one"}; });
        EXPECT_EQ(what_of(task.error()), "one");
        EXPECT_NO_THROW(group->join());
        auto const next = group->spawn([] { throw std::range_error{"two"}; });
        next.wait();
        EXPECT_EQ(what_is_thrown_by([&] { group->join(); }), "two");
    });
}

TEST_P(RuntimeGroups, WaitForGivesUpAtItsDeadline) {
    Gate gate;
    as_user([&] {
        auto const task = group->spawn([&gate] { gate.pass(); });
        EXPECT_FALSE(task.wait_for(2ms));
        EXPECT_FALSE(group->join_for(2ms));
        EXPECT_FALSE(task.ready());
        gate.open();
        EXPECT_TRUE(task.wait_for(1h));
        EXPECT_TRUE(group->join_for(1h));
        EXPECT_TRUE(task.ready());
    });
}

TEST_P(RuntimeGroups, WaitForThatRacesWithTheEndLosesNothing) {
    as_user([&] {
        for (std::size_t i = 0; i < scaled(100); ++i) {
            auto const task = group->spawn([] {
                frond::sleep_for(50us);
                return 1;
            });
            while (!task.wait_for(10us)) {
            }
            ASSERT_EQ(task.get(), 1);
        }
    });
}

struct First {};
struct Second {};
struct Third {};

TEST_P(RuntimeGroups, JoinRethrowsTheFirstErrorAndALaterOneTheNext) {
    as_user([&] {
        Gate gate;
        pool->spawn([&gate] { gate.pass(); });
        pool->spawn([] { throw First{}; }); // one after the other, at a cap of one
        pool->spawn([] { throw Second{}; });
        pool->spawn([] { throw Third{}; });
        gate.open();
        EXPECT_THROW(pool->join(), First);
        EXPECT_THROW(pool->join(), Second);
        EXPECT_EQ(pool->errors().size(), 1U);
        EXPECT_NO_THROW(pool->join());
    });
}

TEST_P(RuntimeGroups, ErrorsAreTakenOldestFirstAndNoMoreThan64) {
    as_user([&] {
        for (int i = 0; i < 70; ++i)
            pool->spawn({.name = std::to_string(i)}, [] { throw std::range_error{"bad"}; });
        yield_until([&] { return pool->empty(); });
        auto const errors = pool->errors();
        ASSERT_EQ(errors.size(), 64U);
        for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(errors[i].name, std::to_string(i));
        EXPECT_EQ(what_of(errors[0].error), "bad");
        EXPECT_EQ(errors.back().more, 6U);
        EXPECT_TRUE(pool->errors().empty());
        EXPECT_NO_THROW(pool->join());
    });
}

// --- handles -----------------------------------------------------------------------------------------------

TEST_P(RuntimeGroups, LastHandleMayDieAtTheUsers) {
    Lives lives;
    auto task = group->spawn([&lives] { return Mortal{lives}; });
    group->join();
    as_user([&] {
        std::vector<Task<Mortal>> copies(100, task);
        copies.clear();
        auto last = std::exchange(task, {});
        EXPECT_EQ(lives.alive(), 1);
        last = {};
    });
    yield_until([&] { return lives.alive() == 0; });
    EXPECT_EQ(lives.born, lives.died);
}

TEST_P(RuntimeGroups, LastHandleMayDieBeforeTheTaskHasEnded) {
    Lives lives;
    Gate gate;
    as_user([&] {
        group->spawn([&, mortal = Mortal{lives}] {
            gate.pass();
            return Mortal{lives};
        });
    });
    gate.open();
    group->join();
    yield_until([&] { return lives.alive() == 0; });
}

TEST_P(RuntimeGroups, HandleOfTheUserMayDieInTheRuntime) {
    Lives lives;
    Task<Mortal> task;
    as_user([&] { task = group->spawn([&lives] { return Mortal{lives}; }); });
    group->join();
    group->run([mine = std::move(task)]() mutable { mine = {}; });
    yield_until([&] { return lives.alive() == 0; });
    EXPECT_EQ(lives.born, lives.died);
}

TEST_P(RuntimeGroups, HandleOutlivesTheGroup) {
    Lives lives;
    as_user([&] {
        auto task = group->spawn([&lives] { return Mortal{lives}; });
        auto const failed = pool->spawn([] { throw std::range_error{"kept"}; });
        EXPECT_THROW(failed.get(), std::range_error);
        group.reset();
        pool.reset();
        EXPECT_EQ(task.state(), TaskState::done);
        EXPECT_NO_THROW(task.get());
        EXPECT_THROW(failed.get(), std::range_error);
        task = {};
    });
    yield_until([&] { return lives.alive() == 0; });
}

// --- ends of groups ----------------------------------------------------------------------------------------

TEST_P(RuntimeGroups, DestructorAtTheUsersWaitsForAllTasks) {
    std::atomic<int> ran{0};
    as_user([&] {
        for (int i = 0; i < 20; ++i)
            group->spawn([&ran, dying = group.get()] {
                frond::sleep_for(1ms);
                ++ran;
                dying->spawn([&ran] { ++ran; });
            });
        group.reset();
        EXPECT_EQ(ran, 40);
    });
}

TEST_P(RuntimeGroups, DestructorOfAPoolAtTheUsersWaitsForAllGroupsBoundToIt) {
    std::atomic<int> ran{0};
    as_user([&] {
        auto const bound = std::make_unique<Group>(*pool);
        for (int i = 0; i < 10; ++i) {
            pool->spawn([&ran] { ++ran; });
            bound->spawn([&ran] {
                frond::yield();
                ++ran;
            });
        }
        pool.reset();
        EXPECT_EQ(ran, 20);
        EXPECT_THROW(bound->spawn([] {}), Closed);
    });
}

TEST_P(RuntimeGroups, UnwindingDestructorDropsTheBacklogAndWaitsForWhatRuns) {
    Lives lives;
    std::atomic<int> ran{0};
    std::atomic<bool> ended{false};
    Gate started;
    as_user([&] {
        try {
            Group bound{*pool};
            bound.spawn([&] { // runs until the others are gone
                frond::Shield const shield;
                started.open();
                yield_until([&lives] { return lives.born == 5 && lives.alive() == 0; });
                ended = true;
            });
            for (int i = 0; i < 5; ++i) {
                auto mortal = std::make_unique<Mortal>(lives);
                bound.spawn([&ran, mortal = std::move(mortal)] { ++ran; });
            }
            started.pass();
            throw 3;
        } catch (int) {
            EXPECT_TRUE(ended);
        }
    });
    EXPECT_EQ(ran, 0);
    EXPECT_EQ(lives.died, 5);
}

TEST_P(RuntimeGroups, UnseenErrorsAreReportedOnceWhenTheGroupDies) {
    UnhandledErrors const unhandled;
    as_user([&] {
        for (int i = 0; i < 3; ++i) pool->spawn({.name = "bad"}, [] { throw std::range_error{"unseen"}; });
        pool.reset();
    });
    auto const seen = unhandled.seen();
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].name, "bad");
    EXPECT_EQ(seen[0].more, 2U);
    EXPECT_EQ(what_of(seen[0].error), "unseen");
}

// --- what groups do with errors ----------------------------------------------------------------------------

class RuntimeErrors : public testing::TestWithParam<std::size_t> {
protected:
    template <class T, class... A>
    std::unique_ptr<T> make(A... arguments) {
        return runtime.run([&] { return std::make_unique<T>(std::move(arguments)...); });
    }
    Runtime runtime{{.threads = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Threads, RuntimeErrors, testing::Values(1, 2, 4));

TEST_P(RuntimeErrors, OfATaskThatRanElsewhereComeWithTheirType) {
    runtime.run([this] {
        Group group;
        std::latch together{static_cast<std::ptrdiff_t>(runtime.threads())};
        std::vector<Task<int>> tasks;
        for (std::size_t i = 1; i < runtime.threads(); ++i)
            tasks.push_back(group.spawn([&together]() -> int {
                together.arrive_and_wait(); // each on a thread of its own
                throw std::range_error{"elsewhere"};
            }));
        together.arrive_and_wait();
        for (auto const& task : tasks) EXPECT_THROW(task.get(), std::range_error);
        EXPECT_NO_THROW(group.join());
    });
}

TEST_P(RuntimeErrors, FirstOneCancelsTheRestIfAskedTo) {
    auto const pool = make<Pool>(frond::PoolOptions{.limit = 2, .group = {.on_error = OnError::cancel}});
    Lives lives;
    Gate gate;
    std::atomic<int> ran{0};
    std::vector<Task<void>> rest;
    auto const bad = pool->spawn([&gate] {
        gate.pass();
        throw std::range_error{"the first"};
    });
    Gate started;
    auto const running = pool->spawn([&] {
        started.open();
        try {
            frond::sleep_for(1h);
        } catch (frond::Cancelled const&) {
            frond::Shield const shield;
            yield_until([&lives] { return lives.born == 100 && lives.alive() == 0; });
            throw;
        }
    });
    started.pass();
    for (int i = 0; i < 100; ++i) {
        auto mortal = std::make_unique<Mortal>(lives);
        rest.push_back(pool->spawn([&ran, mortal = std::move(mortal)] { ++ran; }));
    }
    gate.open();
    EXPECT_EQ(what_is_thrown_by([&] { pool->join(); }), "the first");
    EXPECT_EQ(ran, 0);
    EXPECT_EQ(running.state(), TaskState::cancelled);
    for (auto const& task : rest) EXPECT_EQ(task.state(), TaskState::cancelled);
    EXPECT_EQ(pool->run([] { return 1; }), 1); // usable again
}

TEST_P(RuntimeErrors, AreReportedAtOnceIfAskedTo) {
    UnhandledErrors const unhandled;
    auto const group = make<Group>(frond::GroupOptions{.on_error = OnError::report});
    for (int i = 0; i < 100; ++i) group->spawn([] { throw 1; });
    EXPECT_NO_THROW(group->join());
    EXPECT_EQ(unhandled.seen().size(), 100U);
    EXPECT_TRUE(group->errors().empty());
}

TEST_P(RuntimeErrors, OfManyThreadsAtOnceAreAllCounted) {
    auto const group = make<Group>();
    std::size_t const n = scaled(500) + 64;
    runtime.run_on_each([&] {
        for (std::size_t i = 0; i < n; ++i) group->spawn([] { throw 1; });
    });
    yield_until([&] { return group->empty(); });
    auto const errors = group->errors();
    ASSERT_EQ(errors.size(), 64U);
    EXPECT_EQ(errors.size() + errors.back().more, n * GetParam());
}

TEST_P(RuntimeErrors, GoToEverybodyWhoJoinsThen) {
    Runtime other{{.threads = 1}};
    auto const group = make<Group>();
    auto const here = make<Group>();
    auto const elsewhere = other.run([] { return std::make_unique<Group>(); });
    Group of_this_thread;
    Gate gate;
    std::atomic<int> got{0};
    group->spawn([&gate] {
        gate.pass();
        throw 3;
    });
    std::vector<Task<void>> joiners;
    for (Group* const g : {here.get(), here.get(), elsewhere.get(), elsewhere.get(), &of_this_thread})
        joiners.push_back(g->spawn([&] {
            EXPECT_THROW(group->join(), int);
            ++got;
        }));
    yield_until([&] {
        return std::all_of(joiners.begin(), joiners.end(),
                           [](auto const& joiner) { return joiner.state() == TaskState::waiting; });
    });
    EXPECT_TRUE(group->errors().empty()); // an answer of the group: by now they all stand in line
    gate.open();
    for (auto const& joiner : joiners) joiner.wait();
    EXPECT_EQ(got, 5);
    EXPECT_NO_THROW(group->join());
}

TEST_P(RuntimeErrors, BelongToTheirFiberOnEveryThread) {
    auto const group = make<Group>();
    std::atomic<int> mixed_up{0};
    for (int i = 0; i < 40; ++i)
        group->spawn([&mixed_up, i] {
            try {
                throw i;
            } catch (int) {
                for (int turn = 0; turn < 10; ++turn) {
                    if (turn % 3 == 0)
                        Group{}.run([] {});
                    else if (turn % 3 == 1)
                        frond::sleep_for(20us);
                    else
                        frond::yield();
                    try {
                        throw;
                    } catch (int mine) {
                        if (mine != i) ++mixed_up;
                    }
                    if (std::uncaught_exceptions() != 0) ++mixed_up;
                }
            }
        });
    group->join();
    EXPECT_EQ(mixed_up, 0);
}

// --- homes -------------------------------------------------------------------------------------------------

TEST_P(RuntimeErrors, GroupsMadeOnEachThreadMayDieOnAnyOther) {
    std::vector<std::unique_ptr<Group>> groups;
    std::mutex mutex;
    std::atomic<std::size_t> ran{0};
    runtime.run_on_each([&] {
        for (int i = 0; i < 4; ++i) {
            auto group = std::make_unique<Group>();
            for (int j = 0; j < 5; ++j)
                group->spawn([&ran] {
                    frond::yield();
                    ++ran;
                });
            std::lock_guard const lock{mutex};
            groups.push_back(std::move(group));
        }
    });
    runtime.run_on_each([&] {
        for (;;) {
            std::unique_ptr<Group> group;
            {
                std::lock_guard const lock{mutex};
                if (groups.empty()) break;
                group = std::move(groups.back());
                groups.pop_back();
            }
            group.reset(); // with a wait; meanwhile the other threads go on
        }
    });
    EXPECT_EQ(ran, 20 * GetParam());
}

TEST_P(RuntimeErrors, GroupOfAPlainThreadMayDieInARuntime) {
    auto group = std::make_unique<Group>();
    int ran = 0; // without a lock: they run on this thread
    group->spawn([&] {
        frond::sleep_for(1ms);
        ++ran;
    });
    runtime.run([&] {
        group->spawn([&ran] { ++ran; });
        group.reset();
    });
    EXPECT_EQ(ran, 2);
}

TEST_P(RuntimeErrors, GroupBoundToAPoolLivesWhereThePoolDoes) {
    auto const pool = make<Pool>(2);
    std::set<std::thread::id> ids;
    std::mutex mutex;
    runtime.run_on_each([&] {
        std::lock_guard const lock{mutex};
        ids.insert(std::this_thread::get_id());
    });
    Group group{*pool}; // made here, on a thread outside
    EXPECT_TRUE(ids.contains(group.run(&std::this_thread::get_id)));
    EXPECT_EQ(pool->stats().completed, 1U);
}

TEST_P(RuntimeErrors, TasksOfManyThreadsHaveIdsOfTheirOwn) {
    auto const group = make<Group>();
    std::set<std::uint64_t> ids;
    std::mutex mutex;
    runtime.run_on_each([&] {
        for (int i = 0; i < 300; ++i) {
            auto const task = group->spawn([] { return frond::this_task::id(); });
            std::lock_guard const lock{mutex};
            ids.insert(task.id());
        }
    });
    group->join();
    EXPECT_EQ(ids.size(), 300 * GetParam());
    auto const task = group->spawn([] { return frond::this_task::id(); });
    EXPECT_EQ(task.get(), task.id());
}

TEST_P(RuntimeErrors, DumpShowsARuntimesTasksToEverybody) {
    auto const group = make<Group>(frond::GroupOptions{.name = "workers"});
    Gate gate;
    group->spawn({.name = "spinning"}, [&gate] { gate.pass(); });
    auto const waits = group->spawn({.name = "joining"}, [&gate] {
        Group mine{{.name = "children"}};
        mine.spawn([&gate] { gate.pass(); });
        mine.join();
    });
    yield_until([&] { return waits.state() == TaskState::waiting; });
    std::ostringstream from_here;
    frond::dump(from_here);
    auto const from_there = runtime.run([] {
        std::ostringstream out;
        frond::dump(out);
        return out.str();
    });
    for (auto const& text : {from_here.str(), from_there})
        for (char const* const part :
             {"of runtime 'frond'", "'workers'", "'spinning'", "'joining'", "'children'"})
            EXPECT_THAT(text, testing::HasSubstr(part));
    gate.open();
    group->join();
}

} // namespace
