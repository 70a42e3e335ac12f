// Groups and pools that are used from other threads than their home: the work goes home, answers come back.

#include <frond/group.hpp>

#include "support/gate.hpp"
#include "support/gauge.hpp"
#include "support/lives.hpp"
#include "support/other_thread.hpp"
#include "support/scale.hpp"
#include "support/what_of.hpp"

#include <frond/errors.hpp>
#include <frond/pool.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using frond::Closed;
using frond::Group;
using frond::Pool;
using frond::Task;
using frond::TaskState;
using frond::test::Gate;
using frond::test::Gauge;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::on_other_thread;
using frond::test::scaled;
using frond::test::what_is_thrown_by;
using frond::test::yield_until;

namespace {

TEST(ForeignThread, SpawnRunsTheTaskAtHome) {
    Group group;
    auto const task = on_other_thread([&] { return group.spawn([] { return std::this_thread::get_id(); }); });
    EXPECT_EQ(task.get(), std::this_thread::get_id());
}

TEST(ForeignThread, SpawnsThatAreOnTheirWayCountForSizeAndJoin) {
    Group group;
    std::atomic<int> ran{0};
    std::promise<void> spawned;
    std::thread other{[&] {
        for (int i = 0; i < 10; ++i) group.spawn([&ran] { ++ran; });
        spawned.set_value();
    }};
    spawned.get_future().wait(); // blocks outside frond: nothing can have arrived
    EXPECT_EQ(group.size(), 10U);
    EXPECT_FALSE(group.empty());
    group.join();
    EXPECT_EQ(ran, 10);
    other.join();
}

TEST(ForeignThread, SpawnKeepsTheOrderOfEachThread) {
    Pool pool{1};
    std::vector<int> order;
    on_other_thread([&] {
        for (int i = 0; i < 100; ++i) pool.spawn([&order, i] { order.push_back(i); });
    });
    pool.join();
    ASSERT_EQ(order.size(), 100U);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(ForeignThread, CapHoldsForSpawnsFromManyThreads) {
    Pool pool{3};
    Gauge gauge;
    std::vector<std::thread> threads;
    std::atomic<int> over{0};
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 100; ++i) pool.spawn([&gauge] { gauge.visit(); });
            ++over;
        });
    yield_until([&] { return over == 4; });
    pool.join();
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(gauge.visits(), 400U);
    EXPECT_LE(gauge.peak(), 3U);
    EXPECT_EQ(pool.stats().overdraft_peak, 0U);
}

TEST(ForeignThread, GetWaitsAndGivesTheResult) {
    Group group;
    auto const task = group.spawn([] {
        frond::sleep_for(1ms);
        return std::string{"from home"};
    });
    EXPECT_EQ(on_other_thread([&] { return task.get(); }), "from home");
    EXPECT_EQ(on_other_thread([&] { return task.take(); }), "from home");
}

TEST(ForeignThread, GetRethrowsAndMarksAsSeen) {
    Group group;
    auto const task = group.spawn([] { throw std::range_error{"from home"}; });
    EXPECT_THROW(on_other_thread([&] { task.get(); }), std::range_error);
    EXPECT_NO_THROW(group.join());
}

TEST(ForeignThread, AnErrorIsSeenBeforeItsHomeHears) {
    Group joined;
    Group asked;
    auto const a = joined.spawn([] { throw std::range_error{"of a"}; });
    auto const b = asked.spawn([] { throw std::range_error{"of b"}; });
    a.wait();
    b.wait();
    std::thread{[&] { // this one does nothing meanwhile
        EXPECT_THROW(a.get(), std::range_error);
        EXPECT_TRUE(b.error());
    }}
        .join();
    EXPECT_NO_THROW(joined.join());
    EXPECT_TRUE(asked.errors().empty());
}

TEST(ForeignThread, ErrorMarksAsSeen) {
    Group group;
    auto const task = group.spawn([] { throw std::range_error{"from home"}; });
    EXPECT_TRUE(on_other_thread([&] { return task.error(); }));
    frond::yield();
    EXPECT_TRUE(group.errors().empty());
}

TEST(ForeignThread, WaitForGivesUpAtItsDeadline) {
    Group group;
    Gate gate;
    auto const task = group.spawn([&gate] { gate.pass(); });
    EXPECT_FALSE(on_other_thread([&] { return task.wait_for(5ms); }));
    gate.open();
    EXPECT_TRUE(on_other_thread([&] { return task.wait_for(1h); }));
}

TEST(ForeignThread, WaitForThatRacesWithTheEndLosesNothing) {
    Group group;
    for (std::size_t i = 0; i < scaled(200); ++i) {
        auto const task = group.spawn([] {
            frond::sleep_for(50us);
            return 1;
        });
        EXPECT_EQ(on_other_thread([&] {
                      while (!task.wait_for(10us)) {
                      }
                      return task.get();
                  }),
                  1);
    }
}

TEST(ForeignThread, WaitForMovesAQueuedTaskToTheFront) {
    Pool pool{1};
    Gate gate;
    std::string trace;
    pool.spawn([&gate] { gate.pass(); });
    pool.spawn([&trace] { trace += 'b'; });
    auto const wanted = pool.spawn([&trace] { trace += 'a'; });
    EXPECT_FALSE(on_other_thread([&] { return wanted.wait_for(5ms); }));
    gate.open();
    yield_until([&] { return pool.empty(); });
    EXPECT_EQ(trace, "ab");
}

TEST(ForeignThread, TasksOfOneHomeMayWaitForTasksOfAnother) {
    Group group;
    on_other_thread([&] {
        Group theirs;
        int sum = 0;
        for (int i = 0; i < 10; ++i) theirs.spawn([&sum, &group, i] { sum += group.run([i] { return i; }); });
        theirs.join();
        EXPECT_EQ(sum, 45);
    });
}

TEST(ForeignThread, JoinWaitsAndRethrows) {
    Group group;
    group.spawn([] {
        frond::sleep_for(1ms);
        throw std::range_error{"from home"};
    });
    EXPECT_EQ(what_is_thrown_by([&] { on_other_thread([&] { group.join(); }); }), "from home");
    EXPECT_NO_THROW(group.join());
}

TEST(ForeignThread, JoinersOfSeveralThreadsAllGetTheError) {
    Group group;
    Gate gate;
    group.spawn([&gate] {
        gate.pass();
        throw 3;
    });
    std::atomic<int> waiting{0};
    std::atomic<int> got{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] {
            Group mine;
            mine.spawn([&] {
                EXPECT_THROW(group.join(), int);
                ++got;
            });
            mine.spawn([&waiting] { ++waiting; }); // starts when the one before is suspended in its join
        });
    yield_until([&] { return waiting == 3; });
    for (int i = 0; i < 3; ++i) frond::yield(); // what they sent has arrived by now
    gate.open();
    EXPECT_THROW(group.join(), int);
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(got, 3);
}

TEST(ForeignThread, JoinForGivesUpAtItsDeadline) {
    Group group;
    Gate gate;
    group.spawn([&gate] { gate.pass(); });
    EXPECT_FALSE(on_other_thread([&] { return group.join_for(5ms); }));
    gate.open();
    EXPECT_TRUE(on_other_thread([&] { return group.join_for(1h); }));
}

TEST(ForeignThread, ErrorsAreTaken) {
    Group group;
    group.spawn({.name = "bad"}, [] { throw 1; });
    frond::yield();
    auto const errors = on_other_thread([&] { return group.errors(); });
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(errors[0].name, "bad");
    EXPECT_NO_THROW(group.join());
}

TEST(ForeignThread, SpawnWaitReturnsWhenTheTaskIsAdmitted) {
    Pool pool{1};
    Gate gate;
    pool.spawn([&gate] { gate.pass(); });
    std::atomic<bool> admitted{false};
    std::thread other{[&] {
        pool.spawn_wait([] {});
        admitted = true;
    }};
    yield_until([&] { return pool.pending() == 1; });
    EXPECT_FALSE(admitted);
    gate.open();
    yield_until([&] { return admitted.load(); });
    other.join();
    pool.join();
}

TEST(ForeignThread, SpawnWaitGetsClosedWhenThePoolCloses) {
    Pool pool{1};
    Gate gate;
    Lives lives;
    pool.spawn([&gate] { gate.pass(); });
    std::promise<bool> closed;
    std::thread other{[&] {
        try {
            pool.spawn_wait([mortal = Mortal{lives}] {});
            closed.set_value(false);
        } catch (Closed const&) {
            closed.set_value(true);
        }
    }};
    yield_until([&] { return pool.pending() == 1; });
    pool.close();
    gate.open();
    pool.join();
    auto result = closed.get_future();
    yield_until([&] { return result.wait_for(0s) == std::future_status::ready; });
    EXPECT_TRUE(result.get());
    other.join();
    EXPECT_EQ(lives.alive(), 0);
}

TEST(ForeignThread, TrySpawnAsksTheHome) {
    Pool pool{1};
    Gate gate;
    Lives lives;
    EXPECT_TRUE(on_other_thread([&] { return pool.try_spawn([&gate] { gate.pass(); }).has_value(); }));
    EXPECT_FALSE(on_other_thread([&] { return pool.try_spawn([mortal = Mortal{lives}] {}).has_value(); }));
    EXPECT_EQ(lives.alive(), 0);
    gate.open();
    pool.join();
}

TEST(ForeignThread, MaxPendingMakesSpawnWait) {
    Pool pool{{.limit = 1, .max_pending = 2}};
    Gauge gauge;
    on_other_thread([&] {
        for (int i = 0; i < 20; ++i) pool.spawn([&gauge] { gauge.visit(); });
    });
    pool.join();
    EXPECT_EQ(gauge.visits(), 20U);
    EXPECT_LE(pool.stats().pending_peak, 2U);
}

TEST(ForeignThread, SpawnAfterStartsAtHomeNotBeforeItsTime) {
    Group group;
    auto const start = std::chrono::steady_clock::now();
    auto const task =
        on_other_thread([&] { return group.spawn_after(5ms, [] { return std::this_thread::get_id(); }); });
    EXPECT_EQ(task.get(), std::this_thread::get_id());
    EXPECT_GE(std::chrono::steady_clock::now() - start, 5ms);
}

TEST(ForeignThread, RunGivesTheResult) {
    Pool pool{1};
    EXPECT_EQ(on_other_thread([&] { return pool.run([] { return std::make_unique<int>(3); }); }).operator*(),
              3);
    EXPECT_THROW(on_other_thread([&] { pool.run([] { throw 1; }); }), int);
}

TEST(ForeignThread, ReadsSizes) {
    Pool pool{1};
    Gate gate;
    for (int i = 0; i < 3; ++i) pool.spawn([&gate] { gate.pass(); });
    on_other_thread([&] {
        EXPECT_EQ(pool.size(), 3U);
        EXPECT_EQ(pool.active(), 1U);
        EXPECT_EQ(pool.pending(), 2U);
        EXPECT_EQ(pool.limit(), 1U);
        EXPECT_TRUE(pool.full());
        EXPECT_EQ(pool.stats().live, 3U);
    });
    gate.open();
    pool.join();
}

TEST(ForeignThread, ResizesAndCloses) {
    Pool pool{1};
    pool.resize(0);
    auto const task = pool.spawn([] {});
    on_other_thread([&] { pool.resize(4); });
    EXPECT_EQ(pool.limit(), 4U);
    task.wait();
    on_other_thread([&] { pool.close(); });
    EXPECT_THROW(pool.spawn([] {}), Closed);
    EXPECT_THROW(on_other_thread([&] { pool.spawn([] {}); }), Closed);
}

TEST(ForeignThread, WaitAvailable) {
    Pool pool{1};
    Gate gate;
    pool.spawn([&gate] { gate.pass(); });
    EXPECT_FALSE(on_other_thread([&] { return pool.wait_available(2ms); }));
    gate.open();
    on_other_thread([&] { pool.wait_available(); });
    pool.join();
}

TEST(ForeignThread, ReleaseSlotIsForMembersAtHome) {
    Pool pool{1};
    EXPECT_THROW(on_other_thread([&] { (void)pool.release_slot(); }), std::logic_error);
}

TEST(ForeignThread, JoinOfOnesOwnGroupFromAnotherThreadIsJustAWait) {
    Group group;
    auto const task = on_other_thread([&] {
        Group theirs;
        return theirs.run([&group] { return group.run([] { return 1; }); });
    });
    EXPECT_EQ(task, 1);
}

// --- handles ---------------------------------------------------------------------------------------------

TEST(ForeignHandle, CopiesAndDropsOnAnotherThreadDestroyTheResultOnce) {
    Lives lives;
    Group group;
    auto task = group.spawn([&lives] { return Mortal{lives}; });
    group.join();
    on_other_thread([&] {
        std::vector<Task<Mortal>> copies(100, task);
        copies.clear();
        auto const last = std::move(task);
        EXPECT_EQ(lives.alive(), 1);
    });
    yield_until([&] { return lives.alive() == 0; });
    EXPECT_EQ(lives.born, lives.died);
}

TEST(ForeignHandle, CopyMadeElsewhereIsDroppedAtHome) {
    Lives lives;
    Group group;
    auto task = group.spawn([&lives] { return Mortal{lives}; });
    group.join();
    auto copy = on_other_thread([&] { return task; });
    task = {};
    EXPECT_EQ(lives.alive(), 1);
    copy = {};
    yield_until([&] { return lives.alive() == 0; });
    EXPECT_EQ(lives.born, lives.died);
}

TEST(ForeignHandle, ManyThreadsMayCopyAndDropCopiesOfOneTask) {
    Lives lives;
    Group group;
    auto task = group.spawn([&lives] { return Mortal{lives}; });
    group.join();
    std::vector<std::thread> threads;
    std::atomic<int> over{0};
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&over, mine = task] {
            for (int i = 0; i < 1000; ++i) {
                auto const copy = mine;
                EXPECT_EQ(copy.state(), TaskState::done);
            }
            ++over;
        });
    for (int i = 0; i < 1000; ++i) auto const copy = task;
    task = {};
    yield_until([&] { return over == 4; });
    for (auto& thread : threads) thread.join();
    threads.clear();
    yield_until([&] { return lives.alive() == 0; });
    EXPECT_EQ(lives.born, lives.died);
}

TEST(ForeignHandle, ResultOutlivesItsHome) {
    auto const task = on_other_thread([] {
        Group group;
        auto t = group.spawn({.name = "gone"}, [] { return std::string{"still here"}; });
        group.join();
        return t;
    });
    EXPECT_EQ(task.get(), "still here");
    EXPECT_EQ(task.name(), "gone");
    EXPECT_TRUE(task.wait_for(0s));
}

TEST(ForeignHandle, ErrorOutlivesItsHome) {
    auto const task = on_other_thread([] {
        Group group;
        auto t = group.spawn([] { throw std::range_error{"still here"}; });
        EXPECT_THROW(group.join(), std::range_error);
        return t;
    });
    EXPECT_THROW(task.get(), std::range_error);
}

TEST(ForeignHandle, IdsAreUniqueAcrossThreads) {
    std::mutex mutex;
    std::set<std::uint64_t> ids;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            Group group;
            for (int i = 0; i < 1000; ++i) {
                auto const id = group.spawn([] {}).id();
                std::lock_guard const lock{mutex};
                ids.insert(id);
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(ids.size(), 4000U);
}

// --- lives and deaths --------------------------------------------------------------------------------------

TEST(Home, OfAGroupIsItsPools) {
    Pool pool{1};
    on_other_thread([&] {
        Group group{pool};
        auto const task = group.spawn([] { return std::this_thread::get_id(); });
        EXPECT_NE(task.get(), std::this_thread::get_id());
    });
}

TEST(Home, GroupMayBeDestroyedOnAnotherThread) {
    auto group = std::make_unique<Group>();
    bool ran = false;
    group->spawn([&ran] {
        frond::sleep_for(2ms);
        ran = true;
    });
    on_other_thread([&] { group.reset(); });
    EXPECT_TRUE(ran);
}

TEST(Home, PoolMayBeDestroyedOnAnotherThread) {
    auto pool = std::make_unique<Pool>(1);
    auto group = std::make_unique<Group>(*pool);
    int ran = 0;
    for (int i = 0; i < 3; ++i) {
        pool->spawn([&ran] { ++ran; });
        group->spawn([&ran] { ++ran; });
    }
    on_other_thread([&] { pool.reset(); });
    EXPECT_EQ(ran, 6);
}

TEST(Home, GroupMayOutliveItsHome) {
    auto group = on_other_thread([] { return std::make_unique<Group>(); });
    EXPECT_EQ(group->size(), 0U);
    EXPECT_NO_THROW(group->join());
    EXPECT_TRUE(group->join_for(0s));
    EXPECT_TRUE(group->errors().empty());
    group.reset();
}

TEST(Home, ThatHasEndedGivesClosedAndTheCallableDies) {
    Lives lives;
    auto const pool = on_other_thread([] { return std::make_unique<Pool>(1); });
    EXPECT_THROW(pool->spawn([mortal = Mortal{lives}] {}), Closed);
    EXPECT_THROW(pool->spawn_wait([mortal = Mortal{lives}] {}), Closed);
    EXPECT_THROW(pool->try_spawn([mortal = Mortal{lives}] {}), Closed);
    EXPECT_THROW(pool->spawn_after(0s, [mortal = Mortal{lives}] {}), Closed);
    EXPECT_THROW(Group{*pool}, Closed);
    EXPECT_EQ(lives.alive(), 0);
}

TEST(Home, EndOfItsThreadRunsEverythingThatLivesThere) {
    int ran = 0;
    std::unique_ptr<Group> group;
    std::thread{[&] {
        group = std::make_unique<Group>();
        for (int i = 0; i < 3; ++i)
            group->spawn([&] {
                frond::sleep_for(1ms);
                ++ran;
                group->spawn([&ran] { ++ran; });
            });
    }}.join();
    EXPECT_EQ(ran, 6);
    EXPECT_EQ(group->size(), 0U);
}

TEST(Home, ErrorsOutliveIt) {
    auto const group = on_other_thread([] {
        auto g = std::make_unique<Group>();
        g->spawn([] { throw std::range_error{"kept"}; });
        return g;
    });
    EXPECT_THROW(group->join(), std::range_error);
}

TEST(Home, ThreadsThatComeAndGoReuseWhatTheyLeave) {
    for (std::size_t i = 0; i < scaled(300); ++i) {
        int ran = 0;
        std::thread{[&ran] {
            Group group;
            for (int j = 0; j < 3; ++j) group.spawn([&ran] { ++ran; });
            group.join();
        }}.join();
        ASSERT_EQ(ran, 3);
    }
}

TEST(Home, SpawnersThatRaceWithItsEndEitherRunOrGetClosed) {
    for (std::size_t i = 0; i < scaled(100); ++i) {
        std::promise<Group*> made;
        auto future = made.get_future();
        std::unique_ptr<Group> group;
        std::thread home{[&] {
            group = std::make_unique<Group>();
            made.set_value(group.get());
            frond::yield();
        }};
        Group& theirs = *future.get();
        std::atomic<int> ran{0};
        int accepted = 0;
        Lives lives;
        std::vector<Task<void>> tasks;
        try {
            for (int j = 0; j < 1000; ++j) {
                tasks.push_back(theirs.spawn([&ran, mortal = Mortal{lives}] { ++ran; }));
                ++accepted;
            }
        } catch (Closed const&) {
        }
        home.join();
        int cancelled = 0;
        for (auto const& task : tasks) cancelled += task.state() == TaskState::cancelled ? 1 : 0;
        EXPECT_EQ(ran + cancelled, accepted);
        tasks.clear();
        EXPECT_EQ(lives.alive(), 0);
    }
}

} // namespace
