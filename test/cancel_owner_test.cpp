#include <frond/group.hpp>

#include "support/gate.hpp"
#include "support/lives.hpp"
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
#include <stdexcept>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::Group;
using frond::OnError;
using frond::Pool;
using frond::Shield;
using frond::Task;
using frond::test::Gate;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::until_waiting;

namespace {

class CancelOwner : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, CancelOwner, testing::Values(0, 1, 2, 4));

void sleep_long() { frond::sleep_for(1h); }

/// Tells whether the wait in it was cut short.
class Sleeper {
public:
    void operator()() {
        try {
            sleep_long();
        } catch (Cancelled const&) {
            cancelled_ = true;
            throw;
        }
    }
    bool was_cancelled() const { return cancelled_; }

private:
    std::atomic<bool> cancelled_{false};
};

TEST_P(CancelOwner, ReachesGroupsOfItsTasksThreeDeep) {
    run([] {
        Pool pool{2};
        Sleeper leaf;
        Task<void> innermost;
        Gate spawned;
        Group outer{pool};
        outer.spawn([&] {
            Group middle{pool};
            middle.spawn([&] {
                Group inner{pool};
                innermost = inner.spawn([&leaf] { leaf(); });
                spawned.open();
                inner.join();
            });
            middle.join();
        });
        spawned.pass();
        until_waiting(innermost);
        EXPECT_EQ(outer.cancel(), 1U);
        EXPECT_TRUE(leaf.was_cancelled());
        EXPECT_EQ(pool.free_count(), 2U);
    });
}

TEST_P(CancelOwner, ReachesTasksForWhichOnlyDestructorsWait) {
    run([] {
        Sleeper leaf;
        Task<void> innermost;
        Gate spawned;
        Group outer;
        auto const root = outer.spawn([&] {
            Group middle;
            middle.spawn([&] {
                Group inner;
                innermost = inner.spawn([&leaf] { leaf(); });
                spawned.open();
            });
        });
        spawned.pass();
        until_waiting(innermost);
        EXPECT_EQ(outer.cancel(), 1U);
        EXPECT_TRUE(leaf.was_cancelled());
    });
}

TEST_P(CancelOwner, OwnerThatWasCancelledBeforeItsDestructorPassesItOn) {
    run([] {
        Sleeper leaf;
        Group outer;
        outer
            .spawn([&] {
                Group inner;
                until_waiting(inner.spawn([&leaf] { leaf(); }));
                outer.request_cancel();
            })
            .wait();
        EXPECT_TRUE(leaf.was_cancelled());
    });
}

TEST_P(CancelOwner, AShieldedOwnerDoesNotPassItOn) {
    run([] {
        Gate gate;
        Group outer;
        std::atomic<bool> finished{false};
        auto const root = outer.spawn([&] {
            Shield const shield;
            Group inner;
            inner.spawn([&] {
                gate.pass();
                frond::sleep_for(1us);
                finished = true;
            });
        });
        until_waiting(root);
        outer.request_cancel();
        gate.open();
        root.wait();
        EXPECT_TRUE(finished);
    });
}

TEST_P(CancelOwner, ThatDiesOfAnExceptionCancelsWhatRunsAndDropsTheRest) {
    run([] {
        Lives lives;
        std::atomic<bool> ran{false};
        Sleeper sleeper;
        Pool pool{1};
        try {
            Group group{pool};
            auto const running = group.spawn([&sleeper] { sleeper(); });
            group.spawn([&ran, mortal = Mortal{lives}] { ran = true; });
            until_waiting(running);
            throw std::range_error{"out of here"};
        } catch (std::range_error const&) {
        }
        EXPECT_TRUE(sleeper.was_cancelled());
        EXPECT_FALSE(ran);
        EXPECT_EQ(lives.alive(), 0);
    });
}

TEST_P(CancelOwner, OnErrorCancelReachesRunningTasks) {
    run([] {
        std::atomic<bool> ran{false};
        Sleeper sleeper;
        Pool pool{{.limit = 2, .group = {.on_error = OnError::cancel}}};
        Gate gate;
        auto const running = pool.spawn([&sleeper] { sleeper(); });
        pool.spawn([&gate] {
            gate.pass();
            throw std::range_error{"first"};
        });
        pool.spawn([&ran] { ran = true; });
        until_waiting(running);
        gate.open();
        EXPECT_THROW(pool.join(), std::range_error);
        EXPECT_TRUE(sleeper.was_cancelled());
        EXPECT_FALSE(ran);
        EXPECT_EQ(pool.spawn([] { return 2; }).get(), 2); // and goes on
        EXPECT_NO_THROW(pool.join());
    });
}

} // namespace
