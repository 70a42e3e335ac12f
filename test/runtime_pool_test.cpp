// One cap for all threads of a runtime: admission, lending and hand-over, and waits that can never end.

#include <frond/pool.hpp>

#include "support/gate.hpp"
#include "support/gauge.hpp"
#include "support/lives.hpp"
#include "support/scale.hpp"
#include "support/stall_test.hpp"
#include "support/what_of.hpp"

#include <frond/errors.hpp>
#include <frond/runtime.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

using namespace std::chrono_literals;
using frond::Closed;
using frond::Deadlock;
using frond::Group;
using frond::Pool;
using frond::Runtime;
using frond::Task;
using frond::test::Gate;
using frond::test::Gauge;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::scaled;
using frond::test::what_is_thrown_by;
using frond::test::yield_until;

namespace {

std::unique_ptr<Pool> pool_in(Runtime& runtime, frond::PoolOptions const& options) {
    return runtime.run([&options] { return std::make_unique<Pool>(options); });
}
std::unique_ptr<Group> group_in(Runtime& runtime) {
    return runtime.run([] { return std::make_unique<Group>(); });
}

/// A pool in a runtime, for each number of threads and each cap.
class RuntimePool : public testing::TestWithParam<std::tuple<std::size_t, std::size_t>> {
protected:
    ~RuntimePool() override {
        auto const s = pool->stats();
        EXPECT_LE(s.active_peak, cap);
        EXPECT_EQ(s.overdraft_peak, 0U);
        EXPECT_EQ(s.active, 0U);
        EXPECT_EQ(s.live, 0U);
        EXPECT_EQ(s.admitted, s.completed);
        EXPECT_LE(gauge.peak(), cap);
    }
    std::size_t const cap = std::get<1>(GetParam());
    Runtime runtime{{.threads = std::get<0>(GetParam())}};
    std::unique_ptr<Pool> pool = pool_in(runtime, {.limit = cap});
    Gauge gauge;
};
INSTANTIATE_TEST_SUITE_P(ThreadsAndCap, RuntimePool,
                         testing::Combine(testing::Values(1, 2, 4), testing::Values(1, 2, 5)),
                         [](auto const& instance) {
                             return std::to_string(std::get<0>(instance.param)) + "and" +
                                    std::to_string(std::get<1>(instance.param));
                         });

// --- the cap -----------------------------------------------------------------------------------------------

TEST_P(RuntimePool, CapHoldsForTasksFromOutside) {
    std::size_t const n = scaled(1000);
    pool->resize(0); // so that all are there when the first one starts
    for (std::size_t i = 0; i < n; ++i) pool->spawn([this] { gauge.visit(); });
    pool->resize(cap);
    pool->join();
    EXPECT_EQ(gauge.visits(), n);
    EXPECT_EQ(pool->stats().active_peak, std::min(cap, n));
}

TEST_P(RuntimePool, CapHoldsForTasksThatSpawnOnAllThreads) {
    std::size_t const n = scaled(300);
    runtime.run_on_each([&] {
        for (std::size_t i = 0; i < n; ++i) pool->spawn([this] { gauge.visit(); });
    });
    pool->join();
    EXPECT_EQ(gauge.visits(), n * runtime.threads());
}

TEST_P(RuntimePool, CapHoldsForTasksThatTasksSpawn) {
    std::function<void(int)> descend = [&](int depth) {
        gauge.visit();
        if (depth > 0)
            for (int i = 0; i < 3; ++i) pool->spawn([&descend, depth] { descend(depth - 1); });
    };
    pool->spawn([&] { descend(5); });
    pool->join();
    EXPECT_EQ(gauge.visits(), 364U);
}

TEST_P(RuntimePool, CapHoldsForEverybodyAtOnce) {
    Group here; // the fibers of a plain thread
    Runtime other{{.threads = 2}};
    std::vector<std::thread> threads;
    std::size_t const n = scaled(100);
    auto const spawn_some = [&] {
        for (std::size_t i = 0; i < n; ++i) pool->spawn([this] { gauge.visit(); });
    };
    for (int i = 0; i < 2; ++i) threads.emplace_back(spawn_some);
    here.spawn(spawn_some);
    other.run_on_each(spawn_some);
    runtime.run_on_each(spawn_some);
    here.join();
    for (auto& thread : threads) thread.join();
    pool->join();
    EXPECT_EQ(gauge.visits(), n * (5 + runtime.threads()));
}

TEST_P(RuntimePool, CapIsSharedByTheGroupsOfAllThreads) {
    runtime.run_on_each([&] {
        Group group{*pool};
        for (std::size_t i = 0; i < scaled(100); ++i) group.spawn([this] { gauge.visit(); });
        group.join();
    });
}

TEST_P(RuntimePool, ATaskKeepsItsSlotWhileItWaitsForWhatNeedsNone) {
    Runtime other{{.threads = 1}};
    for (int i = 0; i < 20; ++i)
        pool->spawn([&, i] {
            Gauge::Inside const inside{gauge};
            switch (i % 3) {
            case 0:
                frond::sleep_for(100us);
                break;
            case 1:
                Group{}.run([] { frond::yield(); });
                break;
            default:
                other.run([] { frond::yield(); });
            }
        });
    pool->join();
    EXPECT_EQ(gauge.visits(), 20U);
}

TEST_P(RuntimePool, CapIsReached) {
    std::latch all{static_cast<std::ptrdiff_t>(cap)};
    for (std::size_t i = 0; i < cap; ++i)
        pool->spawn([&] {
            all.count_down();
            yield_until([&all] { return all.try_wait(); });
        });
    pool->join(); // would wait for ever, if not all of them were admitted
    EXPECT_EQ(pool->stats().active_peak, cap);
}

// --- nested use --------------------------------------------------------------------------------------------

TEST_P(RuntimePool, NestedGetsNeverExceedTheCap) {
    std::function<int(int)> fibonacci = [&](int n) {
        gauge.visit();
        if (n < 2) return n;
        auto const left = pool->spawn([&, n] { return fibonacci(n - 1); });
        auto const right = pool->spawn([&, n] { return fibonacci(n - 2); });
        auto const sum = left.get() + right.get();
        gauge.visit(); // it holds its slot again
        return sum;
    };
    EXPECT_EQ(pool->spawn([&] { return fibonacci(10); }).get(), 55);
    pool->join();
}

TEST_P(RuntimePool, NestedGroupsNeverExceedTheCap) {
    std::function<void(int)> descend = [&](int depth) {
        gauge.visit();
        if (depth == 0) return;
        Group group{*pool};
        for (int i = 0; i < 3; ++i) group.spawn([&, depth] { descend(depth - 1); });
        group.join();
        gauge.visit();
    };
    for (std::size_t round = 0; round < scaled(10); ++round) {
        for (int i = 0; i < 3; ++i) pool->spawn([&] { descend(3); });
        pool->join();
    }
}

TEST_P(RuntimePool, NestedGroupsThatEndByDestructor) {
    std::atomic<int> ran{0};
    std::function<void(int)> descend = [&](int depth) {
        ++ran;
        Group group{*pool};
        for (int i = 0; depth > 0 && i < 2; ++i) group.spawn([&, depth] { descend(depth - 1); });
    };
    pool->run([&] { descend(6); });
    EXPECT_EQ(ran, 127);
}

TEST_P(RuntimePool, NestedRunFromAllThreadsAtOnce) {
    std::function<int(int)> descend = [&](int depth) {
        gauge.visit();
        return depth == 0 ? 0 : 1 + pool->run([&, depth] { return descend(depth - 1); });
    };
    runtime.run_on_each([&] {
        Group group{*pool};
        for (int i = 0; i < 5; ++i) group.spawn([&] { EXPECT_EQ(descend(8), 8); });
        group.join();
    });
}

TEST_P(RuntimePool, HandOverLetsNobodyInBetween) {
    // Many are queued all the time: each would take the slot that a lender is about to get back.
    std::atomic<bool> enough{false};
    std::function<void()> filler = [&] {
        gauge.visit();
        if (!enough) pool->spawn(filler);
    };
    for (int i = 0; i < 10; ++i) pool->spawn(filler);
    Group lenders{*pool};
    for (std::size_t i = 0; i < scaled(200); ++i)
        lenders.spawn([&] {
            pool->spawn([this] { gauge.visit(); }).get();
            gauge.visit();
            Group group{*pool};
            for (int j = 0; j < 3; ++j) group.spawn([this] { gauge.visit(); });
            group.join();
            gauge.visit();
        });
    lenders.join();
    enough = true;
    pool->join();
}

TEST_P(RuntimePool, ChainsThroughUncappedGroupsAndOtherPoolsGoOn) {
    auto const other = pool_in(runtime, {.limit = 1});
    auto const uncapped = group_in(runtime);
    std::vector<Group*> const owners{pool.get(), uncapped.get(), other.get(), uncapped.get()};
    std::function<int(std::size_t)> descend = [&](std::size_t n) -> int {
        frond::yield();
        return n == 0 ? 0 : 1 + owners[n % owners.size()]->spawn([&, n] { return descend(n - 1); }).get();
    };
    EXPECT_EQ(pool->run([&] { return descend(40); }), 40);
    EXPECT_EQ(other->stats().overdraft_peak, 0U);
}

TEST_P(RuntimePool, MembersMayWaitForOneAnother) {
    std::vector<Task<int>> chain(100);
    chain[0] = pool->spawn([] { return 0; });
    runtime.run([&] {
        for (std::size_t i = 1; i < chain.size(); ++i)
            chain[i] = pool->spawn([before = chain[i - 1]] { return before.get() + 1; });
    });
    EXPECT_EQ(chain.back().get(), 99);
    pool->join();
}

// --- waiting moves to the front ----------------------------------------------------------------------------

TEST(RuntimePoolOrder, WaitingMovesAQueuedTaskToTheFront) {
    Runtime runtime{{.threads = 2}};
    auto const pool = pool_in(runtime, {.limit = 1});
    Gate gate;
    std::string trace; // guarded by the cap of 1
    pool->spawn([&gate] { gate.pass(); });
    for (char const c : {'b', 'c'}) pool->spawn([&trace, c] { trace += c; });
    auto const wanted = pool->spawn([&trace] { trace += 'a'; });
    auto const group = group_in(runtime);
    group->spawn([&wanted] { wanted.get(); });
    yield_until([&] { return runtime.stats().sleeping >= 1 && group->active() == 1; });
    group->spawn([&] { // admitted after the getter has started; what it does takes a moment
        EXPECT_FALSE(wanted.wait_for(2ms));
        gate.open();
    });
    group->join();
    pool->join();
    EXPECT_EQ(trace, "abc");
}

TEST(RuntimePoolOrder, IsFirstInFirstOutAtACapOfOne) {
    Runtime runtime{{.threads = 4}};
    auto const pool = pool_in(runtime, {.limit = 1});
    std::vector<int> order; // guarded by the cap
    for (int i = 0; i < 500; ++i)
        pool->spawn([&order, i] {
            if (i % 10 == 0) frond::yield();
            order.push_back(i);
        });
    pool->join();
    EXPECT_EQ(order.size(), 500U);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(RuntimePoolOrder, ByPriority) {
    Runtime runtime{{.threads = 4}};
    auto const pool = pool_in(runtime, {.limit = 1, .order = frond::Order::priority});
    std::vector<int> order;
    Gate gate;
    pool->spawn({.priority = 100}, [&gate] { gate.pass(); });
    for (int i = 0; i < 100; ++i) pool->spawn({.priority = i % 10}, [&order, i] { order.push_back(i % 10); });
    gate.open();
    pool->join();
    EXPECT_TRUE(std::is_sorted(order.rbegin(), order.rend()));
}

// --- overdraft ---------------------------------------------------------------------------------------------

class RuntimeOverdraft : public testing::TestWithParam<std::size_t> {
protected:
    Runtime runtime{{.threads = GetParam()}};
    std::unique_ptr<Pool> pool = pool_in(runtime, {.limit = 1});
};
INSTANTIATE_TEST_SUITE_P(Threads, RuntimeOverdraft, testing::Values(1, 2, 4));

TEST_P(RuntimeOverdraft, ComesFromALenderWhoseDeadlineCameFirstAndIsRepaid) {
    Gate b_may_end;
    Gate a_may_end;
    Gate overdrawn;
    std::atomic<bool> c_started{false};
    auto const a = pool->spawn([&] {
        auto const b = pool->spawn([&b_may_end] { b_may_end.pass(); });
        EXPECT_FALSE(b.wait_for(2ms));
        overdrawn.open();
        a_may_end.pass();
    });
    overdrawn.pass();
    EXPECT_EQ(pool->stats().overdraft, 1U);
    EXPECT_EQ(pool->stats().active, 2U);
    pool->spawn([&c_started] { c_started = true; });
    b_may_end.open();
    yield_until([&] { return pool->stats().overdraft == 0; });
    EXPECT_FALSE(c_started); // b's end repays, and a still has its slot
    a_may_end.open();
    pool->join();
    EXPECT_TRUE(c_started);
    EXPECT_EQ(pool->stats().overdraft_peak, 1U);
    EXPECT_EQ(pool->stats().active, 0U);
}

TEST_P(RuntimeOverdraft, ComesFromAMembersOwnSpawnWait) {
    Gate gate;
    std::atomic<std::size_t> overdraft{0};
    pool->run([&] {
        pool->spawn_wait([&gate] { gate.pass(); });
        overdraft = pool->stats().overdraft;
        gate.open();
    });
    pool->join();
    EXPECT_EQ(overdraft, 1U);
    EXPECT_EQ(pool->stats().active, 0U);
}

TEST_P(RuntimeOverdraft, IsBoundedByTheNumberOfSpawnWaiters) {
    std::atomic<int> ran{0};
    Gauge gauge;
    for (int i = 0; i < 4; ++i)
        pool->spawn([&] {
            for (int j = 0; j < 20; ++j)
                pool->spawn_wait([&] {
                    gauge.visit();
                    ++ran;
                });
        });
    pool->join();
    EXPECT_EQ(ran, 80);
    EXPECT_LE(gauge.peak(), 5U); // the cap and one for each spawner
    EXPECT_EQ(pool->stats().active, 0U);
}

TEST_P(RuntimeOverdraft, OfManyWaitsWithDeadlinesIsAlwaysRepaid) {
    auto const group = group_in(runtime);
    for (std::size_t i = 0; i < scaled(200); ++i)
        pool->spawn([&, i] {
            auto const child = pool->spawn([] { frond::sleep_for(20us); });
            child.wait_for(std::chrono::microseconds{i % 50});
            Group mine{*pool};
            mine.spawn([] { frond::sleep_for(20us); });
            mine.join_for(std::chrono::microseconds{i % 70});
        });
    pool->join();
    yield_until([&] { return pool->stats().live == 0; });
    EXPECT_EQ(pool->stats().active, 0U);
    EXPECT_EQ(pool->stats().overdraft, 0U);
    EXPECT_EQ(pool->stats().completed, 3 * scaled(200));
}

TEST_P(RuntimeOverdraft, AResumingWaiterNeverWaitsForASlot) {
    Gate gate;
    auto const a = pool->spawn([&] {
        auto const b = pool->spawn([&gate] { gate.pass(); });
        for (int i = 0; i < 3; ++i) pool->spawn([] {});
        b.wait_for(1ms);
        gate.open(); // although b has the only slot
    });
    a.get();
    pool->join();
}

// --- release_slot, resize, close ---------------------------------------------------------------------------

TEST_P(RuntimeOverdraft, ReleasedSlotServesOthersUntilTheLoanDies) {
    std::atomic<bool> other_ran{false};
    pool->run([&] {
        pool->spawn([&other_ran] { other_ran = true; });
        {
            auto const loan = pool->release_slot();
            EXPECT_THROW((void)pool->release_slot(), std::logic_error);
            yield_until([&] { return other_ran.load(); }); // only the released slot can have admitted it
        }
        EXPECT_GE(pool->stats().active, 1U);
    });
    EXPECT_TRUE(other_ran);
    EXPECT_EQ(pool->stats().active, 0U);
    EXPECT_THROW((void)pool->release_slot(), std::logic_error); // outside
    runtime.run([&] { EXPECT_THROW((void)pool->release_slot(), std::logic_error); });
}

TEST_P(RuntimeOverdraft, ReleasedSlotsOfManyAreAllTakenAgain) {
    pool->resize(3);
    for (std::size_t i = 0; i < scaled(300); ++i)
        pool->spawn([&] {
            auto const loan = pool->release_slot();
            frond::yield();
        });
    pool->join();
    EXPECT_EQ(pool->stats().active, 0U);
    EXPECT_EQ(pool->stats().completed, scaled(300));
}

TEST_P(RuntimeOverdraft, ResizeAdmitsAtOnceAndZeroPauses) {
    std::atomic<int> started{0};
    Gate gate;
    pool->resize(0);
    for (int i = 0; i < 6; ++i)
        pool->spawn([&] {
            ++started;
            gate.pass();
        });
    EXPECT_EQ(started, 0);
    pool->resize(4);
    yield_until([&] { return started == 4; });
    EXPECT_EQ(pool->pending(), 2U);
    pool->resize(1); // what runs goes on
    EXPECT_EQ(pool->active(), 4U);
    EXPECT_EQ(pool->free_count(), 0U);
    gate.open();
    pool->join();
    EXPECT_EQ(started, 6);
    EXPECT_EQ(pool->stats().overdraft_peak, 0U);
}

TEST_P(RuntimeOverdraft, ResizeFromAnyThreadWhileTasksEnd) {
    Gauge gauge;
    std::atomic<bool> over{false};
    std::thread resizer{[&] {
        for (int i = 0; !over; ++i) pool->resize(1 + i % 4);
    }};
    runtime.run_on_each([&] {
        Group group{*pool};
        for (std::size_t i = 0; i < scaled(300); ++i) group.spawn([&gauge] { gauge.visit(); });
        group.join();
    });
    over = true;
    resizer.join();
    EXPECT_EQ(gauge.visits(), scaled(300) * GetParam());
    EXPECT_LE(gauge.peak(), 4U);
    EXPECT_EQ(pool->stats().active, 0U);
}

TEST_P(RuntimeOverdraft, CloseRefusesSpawnsAndRunsWhatIsQueued) {
    Lives lives;
    Gate gate;
    std::atomic<int> ran{0};
    pool->spawn([&gate] { gate.pass(); });
    for (int i = 0; i < 3; ++i) pool->spawn([&ran] { ++ran; });
    runtime.run([&] { pool->close(); });
    EXPECT_THROW(pool->spawn([mortal = Mortal{lives}] {}), Closed);
    runtime.run_on_each([&] { EXPECT_THROW(pool->spawn([mortal = Mortal{lives}] {}), Closed); });
    EXPECT_EQ(lives.alive(), 0);
    gate.open();
    pool->join();
    EXPECT_EQ(ran, 3);
}

TEST_P(RuntimeOverdraft, CloseWakesSpawnersOfAllThreads) {
    Lives lives;
    Gate gate;
    pool->spawn([&gate] { gate.pass(); });
    std::atomic<std::size_t> closed{0};
    auto const spawner = [&] {
        try {
            pool->spawn_wait([mortal = Mortal{lives}] {});
        } catch (Closed const&) {
            ++closed;
        }
    };
    auto const group = group_in(runtime);
    for (int i = 0; i < 4; ++i) group->spawn(spawner);
    std::thread plain{spawner};
    Group here;
    here.spawn(spawner);
    yield_until([&] { return pool->pending() == 6; });
    std::thread closer{[&] { pool->close(); }};
    yield_until([&] { return closed == 6; });
    closer.join();
    plain.join();
    gate.open();
    pool->join();
    yield_until([&] { return lives.alive() == 0; });
    EXPECT_EQ(pool->stats().admitted, 1U);
}

TEST_P(RuntimeOverdraft, CloseThatRacesWithSpawnersLosesNothing) {
    for (std::size_t round = 0; round < scaled(30); ++round) {
        auto const closing = pool_in(runtime, {.limit = 2});
        std::atomic<int> ran{0};
        std::atomic<int> accepted{0};
        Lives lives;
        auto const group = group_in(runtime);
        for (int i = 0; i < 4; ++i)
            group->spawn([&, i] {
                try {
                    for (;;) {
                        if (i % 2 == 0)
                            closing->spawn([&ran, mortal = Mortal{lives}] { ++ran; });
                        else
                            closing->spawn_wait([&ran, mortal = Mortal{lives}] { ++ran; });
                        ++accepted;
                        frond::yield();
                    }
                } catch (Closed const&) {
                }
            });
        yield_until([&] { return accepted > 20; });
        closing->close();
        group->join();
        closing->join();
        ASSERT_EQ(ran, accepted);
        yield_until([&] { return lives.alive() == 0; });
    }
}

// --- spawn_wait, try_spawn, max_pending, spawn_after, wait_available ---------------------------------------

TEST_P(RuntimeOverdraft, SpawnWaitReturnsWhenTheTaskIsAdmitted) {
    Gate gate;
    std::atomic<bool> admitted{false};
    pool->spawn([&gate] { gate.pass(); });
    auto const group = group_in(runtime);
    group->spawn([&] {
        pool->spawn_wait([] {});
        admitted = true;
    });
    yield_until([&] { return pool->pending() == 1; });
    EXPECT_FALSE(admitted);
    gate.open();
    group->join();
    EXPECT_TRUE(admitted);
    pool->join();
}

TEST_P(RuntimeOverdraft, TrySpawnTakesAFreeSlotOrNothing) {
    pool->resize(3);
    Gate gate;
    Lives lives;
    std::atomic<std::size_t> taken{0};
    runtime.run_on_each([&] {
        for (int i = 0; i < 5; ++i)
            if (pool->try_spawn([&gate, mortal = Mortal{lives}] { gate.pass(); })) ++taken;
    });
    EXPECT_EQ(taken, 3U); // not one more on all threads together, nor one less
    EXPECT_FALSE(pool->try_spawn([mortal = Mortal{lives}] {}).has_value());
    gate.open();
    pool->join();
    yield_until([&] { return lives.alive() == 0; });
}

TEST_P(RuntimeOverdraft, MaxPendingBoundsTheBacklogForAllThreads) {
    auto const bounded = pool_in(runtime, {.limit = 2, .max_pending = 3});
    std::atomic<std::size_t> ran{0};
    std::size_t const n = scaled(200);
    auto const spawn_some = [&] {
        for (std::size_t i = 0; i < n; ++i) bounded->spawn([&ran] { ++ran; });
    };
    std::thread plain{spawn_some};
    Group here;
    here.spawn(spawn_some);
    runtime.run_on_each(spawn_some);
    here.join();
    plain.join();
    bounded->join();
    EXPECT_EQ(ran, n * (2 + GetParam()));
    EXPECT_LE(bounded->stats().pending_peak, 3U);
}

TEST_P(RuntimeOverdraft, MaxPendingIsNotForMembers) {
    auto const bounded = pool_in(runtime, {.limit = 1, .max_pending = 1});
    std::atomic<int> ran{0};
    bounded->run([&] {
        for (int i = 0; i < 10; ++i) bounded->spawn([&ran] { ++ran; }); // would wait for ever
    });
    bounded->join();
    EXPECT_EQ(ran, 10);
}

TEST_P(RuntimeOverdraft, SpawnAfterStartsNotBeforeItsTimeAndUnderTheCap) {
    Gauge gauge;
    auto const begin = std::chrono::steady_clock::now();
    std::atomic<bool> early{false};
    auto const spawn_later = [&] {
        for (int i = 0; i < 5; ++i)
            pool->spawn_after(5ms, [&] {
                if (std::chrono::steady_clock::now() - begin < 5ms) early = true;
                gauge.visit();
            });
    };
    spawn_later();
    runtime.run_on_each(spawn_later);
    pool->join();
    EXPECT_FALSE(early);
    EXPECT_EQ(gauge.visits(), 5 * (1 + GetParam()));
    EXPECT_EQ(gauge.peak(), 1U);
}

TEST_P(RuntimeOverdraft, WaitAvailable) {
    Gate gate;
    pool->spawn([&gate] { gate.pass(); });
    EXPECT_FALSE(pool->wait_available(2ms));
    runtime.run([&] { EXPECT_FALSE(pool->wait_available(2ms)); });
    std::atomic<std::size_t> available{0};
    auto const group = group_in(runtime);
    for (int i = 0; i < 3; ++i)
        group->spawn([&] {
            pool->wait_available();
            ++available;
        });
    std::thread plain{[&] {
        pool->wait_available();
        ++available;
    }};
    EXPECT_EQ(available, 0U);
    gate.open();
    group->join();
    plain.join();
    EXPECT_EQ(available, 4U);
    pool->join();
}

// --- circles -----------------------------------------------------------------------------------------------

class RuntimeDeadlock : public testing::TestWithParam<std::size_t> {
protected:
    Runtime runtime{{.threads = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Threads, RuntimeDeadlock, testing::Values(1, 2, 4));

/// `n` tasks, each waiting for the next one, the last for the first; on as many threads as there are. Nobody
/// begins before all have started. @return how many got Deadlock from the library and not from the task they
/// waited for
std::size_t wait_in_a_ring(Group& group, std::size_t n) {
    std::vector<Task<int>> ring(n);
    Gate complete;
    std::atomic<std::size_t> started{0};
    std::atomic<std::size_t> deadlocks{0};
    for (std::size_t i = 0; i < n; ++i)
        ring[i] = group.spawn([&, i] {
            ++started;
            complete.pass();
            try {
                ring[(i + 1) % n].wait();
            } catch (Deadlock const&) {
                ++deadlocks;
            }
            return 1;
        });
    yield_until([&] { return started == n; });
    complete.open();
    for (auto const& task : ring) EXPECT_EQ(task.get(), 1);
    return deadlocks;
}

TEST_P(RuntimeDeadlock, IsThrownAtOneOfTwoThatWaitForEachOther) {
    auto const group = group_in(runtime);
    for (std::size_t round = 0; round < scaled(60) + 5; ++round) ASSERT_EQ(wait_in_a_ring(*group, 2), 1U);
}

TEST_P(RuntimeDeadlock, IsThrownAtOneOfThreeInARing) {
    auto const group = group_in(runtime);
    for (std::size_t round = 0; round < scaled(60) + 5; ++round) ASSERT_EQ(wait_in_a_ring(*group, 3), 1U);
}

TEST_P(RuntimeDeadlock, IsThrownAtOneOfManyInARingOfAPool) {
    auto const pool = pool_in(runtime, {.limit = 7});
    for (std::size_t round = 0; round < scaled(20) + 3; ++round) ASSERT_EQ(wait_in_a_ring(*pool, 7), 1U);
    EXPECT_EQ(pool->stats().active, 0U);
}

TEST_P(RuntimeDeadlock, IsThrownWhereTwoGroupsJoinEachOther) {
    for (std::size_t round = 0; round < scaled(60) + 5; ++round) {
        auto const left = group_in(runtime);
        auto const right = group_in(runtime);
        std::atomic<int> started{0};
        std::atomic<int> deadlocks{0};
        auto const joins = [&](Group& other) {
            ++started;
            yield_until([&] { return started == 2; });
            try {
                other.join();
            } catch (Deadlock const&) {
                ++deadlocks;
            }
        };
        left->spawn([&] { joins(*right); });
        right->spawn([&] { joins(*left); });
        left->join();
        right->join();
        ASSERT_EQ(deadlocks, 1);
    }
}

TEST_P(RuntimeDeadlock, IsThrownAtOnceAtOneWhoJoinsItsOwnGroup) {
    auto const pool = pool_in(runtime, {.limit = 2});
    auto const group = group_in(runtime);
    group->run([&] { EXPECT_THROW(group->join(), Deadlock); });
    group->run([&] { EXPECT_THROW(group->join_for(1h), Deadlock); });
    pool->run([&] { EXPECT_THROW(pool->join(), Deadlock); });
}

TEST_P(RuntimeDeadlock, IsThrownAtOneWhoJoinsAGroupOfItsAncestors) {
    auto const outer = group_in(runtime);
    auto const task = outer->spawn([&] {
        Group inner;
        std::atomic<bool> started{false};
        inner.spawn([&] {
            started = true;
            frond::yield();
            outer->join(); // its task waits for this one, or is about to
        });
        yield_until([&] { return started.load(); });
        inner.join();
    });
    EXPECT_THROW(task.get(), Deadlock);
}

TEST_P(RuntimeDeadlock, IsThrownAtOneWhoWaitsForItself) {
    auto const group = group_in(runtime);
    Task<void> task;
    Gate known;
    task = group->spawn([&] {
        known.pass();
        EXPECT_THROW(task.get(), Deadlock);
        EXPECT_THROW(task.wait(), Deadlock);
        EXPECT_THROW(task.error(), Deadlock);
    });
    known.open();
    EXPECT_NO_THROW(task.get());
}

TEST_P(RuntimeDeadlock, ChainsAndDiamondsAcrossThreadsAreNone) {
    auto const group = group_in(runtime);
    for (std::size_t round = 0; round < scaled(100); ++round) {
        auto const base = group->spawn([] {
            frond::yield();
            return 1;
        });
        std::vector<Task<int>> layer;
        for (int i = 0; i < 4; ++i) layer.push_back(group->spawn([&base] { return base.get() + 1; }));
        auto const sum = group->run([&layer] {
            int all = 0;
            for (auto const& task : layer) all += task.get();
            return all;
        });
        ASSERT_EQ(sum, 8);
        group->join();
    }
}

TEST_P(RuntimeDeadlock, TextTellsWhoWaitsForWhom) {
    auto const group =
        runtime.run([] { return std::make_unique<Group>(frond::GroupOptions{.name = "workers"}); });
    Task<void> first;
    Task<void> second;
    Gate known;
    std::mutex mutex;
    std::string text;
    auto const wait_for = [&](Task<void> const& other) {
        known.pass();
        auto const said = what_is_thrown_by([&] { other.wait(); });
        std::lock_guard const lock{mutex};
        text += said;
    };
    first = group->spawn({.name = "ping"}, [&] { wait_for(second); });
    second = group->spawn({.name = "pong"}, [&] { wait_for(first); });
    known.open();
    group->join();
    for (char const* part :
         {"closes a circle", "'workers'", "'ping'", "'pong'", "waits for", "runtime_pool_test.cpp:"})
        EXPECT_NE(text.find(part), std::string::npos) << part << " is not in\n" << text;
}

// --- stalls ------------------------------------------------------------------------------------------------

class RuntimeStall : public frond::test::StallTest, public testing::WithParamInterface<std::size_t> {
protected:
    RuntimeStall() { pretend_foreign_threads(0); } // the runtime's threads have come since
    Runtime runtime{{.threads = GetParam()}};
    std::unique_ptr<Pool> pool = pool_in(runtime, {.limit = 1, .name = "paused"});
};
INSTANTIATE_TEST_SUITE_P(Threads, RuntimeStall, testing::Values(1, 2, 4));

TEST_P(RuntimeStall, OfAllThreadsIsThrownAtMainInRun) {
    pool->resize(0);
    std::atomic<bool> went_on{false};
    auto const stuck = pool->spawn({.name = "stuck"}, [] {});
    auto const group = group_in(runtime);
    group->spawn({.name = "joiner"}, [&] { pool->join(); });
    auto const text = what_is_thrown_by([&] {
        runtime.run([&] {
            stuck.get();
            went_on = true;
        });
    });
    for (char const* part : {"'stuck'", "'joiner'", "'paused'", "waits for task", "queued"})
        EXPECT_NE(text.find(part), std::string::npos) << part << " is not in\n" << text;
    pool->resize(1);
    group->join(); // only main was told
    EXPECT_EQ(stuck.state(), frond::TaskState::done);
    EXPECT_FALSE(went_on) << "it refers to what main had";
}

TEST_P(RuntimeStall, IsThrownAtMainInJoinAndGet) {
    pool->resize(0);
    auto const task = pool->spawn([] { return 5; });
    EXPECT_THROW(task.get(), Deadlock);
    EXPECT_THROW(pool->join(), Deadlock);
    EXPECT_THROW(pool->spawn_wait([] {}), Deadlock);
    pool->resize(1);
    EXPECT_EQ(task.get(), 5);
    pool->join();
}

TEST_P(RuntimeStall, IsNoneWhileATimerIsPendingOnAnyThread) {
    auto const group = group_in(runtime);
    for (std::size_t i = 0; i < GetParam(); ++i) group->spawn([] { frond::sleep_for(50ms); });
    EXPECT_NO_THROW(group->join());
}

TEST_P(RuntimeStall, IsNoneWhileATaskComputes) {
    auto const group = group_in(runtime);
    group->spawn([] { std::this_thread::sleep_for(50ms); });
    EXPECT_NO_THROW(group->join());
}

TEST_P(RuntimeStall, IsNoneWhileAnotherRuntimeWorks) {
    Runtime other{{.threads = 2}};
    pretend_foreign_threads(0);
    pool->resize(0);
    auto const stuck = pool->spawn([] {});
    auto const helper = group_in(other);
    helper->spawn([&] {
        frond::sleep_for(50ms);
        pool->resize(1);
    });
    EXPECT_NO_THROW(stuck.get());
}

TEST_P(RuntimeStall, OfTwoFullPoolsWhoseMembersWaitCrosswiseIsResolved) {
    auto const other = pool_in(runtime, {.limit = 1});
    for (std::size_t round = 0; round < 3; ++round) {
        std::atomic<int> started{0};
        auto const waits_for_one_of = [&](Pool& theirs) {
            ++started;
            yield_until([&] { return started == 2; });
            return theirs.spawn([] { return 1; }).get();
        };
        auto const a = pool->spawn([&] { return waits_for_one_of(*other); });
        auto const b = other->spawn([&] { return waits_for_one_of(*pool); });
        EXPECT_EQ(a.get() + b.get(), 2);
    }
}

} // namespace
