#include <frond/pool.hpp>

#include "support/gate.hpp"
#include "support/gauge.hpp"
#include "support/lives.hpp"
#include "support/scale.hpp"

#include <frond/cancel.hpp>
#include <frond/diagnostics.hpp>
#include <frond/errors.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

using namespace std::chrono_literals;
using frond::Closed;
using frond::Group;
using frond::Pool;
using frond::TaskState;
using frond::test::Gate;
using frond::test::Gauge;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::scaled;
using frond::test::yield_until;

namespace {

static_assert(std::is_base_of_v<Group, Pool>);
static_assert(!std::is_copy_constructible_v<Pool> && !std::is_move_constructible_v<Pool>);

class PoolCap : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Limits, PoolCap, testing::Values(1, 2, 3, 10, 100));

TEST_P(PoolCap, IsReachedAndNeverExceeded) {
    Pool pool{GetParam()};
    Gauge gauge;
    for (int i = 0; i < 300; ++i) pool.spawn([&gauge] { gauge.visit(); });
    pool.join();
    EXPECT_EQ(gauge.visits(), 300U);
    EXPECT_EQ(gauge.peak(), GetParam());
    EXPECT_EQ(pool.stats().active_peak, GetParam());
    EXPECT_EQ(pool.stats().overdraft_peak, 0U);
}

TEST_P(PoolCap, HoldsForTasksThatTasksSpawn) {
    Pool pool{GetParam()};
    Gauge gauge;
    std::function<void(int)> descend = [&](int depth) {
        gauge.visit();
        if (depth > 0)
            for (int i = 0; i < 3; ++i) pool.spawn([&descend, depth] { descend(depth - 1); });
    };
    pool.spawn([&] { descend(5); });
    pool.join();
    EXPECT_EQ(gauge.visits(), 364U);
    EXPECT_LE(gauge.peak(), GetParam());
    EXPECT_EQ(pool.stats().overdraft_peak, 0U);
}

TEST_P(PoolCap, IsSharedByAllGroupsBoundToIt) {
    Pool pool{GetParam()};
    Group first{pool};
    Group second{pool};
    Gauge gauge;
    for (int i = 0; i < 100; ++i)
        for (Group* group : {&first, &second, static_cast<Group*>(&pool)})
            group->spawn([&gauge] { gauge.visit(); });
    first.join();
    second.join();
    pool.join();
    EXPECT_EQ(gauge.peak(), GetParam());
}

TEST_P(PoolCap, IsKeptFullWhileTasksAreQueued) {
    Pool pool{GetParam()};
    std::size_t left = 300;
    bool always_full = true;
    for (int i = 0; i < 300; ++i)
        pool.spawn([&] {
            frond::yield();
            always_full = always_full && pool.active() == std::min(GetParam(), left);
            --left;
        });
    pool.join();
    EXPECT_TRUE(always_full);
}

TEST(Pool, AdmitsNothingAtItsCap) {
    Pool pool{2};
    Gate gate;
    int started = 0;
    for (int i = 0; i < 5; ++i)
        pool.spawn([&] {
            ++started;
            gate.pass();
        });
    for (int i = 0; i < 10; ++i) frond::yield();
    EXPECT_EQ(started, 2);
    gate.open();
    pool.join();
    EXPECT_EQ(started, 5);
}

TEST(Pool, TaskKeepsItsSlotWhileItSleeps) {
    Pool pool{3};
    Gauge gauge;
    for (int i = 0; i < 12; ++i)
        pool.spawn([&gauge] {
            Gauge::Inside const inside{gauge};
            frond::sleep_for(1ms);
        });
    pool.join();
    EXPECT_EQ(gauge.peak(), 3U);
}

TEST(Pool, TenNeverRunMoreThanTenOfTenTimesTenNestedSleeps) {
    Pool pool{10};
    Gauge gauge;
    auto const sleep = [&gauge] {
        Gauge::Inside const inside{gauge};
        frond::sleep_for(10ms);
    };
    auto const start = std::chrono::steady_clock::now();
    for (int i = 0; i < 10; ++i)
        pool.spawn([&] {
            sleep();
            for (int j = 0; j < 10; ++j) pool.spawn(sleep);
        });
    pool.join();
    EXPECT_EQ(gauge.visits(), 110U);
    EXPECT_EQ(gauge.peak(), 10U);
    EXPECT_GE(std::chrono::steady_clock::now() - start, 110ms); // 11 rounds of 10
}

TEST(Pool, UnlimitedAdmitsEverything) {
    Pool pool{frond::unlimited};
    Gauge gauge;
    for (int i = 0; i < 200; ++i) pool.spawn([&gauge] { gauge.visit(); });
    pool.join();
    EXPECT_EQ(gauge.peak(), 200U);
}

TEST(Pool, RejectsALimitOfZeroOrLess) {
    EXPECT_THROW(Pool{0}, std::invalid_argument);
    EXPECT_THROW(Pool{-1}, std::invalid_argument);
    EXPECT_THROW(Pool{std::size_t(-1)}, std::invalid_argument);
    EXPECT_THROW(Pool{frond::PoolOptions{}}, std::invalid_argument); // no limit given
    EXPECT_THROW((Pool{{.limit = 1, .max_pending = 0}}), std::invalid_argument);
}

TEST(Pool, CanBeMadeAfterAFailedAttempt) {
    EXPECT_THROW(Pool{0}, std::invalid_argument);
    Pool pool{1};
    EXPECT_EQ(pool.run([] { return 1; }), 1);
}

TEST(Pool, TellsItsLimitAndFreeSlots) {
    Pool pool{2};
    EXPECT_EQ(pool.limit(), 2U);
    EXPECT_EQ(pool.free_count(), 2U);
    Gate gate;
    pool.spawn([&gate] { gate.pass(); });
    EXPECT_EQ(pool.free_count(), 1U); // falls at the spawn, not at the start
    EXPECT_FALSE(pool.full());
    pool.spawn([&gate] { gate.pass(); });
    pool.spawn([&gate] { gate.pass(); });
    EXPECT_EQ(pool.free_count(), 0U);
    EXPECT_TRUE(pool.full());
    gate.open();
    pool.join();
    EXPECT_EQ(pool.free_count(), 2U);
}

TEST(Pool, FreeSlotsAreThoseOfEverythingBoundToIt) {
    Pool pool{2};
    Group group{pool};
    Gate gate;
    group.spawn([&gate] { gate.pass(); });
    EXPECT_EQ(pool.free_count(), 1U);
    EXPECT_EQ(pool.active(), 0U); // the pool's own tasks
    EXPECT_EQ(pool.stats().active, 1U);
    gate.open();
    group.join();
}

TEST(Pool, JoinCoversItsOwnTasksOnly) {
    Pool pool{2};
    Group group{pool};
    Gate gate;
    group.spawn([&gate] { gate.pass(); });
    pool.spawn([] {});
    pool.join();
    EXPECT_EQ(group.size(), 1U);
    gate.open();
    group.join();
}

TEST(Pool, StatsCountEverythingBoundToIt) {
    Pool pool{2};
    Group group{pool};
    for (int i = 0; i < 3; ++i) {
        pool.spawn([] {});
        group.spawn([] {});
    }
    auto const before = pool.stats();
    EXPECT_EQ(before.limit, 2U);
    EXPECT_EQ(before.active, 2U);
    EXPECT_EQ(before.pending, 4U);
    EXPECT_EQ(before.live, 6U);
    pool.join();
    group.join();
    auto const after = pool.stats();
    EXPECT_EQ(after.live, 0U);
    EXPECT_EQ(after.admitted, 6U);
    EXPECT_EQ(after.completed, 6U);
    EXPECT_EQ(after.active_peak, 2U);
    EXPECT_EQ(after.pending_peak, 4U);
}

// --- spawn, spawn_wait, try_spawn ------------------------------------------------------------------------

TEST(Pool, SpawnNeverWaits) {
    Pool pool{1};
    std::size_t const n = scaled(10'000);
    int ran = 0;
    for (std::size_t i = 0; i < n; ++i) pool.spawn([&ran] { ++ran; });
    EXPECT_EQ(ran, 0);
    EXPECT_EQ(pool.size(), n);
    pool.join();
    EXPECT_EQ(static_cast<std::size_t>(ran), n);
}

TEST(Pool, SpawnWaitReturnsWhenTheTaskIsAdmitted) {
    Pool pool{1};
    Gate first_may_end;
    Gate second_may_end;
    pool.spawn([&first_may_end] { first_may_end.pass(); });
    Group opener;
    opener.spawn([&first_may_end] { first_may_end.open(); });
    auto const task = pool.spawn_wait([&second_may_end] { second_may_end.pass(); });
    EXPECT_TRUE(first_may_end.is_open());
    EXPECT_EQ(pool.active(), 1U);
    EXPECT_EQ(pool.pending(), 0U);
    EXPECT_FALSE(task.ready());
    second_may_end.open();
    pool.join();
}

TEST(Pool, SpawnWaitReturnsAtOnceWhileASlotIsFree) {
    Pool pool{2};
    bool ran = false;
    pool.spawn_wait([&ran] { ran = true; });
    pool.spawn_wait([&ran] { ran = true; });
    EXPECT_FALSE(ran);
    pool.join();
}

TEST(Pool, SpawnWaitBoundsTheBacklogOfAProducer) {
    Pool pool{3};
    Gauge gauge;
    for (int i = 0; i < 50; ++i) {
        pool.spawn_wait([&gauge] { gauge.visit(); });
        EXPECT_LE(pool.size(), 3U);
    }
    pool.join();
    EXPECT_EQ(gauge.peak(), 3U);
    EXPECT_EQ(gauge.visits(), 50U);
}

TEST(Pool, TrySpawnStartsNowOrReturnsNothing) {
    Pool pool{1};
    Gate gate;
    Lives lives;
    auto const first = pool.try_spawn([&gate] { gate.pass(); });
    auto const second = pool.try_spawn([mortal = Mortal{lives}] {});
    EXPECT_TRUE(first.has_value());
    EXPECT_FALSE(second.has_value());
    EXPECT_EQ(lives.alive(), 0);
    EXPECT_EQ(pool.size(), 1U);
    gate.open();
    pool.join();
    EXPECT_TRUE(pool.try_spawn([] {}).has_value());
    pool.join();
}

TEST(Pool, MaxPendingMakesSpawnFromOutsideWait) {
    Pool pool{{.limit = 1, .max_pending = 2}};
    Gauge gauge;
    for (int i = 0; i < 20; ++i) {
        pool.spawn([&gauge] { gauge.visit(); });
        EXPECT_LE(pool.pending(), 2U);
    }
    pool.join();
    EXPECT_EQ(gauge.visits(), 20U);
    EXPECT_EQ(pool.stats().pending_peak, 2U);
}

TEST(Pool, MaxPendingNeverMakesAMembersSpawnWait) {
    Pool pool{{.limit = 1, .max_pending = 1}};
    Group group{pool};
    int ran = 0;
    pool.run([&] {
        for (int i = 0; i < 10; ++i) {
            pool.spawn([&ran] { ++ran; });
            group.spawn([&ran] { ++ran; });
        }
        EXPECT_EQ(ran, 0);
        EXPECT_EQ(pool.stats().pending, 20U);
    });
    pool.join();
    group.join();
    EXPECT_EQ(ran, 20);
}

TEST(Pool, MaxPendingLetsWaitingSpawnersInInTheirOrder) {
    Pool pool{{.limit = 1, .max_pending = 1}};
    Group outsiders;
    Gate gate;
    std::vector<int> order;
    pool.spawn([&gate] { gate.pass(); });
    for (int i = 0; i < 6; ++i) outsiders.spawn([&, i] { pool.spawn([&order, i] { order.push_back(i); }); });
    frond::yield();
    EXPECT_EQ(outsiders.size(), 5U);
    gate.open();
    outsiders.join();
    pool.join();
    EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4, 5}));
}

TEST(Pool, MaxPendingDoesNotRefuseTrySpawnNorSpawnAfter) {
    Pool pool{{.limit = 1, .max_pending = 1}};
    Gate gate;
    pool.spawn([&gate] { gate.pass(); });
    pool.spawn([] {});
    EXPECT_FALSE(pool.try_spawn([] {}).has_value());
    for (int i = 0; i < 3; ++i) pool.spawn_after(0s, [] {});
    gate.open();
    pool.join();
}

// --- wait_available ----------------------------------------------------------------------------------------

TEST(Pool, WaitAvailableReturnsAtOnceWhileASlotIsFree) {
    Pool pool{1};
    pool.wait_available();
    EXPECT_TRUE(pool.wait_available(0s));
}

TEST(Pool, WaitAvailableWaitsForAFreeSlot) {
    Pool pool{1};
    Gate gate;
    pool.spawn([&gate] { gate.pass(); });
    EXPECT_FALSE(pool.wait_available(2ms));
    gate.open();
    pool.wait_available();
    EXPECT_FALSE(pool.full());
    pool.join();
}

TEST(Pool, WaitAvailableWakesWhenTheLimitGrows) {
    Pool pool{1};
    Gate gate;
    Group group;
    pool.spawn([&gate] { gate.pass(); });
    auto const waiter = group.spawn([&pool] { return pool.wait_available(1h); });
    frond::yield();
    EXPECT_FALSE(waiter.ready());
    pool.resize(2);
    EXPECT_TRUE(waiter.get());
    gate.open();
    pool.join();
}

// --- resize ----------------------------------------------------------------------------------------------

TEST(Pool, ResizeUpAdmitsAtOnce) {
    Pool pool{1};
    Gate gate;
    for (int i = 0; i < 5; ++i) pool.spawn([&gate] { gate.pass(); });
    pool.resize(4);
    EXPECT_EQ(pool.limit(), 4U);
    EXPECT_EQ(pool.active(), 4U);
    gate.open();
    pool.join();
}

TEST(Pool, ResizeDownLetsWhatRunsGoOnAndAdmitsNothingUntilBelow) {
    Pool pool{4};
    Gauge gauge;
    Gate gate;
    for (int i = 0; i < 4; ++i) pool.spawn([&gate] { gate.pass(); });
    for (int i = 0; i < 20; ++i) pool.spawn([&gauge] { gauge.visit(); });
    frond::yield();
    pool.resize(2);
    EXPECT_EQ(pool.active(), 4U);
    EXPECT_EQ(pool.free_count(), 0U);
    gate.open();
    pool.join();
    EXPECT_EQ(gauge.peak(), 2U);
    EXPECT_EQ(gauge.visits(), 20U);
}

TEST(Pool, ResizeToZeroPauses) {
    Pool pool{2};
    int ran = 0;
    pool.resize(0);
    for (int i = 0; i < 3; ++i) pool.spawn([&ran] { ++ran; });
    EXPECT_FALSE(pool.try_spawn([] {}).has_value());
    EXPECT_FALSE(pool.join_for(5ms));
    EXPECT_EQ(ran, 0);
    EXPECT_TRUE(pool.full());
    pool.resize(1);
    pool.join();
    EXPECT_EQ(ran, 3);
}

TEST(Pool, ResizeFromInsideATask) {
    Pool pool{1};
    Gauge gauge;
    pool.spawn([&] { pool.resize(5); });
    for (int i = 0; i < 20; ++i) pool.spawn([&gauge] { gauge.visit(); });
    pool.join();
    EXPECT_EQ(gauge.peak(), 5U);
}

TEST(Pool, ResizeRejectsNegativeNumbersAndChangesNothing) {
    Pool pool{3};
    EXPECT_THROW(pool.resize(-1), std::invalid_argument);
    EXPECT_THROW(pool.resize(std::size_t(-1)), std::invalid_argument);
    EXPECT_EQ(pool.limit(), 3U);
}

TEST(Pool, ResizeToUnlimited) {
    Pool pool{1};
    pool.resize(frond::unlimited);
    Gauge gauge;
    for (int i = 0; i < 50; ++i) pool.spawn([&gauge] { gauge.visit(); });
    pool.join();
    EXPECT_EQ(gauge.peak(), 50U);
}

// --- close and the end -------------------------------------------------------------------------------------

TEST(Pool, CloseRejectsEveryWayToSpawnAndDestroysTheCallable) {
    Pool pool{1};
    Group group{pool};
    Lives lives;
    pool.close();
    pool.close();
    for (Group* g : {static_cast<Group*>(&pool), &group}) {
        EXPECT_THROW(g->spawn([mortal = Mortal{lives}] {}), Closed);
        EXPECT_THROW(g->spawn({.name = "x"}, [mortal = Mortal{lives}] {}), Closed);
        EXPECT_THROW(g->spawn_wait([mortal = Mortal{lives}] {}), Closed);
        EXPECT_THROW(g->try_spawn([mortal = Mortal{lives}] {}), Closed);
        EXPECT_THROW(g->spawn_after(0s, [mortal = Mortal{lives}] {}), Closed);
        EXPECT_THROW(g->run([mortal = Mortal{lives}] {}), Closed);
    }
    EXPECT_GE(lives.born, 12);
    EXPECT_EQ(lives.alive(), 0);
}

TEST(Pool, CloseLetsWhatIsQueuedRun) {
    Pool pool{1};
    int ran = 0;
    for (int i = 0; i < 3; ++i) pool.spawn([&ran] { ++ran; });
    pool.spawn_after(1ms, [&ran] { ++ran; });
    pool.close();
    pool.join();
    EXPECT_EQ(ran, 4);
}

TEST(Pool, CloseRejectsMembersToo) {
    Pool pool{1};
    pool.spawn([&pool] {
        frond::yield();
        EXPECT_THROW(pool.spawn([] {}), Closed);
    });
    frond::yield();
    pool.close();
    pool.join();
}

TEST(Pool, CloseGivesClosedToWhoWaitsInSpawnWait) {
    Pool pool{1};
    Group group;
    Gate gate;
    Lives lives;
    bool ran = false;
    pool.spawn([&gate] { gate.pass(); });
    auto const spawner =
        group.spawn([&] { pool.spawn_wait([&ran, mortal = Mortal{lives}] { ran = true; }); });
    frond::yield();
    EXPECT_EQ(pool.pending(), 1U);
    pool.close();
    EXPECT_THROW(spawner.get(), Closed);
    EXPECT_EQ(lives.alive(), 0);
    gate.open();
    pool.join();
    EXPECT_FALSE(ran);
}

TEST(Pool, CloseGivesClosedToWhoWaitsInFrontOfAFullBacklog) {
    Pool pool{{.limit = 1, .max_pending = 1}};
    Group group;
    Gate gate;
    Lives lives;
    pool.spawn([&gate] { gate.pass(); });
    pool.spawn([] {});
    auto const spawner = group.spawn([&] { pool.spawn([mortal = Mortal{lives}] {}); });
    frond::yield();
    pool.close();
    EXPECT_THROW(spawner.get(), Closed);
    EXPECT_EQ(lives.alive(), 0);
    gate.open();
    pool.join();
}

TEST(Pool, DestructorWaitsForItsTasksAndWhatTheySpawn) {
    int ran = 0;
    {
        Pool pool{1};
        pool.spawn([&] {
            frond::yield();
            for (int i = 0; i < 3; ++i)
                pool.spawn([&] {
                    frond::sleep_for(1ms);
                    pool.spawn([&ran] { ++ran; });
                });
        });
    }
    EXPECT_EQ(ran, 3);
}

TEST(Pool, DestructorWaitsForEveryGroupBoundToIt) {
    auto pool = std::make_unique<Pool>(1);
    Group group{*pool};
    int ran = 0;
    for (int i = 0; i < 3; ++i)
        group.spawn([&ran] {
            frond::sleep_for(1ms);
            ++ran;
        });
    pool.reset();
    EXPECT_EQ(ran, 3);
    EXPECT_EQ(group.size(), 0U);
}

TEST(Pool, DestructorClosesTheGroupsBoundToIt) {
    auto pool = std::make_unique<Pool>(1);
    Group group{*pool};
    group.spawn([] { throw std::runtime_error{"kept"}; });
    pool.reset();
    EXPECT_THROW(group.spawn([] {}), Closed);
    EXPECT_THROW(group.join(), std::runtime_error); // what it owns stays readable
    EXPECT_NO_THROW(group.join());
}

TEST(Pool, DestructorRejectsSpawnsFromOutside) {
    Group outside;
    Gate gate;
    frond::Task<void> intruder;
    {
        Pool pool{1};
        pool.spawn([&gate] { gate.pass(); });
        intruder = outside.spawn([&] {
            frond::yield();
            frond::yield();
            try {
                pool.spawn([] {});
            } catch (...) {
                gate.open();
                throw;
            }
            gate.open();
        });
    }
    EXPECT_THROW(intruder.get(), Closed);
}

TEST(Pool, DiesOfAnExceptionDropsItsBacklogCancelsWhatRunsAndWaitsForIt) {
    Lives lives;
    int ran = 0;
    bool finished = false;
    try {
        Pool pool{1};
        pool.spawn([&finished] {
            try {
                frond::sleep_for(1h);
            } catch (frond::Cancelled const&) {
                frond::Shield const shield;
                frond::sleep_for(2ms);
                finished = true;
            }
        });
        for (int i = 0; i < 5; ++i) pool.spawn([&ran, mortal = Mortal{lives}] { ++ran; });
        frond::yield();
        throw 1;
    } catch (int) {
    }
    EXPECT_TRUE(finished);
    EXPECT_EQ(ran, 0);
    EXPECT_EQ(lives.alive(), 0);
}

// --- SlotLoan ----------------------------------------------------------------------------------------------

TEST(SlotLoan, LetsAnotherTaskInWhileItLives) {
    Pool pool{1};
    std::string trace;
    pool.spawn([&] {
        trace += 'a';
        {
            auto const loan = pool.release_slot();
            EXPECT_EQ(pool.stats().active, 1U); // the next one has it already
            frond::yield();
            trace += 'c';
        }
        trace += 'd';
    });
    pool.spawn([&] { trace += 'b'; });
    pool.join();
    EXPECT_EQ(trace, "abcd");
    EXPECT_EQ(pool.stats().overdraft_peak, 0U);
}

TEST(SlotLoan, TakesTheSlotBackWithoutWaiting) {
    Pool pool{1};
    Gate gate;
    pool.spawn([&] {
        {
            auto const loan = pool.release_slot();
        }
        EXPECT_EQ(pool.stats().active, 2U);
        EXPECT_EQ(pool.stats().overdraft, 1U);
        gate.open();
    });
    pool.spawn([&] { gate.pass(); });
    pool.join();
    EXPECT_EQ(pool.stats().overdraft_peak, 1U);
    EXPECT_EQ(pool.stats().active, 0U);
}

TEST(SlotLoan, NobodyIsAdmittedUntilAnOverdraftIsRepaid) {
    Pool pool{1};
    Gate first_may_end;
    Gate second_may_end;
    bool third_ran = false;
    pool.spawn([&] {
        {
            auto const loan = pool.release_slot();
        }
        first_may_end.pass();
    });
    pool.spawn([&] { second_may_end.pass(); });
    pool.spawn([&third_ran] { third_ran = true; });
    frond::yield();
    second_may_end.open();
    for (int i = 0; i < 5; ++i) frond::yield();
    EXPECT_FALSE(third_ran);
    first_may_end.open();
    pool.join();
    EXPECT_TRUE(third_ran);
}

TEST(SlotLoan, CanBeMoved) {
    Pool pool{1};
    pool.run([&pool] {
        std::optional<frond::SlotLoan> kept;
        {
            auto loan = pool.release_slot();
            kept = std::move(loan);
        }
        EXPECT_EQ(pool.stats().active, 0U);
        kept.reset();
        EXPECT_EQ(pool.stats().active, 1U);
    });
}

TEST(SlotLoan, ThatOutlivesItsTaskTakesNothing) {
    Pool pool{1};
    std::optional<frond::SlotLoan> kept;
    pool.run([&] { kept = pool.release_slot(); });
    kept.reset();
    EXPECT_EQ(pool.stats().active, 0U);
    EXPECT_EQ(pool.free_count(), 1U);
}

TEST(SlotLoan, IsForMembersThatHoldASlot) {
    Pool pool{1};
    Pool other{1};
    Group uncapped;
    EXPECT_THROW((void)pool.release_slot(), std::logic_error);
    uncapped.run([&] { EXPECT_THROW((void)pool.release_slot(), std::logic_error); });
    other.run([&] { EXPECT_THROW((void)pool.release_slot(), std::logic_error); });
    pool.run([&] {
        auto const loan = pool.release_slot();
        EXPECT_THROW((void)pool.release_slot(), std::logic_error);
    });
}

TEST(SlotLoan, IsForMembersOfBoundGroupsToo) {
    Pool pool{1};
    Group group{pool};
    group.run([&pool] {
        auto const loan = pool.release_slot();
        EXPECT_EQ(pool.free_count(), 1U);
    });
}

} // namespace
