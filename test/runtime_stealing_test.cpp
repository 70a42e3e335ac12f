// What has not started may be taken by any thread of its runtime, what has started stays where it is, and who
// has nothing to do sleeps.

#include <frond/runtime.hpp>

#include "support/gate.hpp"
#include "support/scale.hpp"

#include <frond/blocking.hpp>
#include <frond/pool.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using frond::Group;
using frond::Pool;
using frond::Runtime;
using frond::Task;
using frond::test::scaled;
using frond::test::yield_until;
using Clock = std::chrono::steady_clock;

namespace {

/// Computes until `holds()`: the thread does nothing else. @return false: that took too long
template <class Predicate>
bool hold_thread_until(Predicate holds) {
    auto const end = Clock::now() + 20s;
    while (!holds())
        if (Clock::now() > end) return false;
    return true;
}

class RuntimeStealing : public testing::TestWithParam<std::size_t> {
protected:
    Runtime runtime{{.threads = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Threads, RuntimeStealing, testing::Values(2, 4));

// --- what has not started ----------------------------------------------------------------------------------

/// Tasks that each hold their thread until all have started.
class Together {
public:
    explicit Together(std::size_t n) : missing_{static_cast<std::ptrdiff_t>(n)} {}
    void operator()() {
        {
            std::lock_guard const lock{mutex_};
            threads_.insert(std::this_thread::get_id());
        }
        missing_.arrive_and_wait();
    }
    std::size_t threads() const { return threads_.size(); }

private:
    std::latch missing_;
    std::mutex mutex_;
    std::set<std::thread::id> threads_;
};

TEST_P(RuntimeStealing, TasksOfOneTaskRunOnAllThreadsAtOnce) {
    Together together{GetParam()};
    runtime.run([&] {
        Group group;
        for (std::size_t i = 0; i < GetParam(); ++i) group.spawn([&together] { together(); });
        group.join();
    });
    EXPECT_EQ(together.threads(), GetParam());
}

TEST_P(RuntimeStealing, TasksOfAPoolRunOnAllThreadsAtOnce) {
    Together together{GetParam()};
    runtime.run([&] {
        Pool pool{GetParam()};
        for (std::size_t i = 0; i < GetParam(); ++i) pool.spawn([&together] { together(); });
        pool.join();
    });
    EXPECT_EQ(together.threads(), GetParam());
}

TEST_P(RuntimeStealing, TasksFromOutsideRunOnAllThreadsAtOnce) {
    Together together{GetParam()};
    auto const group = runtime.run([] { return std::make_unique<Group>(); });
    for (std::size_t i = 0; i < GetParam(); ++i) group->spawn([&together] { together(); });
    group->join();
    EXPECT_EQ(together.threads(), GetParam());
}

TEST_P(RuntimeStealing, DelayedTasksRunOnAllThreadsAtOnce) {
    Together together{GetParam()};
    runtime.run([&] {
        Group group;
        for (std::size_t i = 0; i < GetParam(); ++i) group.spawn_after(1ms, [&together] { together(); });
        // Then all are due at once: whoever runs the first one cannot hold up the timers of the others.
        std::this_thread::sleep_for(2ms);
        group.join();
    });
    EXPECT_EQ(together.threads(), GetParam());
}

TEST_P(RuntimeStealing, NestedTasksSpreadOverAllThreads) {
    Together together{GetParam()};
    runtime.run([&] {
        std::function<void(std::size_t)> descend = [&](std::size_t depth) {
            if (depth == 0) return;
            Group group;
            group.spawn([&, depth] { descend(depth - 1); });
            together();
        };
        descend(GetParam());
    });
    EXPECT_EQ(together.threads(), GetParam());
}

TEST_P(RuntimeStealing, ATaskThatWaitsForOneThatWasTakenGoesOnWhereItWas) {
    runtime.run([] {
        Group group;
        auto const here = std::this_thread::get_id();
        std::latch both{2};
        auto const taken = group.spawn([&both] {
            both.arrive_and_wait();
            frond::sleep_for(1ms);
            return std::this_thread::get_id();
        });
        both.arrive_and_wait();
        EXPECT_NE(taken.get(), here);
        EXPECT_EQ(std::this_thread::get_id(), here);
    });
}

/// On two threads, one of which is held by the caller: what the other one takes, and in which order it runs
/// that.
std::string order_of_thief(Group& group, std::size_t n) {
    std::string order;
    std::atomic<bool> taken{false};
    std::atomic<bool> free{false};
    std::atomic<std::size_t> ran{0};
    group.spawn([&] {
        taken = true;
        hold_thread_until([&] { return free.load(); });
    });
    EXPECT_TRUE(hold_thread_until([&] { return taken.load(); }));
    for (std::size_t i = 0; i < n; ++i)
        group.spawn([&order, &ran, i] {
            order += static_cast<char>('a' + i);
            ++ran;
        });
    free = true;
    EXPECT_TRUE(hold_thread_until([&] { return ran == n; }));
    group.join();
    return order;
}

TEST(RuntimeTheft, TakesHalfFromTheFarEndAndStartsThatInSpawnOrder) {
    Runtime runtime{{.threads = 2}};
    EXPECT_EQ(runtime.run([] {
        Group group;
        return order_of_thief(group, 8);
    }),
              "efghcdba");
}

TEST(RuntimeTheft, FromAPoolTakesHalfOfWhatIsAdmitted) {
    Runtime runtime{{.threads = 2}};
    EXPECT_EQ(runtime.run([] {
        Pool pool{9}; // the first one holds the thief
        return order_of_thief(pool, 8);
    }),
              "efghcdba");
}

TEST(RuntimeTheft, LeavesTheOthersToTheirOwner) {
    Runtime runtime{{.threads = 2}};
    runtime.run([] {
        Group group;
        std::atomic<int> ran{0};
        std::vector<Task<std::thread::id>> tasks;
        for (int i = 0; i < 1000; ++i)
            tasks.push_back(group.spawn([&ran] {
                ++ran;
                return std::this_thread::get_id();
            }));
        group.join();
        EXPECT_EQ(ran, 1000); // each once, wherever
        for (auto const& task : tasks) EXPECT_NO_THROW(task.get());
    });
}

// --- pinned ------------------------------------------------------------------------------------------------

TEST_P(RuntimeStealing, PinnedTasksWaitForTheirThread) {
    runtime.run([] {
        Group group;
        auto const here = std::this_thread::get_id();
        auto const pinned = group.spawn({.pinned = true}, &std::this_thread::get_id);
        auto const other = group.spawn(&std::this_thread::get_id);
        auto const later = group.spawn({.pinned = true}, &std::this_thread::get_id);
        EXPECT_TRUE(hold_thread_until([&] { return other.ready(); }));
        std::this_thread::sleep_for(5ms); // many looks of the thieves
        EXPECT_EQ(pinned.state(), frond::TaskState::queued);
        EXPECT_EQ(later.state(), frond::TaskState::queued);
        EXPECT_NE(other.get(), here);
        EXPECT_EQ(pinned.get(), here);
        EXPECT_EQ(later.get(), here);
    });
}

TEST_P(RuntimeStealing, PinnedTasksDoNotHideOthersFromThieves) {
    runtime.run([] {
        Group group;
        auto const other = group.spawn([] {});
        for (int i = 0; i < 500; ++i) group.spawn({.pinned = true}, [] {});
        EXPECT_TRUE(hold_thread_until([&] { return other.ready(); }));
    });
}

TEST_P(RuntimeStealing, PinnedTasksOfAllThreadsInOneGroupStartWhereTheyWereSpawned) {
    auto const group = runtime.run([] { return std::make_unique<Group>(); });
    std::atomic<int> elsewhere{0};
    runtime.run_on_each([&] {
        for (int i = 0; i < 50; ++i)
            group->spawn({.pinned = true}, [&elsewhere, here = std::this_thread::get_id()] {
                if (std::this_thread::get_id() != here) ++elsewhere;
            });
    });
    group->join();
    EXPECT_EQ(elsewhere, 0);
}

TEST_P(RuntimeStealing, PinnedTasksOfAFullPoolStartWhereTheyWereSpawned) {
    auto const pool = runtime.run([] { return std::make_unique<Pool>(1); });
    std::atomic<int> elsewhere{0};
    std::atomic<std::size_t> ran{0};
    runtime.run_on_each([&] {
        for (int i = 0; i < 50; ++i) {
            auto const task = [&, here = std::this_thread::get_id()] {
                if (std::this_thread::get_id() != here) ++elsewhere;
                ++ran;
            };
            if (i % 5 == 0)
                pool->spawn_wait({.pinned = true}, task);
            else
                pool->spawn({.pinned = true}, task); // admitted by whichever thread frees the slot
        }
    });
    pool->join();
    EXPECT_EQ(elsewhere, 0);
    EXPECT_EQ(ran, 50 * GetParam());
}

TEST_P(RuntimeStealing, PinnedTasksFromOutsideAllStartOnOneThreadOfTheGroup) {
    auto const group = runtime.run([] { return std::make_unique<Group>(); });
    std::set<std::thread::id> ids; // without a lock
    for (int i = 0; i < 100; ++i)
        group->spawn({.pinned = true}, [&ids] { ids.insert(std::this_thread::get_id()); });
    group->join();
    EXPECT_EQ(ids.size(), 1U);
    EXPECT_FALSE(ids.contains(std::this_thread::get_id()));
}

// --- what has started --------------------------------------------------------------------------------------

/// What belongs to the calling thread. Always called through a volatile pointer: compilers think that a
/// function cannot change its thread and remember the addresses.
struct Place {
    std::thread::id thread;
    int* error_number;
    int* local;
    bool operator==(Place const&) const = default;
};
Place place_now() {
    thread_local int local = 0;
    return {std::this_thread::get_id(), &errno, &local};
}
Place (*volatile place)() = &place_now;

/// Two runtimes and what there is to wait for in them.
struct World {
    Runtime& runtime;
    Runtime& other;
    Pool& pool;       ///< of `runtime`: one slot, and a backlog of two
    Group& group;     ///< of `runtime`
    Group& elsewhere; ///< of `other`
    std::atomic<int> moved{0};

    template <class F>
    void watch(F wait) {
        auto const before = place();
        wait();
        if (!(place() == before)) ++moved;
    }
};

void work() {
    frond::yield();
    auto const end = Clock::now() + 10us;
    while (Clock::now() < end) {
    }
}

struct NamedWait {
    char const* name;
    void (*wait)(World&);
};

class StartedFiber : public testing::TestWithParam<NamedWait> {};

TEST_P(StartedFiber, StaysOnItsThread) {
    Runtime runtime{{.threads = 4}};
    Runtime other{{.threads = 2}};
    auto const pool =
        runtime.run([] { return std::make_unique<Pool>(frond::PoolOptions{.limit = 1, .max_pending = 2}); });
    auto const group = runtime.run([] { return std::make_unique<Group>(); });
    auto const elsewhere = other.run([] { return std::make_unique<Group>(); });
    World world{runtime, other, *pool, *group, *elsewhere};
    std::size_t const rounds = scaled(20);
    std::atomic<int> ended{0};
    runtime.run_on_each([&] {
        Group walkers;
        for (int i = 0; i < 4; ++i)
            walkers.spawn({.pinned = true}, [&] { // so that there are some on each thread
                for (std::size_t j = 0; j < rounds; ++j) world.watch([&] { GetParam().wait(world); });
                ++ended;
            });
        walkers.join();
    });
    group->join();
    pool->join();
    EXPECT_EQ(world.moved, 0);
    EXPECT_EQ(ended, 16);
}

INSTANTIATE_TEST_SUITE_P(
    AcrossAWaitOf, StartedFiber,
    testing::Values(
        NamedWait{"Sleep", [](World&) { frond::sleep_for(50us); }},
        NamedWait{"Yield", [](World&) { frond::yield(); }},
        NamedWait{"Get", [](World& w) { w.group.spawn(&work).get(); }},
        NamedWait{"Take", [](World& w) { w.group.spawn(&work).take(); }},
        NamedWait{"Wait", [](World& w) { w.group.spawn(&work).wait(); }},
        NamedWait{"WaitForThatGivesUp",
                  [](World& w) { w.group.spawn([] { frond::sleep_for(1ms); }).wait_for(20us); }},
        NamedWait{"WaitForThatSucceeds", [](World& w) { EXPECT_TRUE(w.group.spawn(&work).wait_for(1h)); }},
        NamedWait{"Error", [](World& w) { EXPECT_TRUE(w.group.spawn([] { throw 1; }).error()); }},
        NamedWait{"Run", [](World& w) { w.group.run(&work); }},
        NamedWait{"Join",
                  [](World&) {
                      Group group;
                      for (int i = 0; i < 4; ++i) group.spawn(&work);
                      group.join();
                  }},
        NamedWait{"JoinOfOneGroupByMany",
                  [](World& w) {
                      w.group.spawn(&work);
                      w.group.join();
                  }},
        NamedWait{"JoinForThatGivesUp",
                  [](World& w) {
                      w.group.spawn([] { frond::sleep_for(1ms); });
                      w.group.join_for(20us);
                  }},
        NamedWait{"GroupDestructor",
                  [](World&) {
                      Group group;
                      for (int i = 0; i < 4; ++i) group.spawn(&work);
                  }},
        NamedWait{"PoolDestructor",
                  [](World&) {
                      Pool pool{2};
                      for (int i = 0; i < 4; ++i) pool.spawn(&work);
                  }},
        NamedWait{"SpawnWait", [](World& w) { w.pool.spawn_wait(&work); }},
        NamedWait{"SpawnInFrontOfAFullBacklog", [](World& w) { w.pool.spawn(&work); }},
        NamedWait{"WaitAvailable",
                  [](World& w) {
                      w.pool.spawn(&work);
                      w.pool.wait_available();
                  }},
        NamedWait{"WaitAvailableThatGivesUp",
                  [](World& w) {
                      w.pool.spawn(&work);
                      w.pool.wait_available(20us);
                  }},
        NamedWait{"NestedInAFullPool",
                  [](World& w) {
                      w.pool.run([&w] {
                          w.watch([&w] { // lends its slot and is handed it back
                              Group group{w.pool};
                              for (int i = 0; i < 3; ++i) group.spawn(&work);
                              group.join();
                          });
                      });
                  }},
        NamedWait{"WithoutItsSlot",
                  [](World& w) {
                      w.pool.run([&w] {
                          w.watch([&w] {
                              auto const loan = w.pool.release_slot();
                              work();
                          });
                      });
                  }},
        NamedWait{"Blocking",
                  [](World&) {
                      auto const here = std::this_thread::get_id();
                      EXPECT_NE(frond::blocking(&std::this_thread::get_id), here);
                  }},
        NamedWait{"RunOnAnotherRuntime", [](World& w) { w.other.run(&work); }},
        NamedWait{"GetOnAnotherRuntime", [](World& w) { w.elsewhere.spawn(&work).get(); }},
        NamedWait{"JoinOnAnotherRuntime",
                  [](World& w) {
                      w.elsewhere.spawn(&work);
                      w.elsewhere.join();
                  }},
        NamedWait{"WaitForOnAnotherRuntime",
                  [](World& w) { w.elsewhere.spawn([] { frond::sleep_for(1ms); }).wait_for(20us); }},
        NamedWait{"RunOnItsOwnRuntime", [](World& w) { w.runtime.run(&work); }},
        NamedWait{"RunOnEach", [](World& w) { w.runtime.run_on_each(&work); }}),
    [](auto const& instance) { return std::string{instance.param.name}; });

// --- a busy owner ------------------------------------------------------------------------------------------

/// How long it takes until somebody else starts the `n` tasks of one that computes. A quarter of them was
/// faster: a machine that is busy with other things spoils the median, and a promise that is broken is so for
/// all.
std::chrono::nanoseconds hidden_for(Runtime& runtime, int n) {
    std::vector<std::chrono::nanoseconds> all;
    for (std::size_t round = 0; round < scaled(50) + 5; ++round) {
        yield_until([&] { return runtime.stats().sleeping == runtime.threads(); });
        runtime.run([&] {
            Group group;
            auto const spawned = Clock::now();
            std::vector<Task<Clock::time_point>> tasks;
            for (int i = 0; i < n; ++i) tasks.push_back(group.spawn([] { return Clock::now(); }));
            // No wait: nobody but a thief can start them.
            EXPECT_TRUE(hold_thread_until([&] {
                return std::all_of(tasks.begin(), tasks.end(), [](auto const& t) { return t.ready(); });
            }));
            for (auto const& task : tasks) all.push_back(task.get() - spawned);
        });
    }
    auto const quarter = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 4);
    std::nth_element(all.begin(), quarter, all.end());
    return *quarter;
}

TEST_P(RuntimeStealing, ABusyOwnerDoesNotHideASingleTask) { EXPECT_LT(hidden_for(runtime, 1), 10ms); }

TEST_P(RuntimeStealing, ABusyOwnerDoesNotHideManyTasks) { EXPECT_LT(hidden_for(runtime, 20), 10ms); }

TEST_P(RuntimeStealing, ABusyOwnerDoesNotHideWhatOthersSend) {
    auto const group = runtime.run([] { return std::make_unique<Group>(); });
    std::atomic<bool> holding{false};
    std::atomic<bool> free{false};
    group->spawn([&] {
        holding = true;
        hold_thread_until([&] { return free.load(); });
    });
    yield_until([&] { return holding.load(); });
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(group->run([i] { return i; }), i); // the group's home may be the busy one
    free = true;
    group->join();
}

// --- nothing to do -----------------------------------------------------------------------------------------

std::chrono::nanoseconds processor_time() {
    timespec t{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return std::chrono::seconds{t.tv_sec} + std::chrono::nanoseconds{t.tv_nsec};
}

/// While all its tasks wait.
void expect_no_use_of_processors(Runtime& runtime) {
    yield_until([&] { return runtime.stats().sleeping == runtime.threads(); });
    auto const time = std::chrono::milliseconds{std::max<std::size_t>(scaled(500), 100)};
    auto const before = processor_time();
    std::this_thread::sleep_for(time);
    EXPECT_LT(processor_time() - before, time / 50);
}

TEST_P(RuntimeStealing, WithoutTasksUsesNoProcessorTime) { expect_no_use_of_processors(runtime); }

TEST_P(RuntimeStealing, WhoseTasksAllWaitUsesNoProcessorTime) {
    auto const pool = runtime.run([] { return std::make_unique<Pool>(1); });
    auto const group = runtime.run([] { return std::make_unique<Group>(); });
    pool->resize(0);
    auto const never = pool->spawn([] {});
    runtime.run_on_each([&] { // waiting tasks on each thread
        for (int i = 0; i < 20; ++i) {
            group->spawn({.pinned = true}, [&never] { never.wait(); });
            group->spawn({.pinned = true}, [&pool] { pool->join(); });
            group->spawn({.pinned = true}, [&never] { never.wait_for(1h); });
        }
    });
    expect_no_use_of_processors(runtime);
    pool->resize(1);
    group->join();
}

TEST_P(RuntimeStealing, SleepsAgainAfterABusyTime) {
    runtime.run([] {
        Group group;
        for (std::size_t i = 0; i < scaled(1000); ++i) group.spawn(&work);
        group.join();
    });
    expect_no_use_of_processors(runtime);
}

} // namespace
