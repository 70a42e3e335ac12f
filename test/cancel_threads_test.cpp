// Cancelling from other threads than the tasks', and races with everything that ends a task.

#include <frond/task.hpp>

#include "support/gate.hpp"
#include "support/lives.hpp"
#include "support/other_thread.hpp"
#include "support/scale.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/runtime.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::Group;
using frond::Pool;
using frond::Runtime;
using frond::Shield;
using frond::Task;
using frond::TaskState;
using frond::TimedOut;
using frond::test::Gate;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::on_other_thread;
using frond::test::scaled;
using frond::test::until_waiting;

namespace {

void sleep_long() { frond::sleep_for(1h); }

/// Who calls `cancel`; never on the thread on which the tasks run.
enum class User { plain_thread, fiber_of_a_plain_thread, task_of_another_runtime, stop_callback };

/// The tasks are those of a plain thread (0), or of a runtime of so many threads.
class CancelThreads : public testing::TestWithParam<std::tuple<std::size_t, User>> {
protected:
    static void run(std::function<void()> const& body) {
        auto const threads = std::get<std::size_t>(GetParam());
        if (threads == 0)
            body();
        else
            Runtime{{.threads = threads}}.run(body);
    }

    /// Calls `f` as the user, and serves the tasks meanwhile.
    static void as_user(std::function<void()> const& f) {
        on_other_thread([&f] {
            switch (std::get<User>(GetParam())) {
            case User::plain_thread:
                return f();
            case User::fiber_of_a_plain_thread:
                return Group{}.run(f);
            case User::task_of_another_runtime:
                return Runtime{{.threads = 1}}.run(f);
            case User::stop_callback: {
                std::stop_source source;
                std::stop_callback const callback{source.get_token(), f};
                source.request_stop();
            }
            }
        });
    }
};

std::string name_of_case(testing::TestParamInfo<std::tuple<std::size_t, User>> const& info) {
    char const* const users[] = {"ByAPlainThread", "ByAFiberOfAPlainThread", "ByATaskOfAnotherRuntime",
                                 "ByAStopCallback"};
    return users[static_cast<std::size_t>(std::get<User>(info.param))] +
           std::to_string(std::get<std::size_t>(info.param));
}
INSTANTIATE_TEST_SUITE_P(Used, CancelThreads,
                         testing::Combine(testing::Values(0, 1, 2, 4),
                                          testing::Values(User::plain_thread, User::fiber_of_a_plain_thread,
                                                          User::task_of_another_runtime,
                                                          User::stop_callback)),
                         &name_of_case);

TEST_P(CancelThreads, TaskThatWaits) {
    run([] {
        Group group;
        auto const task = group.spawn(&sleep_long);
        until_waiting(task);
        as_user([&task] { EXPECT_TRUE(task.cancel()); });
        EXPECT_EQ(task.state(), TaskState::cancelled);
    });
}

TEST_P(CancelThreads, TaskInTheQueueOfItsPool) {
    run([] {
        Lives lives;
        std::atomic<bool> ran{false};
        Pool pool{1};
        auto const holder = pool.spawn(&sleep_long);
        auto const queued = pool.spawn([&ran, mortal = Mortal{lives}] { ran = true; });
        as_user([&queued] { EXPECT_TRUE(queued.cancel()); });
        EXPECT_EQ(lives.alive(), 0);
        EXPECT_EQ(pool.pending(), 0U);
        holder.cancel();
        EXPECT_FALSE(ran);
    });
}

TEST_P(CancelThreads, DelayedTask) {
    run([] {
        Lives lives;
        Group group;
        auto const task = group.spawn_after(1h, [mortal = Mortal{lives}] {});
        as_user([&task] { EXPECT_TRUE(task.cancel()); });
        EXPECT_EQ(lives.alive(), 0);
    });
}

TEST_P(CancelThreads, TaskThatHasEnded) {
    run([] {
        Group group;
        auto const task = group.spawn([] { return 3; });
        task.wait();
        as_user([&task] {
            task.request_cancel();
            EXPECT_FALSE(task.cancel());
            EXPECT_EQ(task.get(), 3);
        });
    });
}

TEST_P(CancelThreads, GroupCountsAndWaits) {
    run([] {
        Pool pool{1};
        Group group{pool};
        for (int i = 0; i < 4; ++i) group.spawn(&sleep_long);
        as_user([&group] { EXPECT_EQ(group.cancel("from far away"), 4U); });
        EXPECT_TRUE(group.empty());
        EXPECT_EQ(pool.free_count(), 1U);
        as_user([&group] { EXPECT_EQ(group.spawn([] { return 5; }).get(), 5); });
    });
}

TEST_P(CancelThreads, RequestIsPassedOn) {
    run([] {
        Group group;
        auto const task = group.spawn(&sleep_long);
        as_user([&group] { group.request_cancel("from far away"); });
        task.wait();
        EXPECT_EQ(task.state(), TaskState::cancelled);
        group.join();
    });
}

TEST_P(CancelThreads, RequestBeforeTheGroupDiesTouchesNothing) {
    run([] {
        for (std::size_t i = 0; i < scaled(30); ++i) {
            auto group = std::make_unique<Group>();
            group->spawn([] { frond::yield(); });
            as_user([&group] { group->request_cancel(); });
            group.reset();
        }
    });
}

TEST_P(CancelThreads, ShutdownOfAPool) {
    run([] {
        Pool pool{1};
        for (int i = 0; i < 3; ++i) pool.spawn(&sleep_long);
        as_user([&pool] { EXPECT_FALSE(pool.shutdown(1ms)); });
        EXPECT_TRUE(pool.empty());
    });
}

TEST_P(CancelThreads, WhatTheUserWaitsForHere) {
    run([] {
        Gate gate;
        Group group;
        auto const task = group.spawn([&gate] {
            Shield const shield;
            while (!gate.is_open()) frond::sleep_for(50us);
            return 3;
        });
        until_waiting(task);
        as_user([&] {
            Group waiters;
            std::vector<Task<void>> all;
            all.push_back(waiters.spawn([&] { task.get(); }));
            all.push_back(waiters.spawn([&] { group.join(); }));
            all.push_back(waiters.spawn([&] { task.cancel(); }));
            for (auto const& each : all) until_waiting(each);
            EXPECT_EQ(waiters.cancel(), 3U);
            for (auto const& each : all) EXPECT_EQ(each.state(), TaskState::cancelled);
            EXPECT_THROW(frond::with_timeout(1ms, [&] { task.get(); }), TimedOut);
            EXPECT_THROW(frond::with_timeout(1ms, [&] { group.join(); }), TimedOut);
        });
        EXPECT_FALSE(task.ready());
        gate.open();
        EXPECT_EQ(task.get(), 3);
    });
}

TEST_P(CancelThreads, RacesWithTheEndOfTheTask) {
    run([] {
        Pool pool{2};
        Group group{pool};
        for (std::size_t i = 0; i < scaled(100); ++i) {
            Lives lives;
            std::vector<Task<int>> tasks;
            for (int k = 0; k < 4; ++k)
                tasks.push_back(group.spawn([mortal = Mortal{lives}] {
                    frond::sleep_for(20us);
                    return 1;
                }));
            as_user([&tasks] {
                for (auto const& each : tasks) each.request_cancel();
            });
            group.join();
            for (auto const& each : tasks) {
                if (each.state() == TaskState::cancelled)
                    EXPECT_THROW(each.get(), Cancelled);
                else
                    EXPECT_EQ(each.get(), 1);
            }
            EXPECT_EQ(lives.alive(), 0);
            EXPECT_EQ(pool.free_count(), 2U);
        }
    });
}

/// Two threads that do it again and again, while tasks come and go.
TEST_P(CancelThreads, RacesWithSpawnsJoinsAndOtherCancellers) {
    run([] {
        Lives lives;
        Pool pool{2};
        Group group{pool};
        std::atomic<bool> over{false};
        std::atomic<int> ended{0};
        Group helpers;
        auto const spawner = helpers.spawn([&] {
            for (std::size_t i = 0; i < scaled(2000); ++i) {
                group.spawn([&, mortal = Mortal{lives}] {
                    Group children{pool};
                    children.spawn([&ended] {
                        frond::sleep_for(5us);
                        ++ended;
                    });
                });
                if (i % 16 == 0) frond::yield();
            }
            over = true;
        });
        auto const canceller = helpers.spawn([&] {
            while (!over) {
                group.cancel();
                frond::sleep_for(30us);
            }
        });
        as_user([&] {
            while (!over) {
                group.request_cancel("again");
                std::this_thread::sleep_for(50us);
            }
        });
        helpers.join();
        group.join();
        EXPECT_EQ(lives.alive(), 0);
        EXPECT_EQ(pool.free_count(), 2U);
        EXPECT_EQ(pool.stats().live, 0U);
        EXPECT_EQ(pool.stats().overdraft, 0U);
    });
}

TEST_P(CancelThreads, SpawnersOfTheUserInFrontOfAFullPool) {
    run([] {
        Lives lives;
        std::atomic<bool> ran{false};
        Pool pool{{.limit = 1, .max_pending = 1}};
        auto const holder = pool.spawn(&sleep_long);
        auto const queued = pool.spawn(&sleep_long);
        until_waiting(holder);
        as_user([&] {
            Group spawners;
            auto const a =
                spawners.spawn([&] { pool.spawn([&ran, mortal = Mortal{lives}] { ran = true; }); });
            auto const b =
                spawners.spawn([&] { pool.spawn_wait([&ran, mortal = Mortal{lives}] { ran = true; }); });
            until_waiting(a);
            until_waiting(b);
            EXPECT_EQ(spawners.cancel(), 2U);
            EXPECT_EQ(a.state(), TaskState::cancelled);
            EXPECT_EQ(b.state(), TaskState::cancelled);
        });
        pool.cancel();
        EXPECT_EQ(lives.alive(), 0);
        EXPECT_FALSE(ran);
        EXPECT_TRUE(pool.empty());
        EXPECT_EQ(pool.free_count(), 1U);
    });
}

TEST(CancelThreadsOfARuntime, CheckEndsATaskThatComputes) {
    for (std::size_t const threads : {1U, 2U}) {
        Runtime runtime{{.threads = threads}};
        auto const group = runtime.run([] { return std::make_unique<Group>(); });
        Gate computing;
        auto const task = group->spawn([&computing] {
            computing.open();
            for (;;) frond::this_task::check();
        });
        while (!computing.is_open()) std::this_thread::yield();
        EXPECT_TRUE(task.cancel());
    }
}

} // namespace
