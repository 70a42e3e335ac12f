// What other task pools of this kind get wrong about stopping, and what they get right, with their numbers.

#include "support/gate.hpp"
#include "support/lives.hpp"
#include "support/threads_test.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::Deadlock;
using frond::Group;
using frond::Pool;
using frond::Shield;
using frond::Task;
using frond::TaskState;
using frond::TimedOut;
using frond::test::Gate;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::until_waiting;
using frond::test::yield_until;

namespace {

class ParityCancel : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, ParityCancel, testing::Values(0, 1, 2, 4));

void sleep_long() { frond::sleep_for(1h); }

TEST_P(ParityCancel, CancelBeforeTheFirstRunThenJoin) {
    run([] {
        Lives lives;
        std::atomic<bool> ran{false};
        Pool pool{2};
        std::vector<Task<void>> tasks;
        for (int i = 0; i < 5; ++i)
            tasks.push_back(pool.spawn({.pinned = true}, [&ran, mortal = Mortal{lives}] { ran = true; }));
        for (auto const& each : tasks) each.request_cancel(); // nobody else has had a turn yet
        for (auto const& each : tasks) EXPECT_TRUE(each.cancel());
        pool.join();
        EXPECT_FALSE(ran);
        EXPECT_EQ(lives.alive(), 0);
        EXPECT_EQ(pool.free_count(), 2U);
    });
}

TEST_P(ParityCancel, CancelWhileAFiberWaitsInSpawnWait) {
    run([] {
        std::atomic<bool> ran{false};
        std::atomic<bool> seen{false};
        Gate gate;
        Pool pool{1};
        Group spawners;
        pool.spawn([&gate] { gate.pass(); });
        auto const spawner = spawners.spawn([&] {
            try {
                pool.spawn_wait([&ran] { ran = true; });
            } catch (Cancelled const&) {
                seen = true;
                throw; // and is not swallowed
            }
        });
        until_waiting(spawner);
        EXPECT_TRUE(spawner.cancel());
        EXPECT_TRUE(seen);
        gate.open();
        pool.join();
        EXPECT_FALSE(ran);
    });
}

TEST_P(ParityCancel, ATaskThatThrowsCancelledKeepsNoSlot) {
    run([] {
        Pool pool{1};
        for (int i = 0; i < 5; ++i) pool.spawn([] { throw Cancelled{}; });
        EXPECT_EQ(pool.spawn([] { return 7; }).get(), 7);
        EXPECT_NO_THROW(pool.join());
        EXPECT_EQ(pool.free_count(), 1U);
    });
}

TEST_P(ParityCancel, CancelGivesTheCountAndTheResultsStayReadable) {
    run([] {
        Pool pool{2};
        auto const done = pool.spawn([] { return 1; });
        auto const failed = pool.spawn([] { throw std::range_error{"early"}; });
        done.wait();
        failed.wait();
        std::vector<Task<void>> doomed;
        for (int i = 0; i < 5; ++i) doomed.push_back(pool.spawn(&sleep_long)); // two run, three wait
        EXPECT_EQ(pool.cancel("enough"), 5U);
        EXPECT_EQ(done.get(), 1);
        for (auto const& each : doomed) EXPECT_THROW(each.get(), Cancelled);
        EXPECT_EQ(pool.errors().size(), 1U); // not those that were cancelled
    });
}

TEST_P(ParityCancel, JoinFromAnOwnTaskIsToldAtOnce) {
    run([] {
        Pool pool{2};
        auto const task = pool.spawn([&pool] { pool.join(); });
        EXPECT_THROW(task.get(), Deadlock);
    });
}

TEST_P(ParityCancel, TimeoutCountsRunningTimeOnly) {
    run([] {
        // Size 1, 30 ms a task: three of 20 ms, the last of which waits for 40 ms, and one of 50 ms.
        Pool pool{{.limit = 1, .task_timeout = 30ms}};
        std::vector<Task<int>> tasks;
        std::atomic<int> on_time{0};
        for (int i = 0; i < 3; ++i)
            tasks.push_back(pool.spawn([i, &on_time] {
                frond::sleep_for(20ms);
                ++on_time;
                return i;
            }));
        auto const slow = pool.spawn([] { frond::sleep_for(50ms); });
        EXPECT_THROW(slow.get(), TimedOut);
        EXPECT_EQ(slow.state(), TaskState::failed);
        for (int i = 0; i < 3; ++i) EXPECT_EQ(tasks[static_cast<std::size_t>(i)].get(), i);
        EXPECT_EQ(on_time, 3);
    });
}

TEST_P(ParityCancel, LateResultOfATaskThatIgnoresItsTimeoutIsDelivered) {
    run([] {
        Pool pool{{.limit = 1, .task_timeout = 1ms}};
        auto const task = pool.spawn([] {
            try {
                sleep_long();
            } catch (Cancelled const&) {
            }
            return std::string{"late"};
        });
        EXPECT_EQ(task.get(), "late");
        EXPECT_EQ(task.state(), TaskState::done);
        EXPECT_NO_THROW(pool.join());
    });
}

TEST_P(ParityCancel, LateResultOfATaskThatIgnoresItsCancellationIsDelivered) {
    run([] {
        Group group;
        auto const task = group.spawn([] {
            try {
                sleep_long();
            } catch (Cancelled const&) {
            }
            return std::string{"late"};
        });
        until_waiting(task);
        EXPECT_FALSE(task.cancel());
        EXPECT_EQ(task.get(), "late");
    });
}

TEST_P(ParityCancel, TheDestructorWhileUnwindingCancelsAndAwaits) {
    run([] {
        std::atomic<int> cleaned_up{0};
        std::atomic<bool> ran{false};
        Pool pool{2};
        try {
            Group group{pool};
            std::vector<Task<void>> running;
            for (int i = 0; i < 2; ++i)
                running.push_back(group.spawn([&cleaned_up] {
                    try {
                        sleep_long();
                    } catch (...) {
                        Shield const shield;
                        frond::sleep_for(1ms);
                        ++cleaned_up;
                        throw;
                    }
                }));
            group.spawn([&ran] { ran = true; });
            for (auto const& each : running) until_waiting(each);
            throw std::range_error{"the body throws"};
        } catch (std::range_error const&) {
            EXPECT_EQ(cleaned_up, 2);
        }
        EXPECT_FALSE(ran);
        EXPECT_EQ(pool.free_count(), 2U);
    });
}

TEST_P(ParityCancel, SpawnFromATaskWhileItsGroupIsJoinedByFiveOthersAndCancelled) {
    run([] {
        Group group;
        Group joiners;
        std::atomic<int> left{20};
        std::function<void()> chain = [&] {
            if (left.fetch_sub(1) > 0) group.spawn(chain);
            frond::yield();
        };
        auto const keeper = group.spawn(&sleep_long);
        std::vector<Task<void>> all;
        for (int i = 0; i < 5; ++i) all.push_back(joiners.spawn([&group] { group.join(); }));
        for (auto const& each : all) until_waiting(each);
        group.spawn(chain);
        yield_until([&] { return left <= 0; });
        for (auto const& each : all) EXPECT_FALSE(each.ready());
        EXPECT_TRUE(keeper.cancel());
        for (auto const& each : all) EXPECT_NO_THROW(each.get());
    });
}

TEST_P(ParityCancel, NestedCallsInAFullPoolAreCancelled) {
    for (std::size_t const size : {1U, 2U})
        run([size] {
            Pool pool{size};
            std::atomic<bool> cut{false};
            Task<void> leaf;
            Gate spawned;
            auto const root = pool.spawn([&] {
                pool.run([&] {
                    Group group{pool};
                    leaf = group.spawn_wait([&cut] {
                        try {
                            sleep_long();
                        } catch (...) {
                            cut = true;
                            throw;
                        }
                    });
                    spawned.open();
                    leaf.get();
                });
            });
            spawned.pass();
            until_waiting(leaf);
            EXPECT_TRUE(root.cancel());
            EXPECT_TRUE(cut);
            pool.join();
            EXPECT_EQ(pool.free_count(), size);
            EXPECT_EQ(pool.stats().overdraft, 0U);
        });
}

TEST_P(ParityCancel, AGroupIsUsedAgainAfterAnErrorAndAfterACancellation) {
    run([] {
        Pool pool{1};
        Group group{pool};
        for (int i = 0; i < 3; ++i) {
            group.spawn([] { throw std::range_error{"bad"}; });
            EXPECT_THROW(group.join(), std::range_error);
            auto const task = group.spawn(&sleep_long);
            until_waiting(task);
            EXPECT_EQ(group.cancel(), 1U);
            EXPECT_EQ(group.run([i] { return i; }), i);
        }
    });
}

} // namespace
