#include <frond/group.hpp>

#include "support/gate.hpp"
#include "support/lives.hpp"
#include "support/scale.hpp"
#include "support/threads_test.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/pool.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::Group;
using frond::Pool;
using frond::Shield;
using frond::Task;
using frond::TaskState;
using frond::test::Gate;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::scaled;
using frond::test::until_waiting;
using frond::test::yield_until;

namespace {

class CancelGroup : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, CancelGroup, testing::Values(0, 1, 2, 4));

void sleep_long() { frond::sleep_for(1h); }

/// Tells what the wait in it threw.
class Sleeper {
public:
    void operator()() {
        try {
            sleep_long();
        } catch (Cancelled const& c) {
            reason_ = std::string{c.reason()};
            cancelled_ = true;
            throw;
        }
    }
    bool was_cancelled() const { return cancelled_; }
    std::string const& reason() const { return reason_; }

private:
    std::string reason_;
    std::atomic<bool> cancelled_{false};
};

TEST_P(CancelGroup, ReachesQueuedDelayedAndRunningTasksAndAwaitsThem) {
    run([] {
        Lives lives;
        std::atomic<int> started{0};
        Pool pool{2};
        Group group{pool};
        Sleeper one;
        Sleeper two;
        auto const a = group.spawn([&] { one(); });
        auto const b = group.spawn([&] { two(); });
        until_waiting(a);
        until_waiting(b);
        for (int i = 0; i < 10; ++i) group.spawn([&started, mortal = Mortal{lives}] { ++started; });
        for (int i = 0; i < 3; ++i) group.spawn_after(1h, [&started, mortal = Mortal{lives}] { ++started; });
        EXPECT_EQ(group.cancel("over"), 15U);
        EXPECT_TRUE(one.was_cancelled() && two.was_cancelled());
        EXPECT_EQ(one.reason(), "over");
        EXPECT_EQ(started, 0);
        EXPECT_EQ(lives.alive(), 0);
        EXPECT_TRUE(group.empty());
        EXPECT_EQ(pool.free_count(), 2U);
    });
}

TEST_P(CancelGroup, QueuedCallablesDieBeforeTheRunningTasksEnd) {
    run([] {
        Lives lives;
        Gate gate;
        Pool pool{1};
        auto const holder = pool.spawn([&gate] {
            Shield const shield;
            gate.pass();
        });
        yield_until([&] { return holder.state() != TaskState::queued; });
        for (int i = 0; i < 5; ++i) pool.spawn([mortal = Mortal{lives}] {});
        pool.request_cancel();
        EXPECT_EQ(lives.alive(), 0);
        EXPECT_EQ(pool.size(), 1U);
        EXPECT_FALSE(holder.ready());
        gate.open();
        pool.join();
    });
}

TEST_P(CancelGroup, OfAnEmptyGroupDoesNothing) {
    run([] {
        Group group;
        EXPECT_EQ(group.cancel(), 0U);
        group.request_cancel();
        EXPECT_EQ(group.spawn([] { return 1; }).get(), 1);
    });
}

TEST_P(CancelGroup, WhatIsSpawnedBeforeItsQuiescenceEndsCancelled) {
    run([] {
        Lives lives;
        Gate gate;
        std::atomic<bool> ran{false};
        auto const body = [&ran](Lives& counted) { return [&ran, mortal = Mortal{counted}] { ran = true; }; };
        Group group;
        auto const holder = group.spawn([&gate] {
            Shield const shield;
            gate.pass();
        });
        yield_until([&] { return holder.state() != TaskState::queued; });
        group.request_cancel("closing time");
        auto const queued = group.spawn(body(lives));
        EXPECT_EQ(queued.state(), TaskState::cancelled);
        EXPECT_EQ(group.spawn_wait(body(lives)).state(), TaskState::cancelled);
        EXPECT_EQ(group.spawn_after(1h, body(lives)).state(), TaskState::cancelled);
        EXPECT_EQ(group.try_spawn(body(lives)).value().state(), TaskState::cancelled);
        EXPECT_THROW(group.run(body(lives)), Cancelled);
        EXPECT_EQ(lives.alive(), 0);
        try {
            queued.get();
            ADD_FAILURE() << "a result of what never ran";
        } catch (Cancelled const& c) {
            EXPECT_EQ(c.reason(), "closing time");
        }
        gate.open();
        group.join();
        EXPECT_FALSE(ran);
    });
}

TEST_P(CancelGroup, WhatADyingTaskSpawnsIntoItEndsCancelled) {
    run([] {
        std::atomic<bool> ran{false};
        Group group;
        auto const task = group.spawn([&] {
            try {
                sleep_long();
            } catch (...) {
                group.spawn([&ran] { ran = true; });
                throw;
            }
        });
        until_waiting(task);
        group.cancel();
        EXPECT_TRUE(group.empty());
        EXPECT_FALSE(ran);
    });
}

TEST_P(CancelGroup, IsUsableAfterItsQuiescence) {
    run([] {
        Group group;
        for (int i = 0; i < 3; ++i) {
            auto const task = group.spawn(&sleep_long);
            until_waiting(task);
            EXPECT_EQ(group.cancel(), 1U);
            EXPECT_EQ(group.spawn([i] { return i; }).get(), i);
            EXPECT_NO_THROW(group.join());
        }
    });
}

TEST_P(CancelGroup, JoinersReturnWithoutAnError) {
    run([] {
        Group group;
        Group joiners;
        auto const task = group.spawn(&sleep_long);
        auto const joiner = joiners.spawn([&group] { group.join(); });
        until_waiting(task);
        until_waiting(joiner);
        group.request_cancel();
        EXPECT_NO_THROW(joiner.get());
        EXPECT_TRUE(group.errors().empty());
    });
}

TEST_P(CancelGroup, ByAMemberReachesTheOthersAndItGoesOn) {
    run([] {
        std::atomic<std::size_t> reached{0};
        std::atomic<bool> others_over{false};
        Group group;
        std::vector<Task<void>> others;
        for (int i = 0; i < 3; ++i) others.push_back(group.spawn(&sleep_long));
        auto const member = group.spawn([&] {
            reached = group.cancel();
            others_over = group.size() == 1;
            frond::sleep_for(1us); // it is not cancelled itself
            return 5;
        });
        EXPECT_EQ(member.get(), 5);
        EXPECT_EQ(reached, 3U);
        EXPECT_TRUE(others_over);
        for (auto const& each : others) EXPECT_EQ(each.state(), TaskState::cancelled);
    });
}

TEST_P(CancelGroup, ByTheOnlyMemberReturnsAtOnce) {
    run([] {
        Group group;
        EXPECT_EQ(group.spawn([&group] { return group.cancel(); }).get(), 0U);
    });
}

TEST_P(CancelGroup, RequestByAMemberReachesItselfToo) {
    run([] {
        Group group;
        auto const member = group.spawn([&group] {
            group.request_cancel();
            frond::yield();
        });
        member.wait();
        EXPECT_EQ(member.state(), TaskState::cancelled);
    });
}

TEST_P(CancelGroup, ByTwoMembersAtOnceEndsBoth) {
    for (std::size_t round = 0; round < scaled(50); ++round)
        run([] {
            Group group;
            std::atomic<int> arrived{0};
            auto const cancels = [&] {
                ++arrived;
                yield_until([&] { return arrived == 2; });
                group.cancel();
            };
            auto const a = group.spawn(cancels);
            auto const b = group.spawn(cancels);
            group.join();
            EXPECT_TRUE(a.state() == TaskState::cancelled || b.state() == TaskState::cancelled);
        });
}

TEST_P(CancelGroup, ByADescendantReachesItsAncestors) {
    run([] {
        Group group;
        std::atomic<bool> reached{false};
        auto const root = group.spawn([&] {
            Group children;
            children.spawn([&] {
                Group grandchildren;
                grandchildren.spawn([&] {
                    try {
                        group.cancel();
                    } catch (Cancelled const&) {
                        reached = true;
                        throw;
                    }
                });
                grandchildren.join();
            });
            children.join();
        });
        group.join();
        EXPECT_EQ(root.state(), TaskState::cancelled);
        EXPECT_TRUE(reached);
    });
}

} // namespace
