#include <frond/sync/barrier.hpp>

#include "support/scale.hpp"
#include "support/stall_test.hpp"
#include "support/sync_test.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using frond::Barrier;
using frond::Clock;
using frond::Deadlock;
using frond::Group;
using frond::Shield;
using frond::Task;
using frond::TaskState;
using frond::TimedOut;
using frond::test::scaled;
using frond::test::until_waiting;

namespace {

class BarrierEverywhere : public frond::test::SyncTest {
protected:
    Barrier barrier{3};

    /// A participant; returns once it waits.
    Task<void> participant(Group& group) {
        auto const task = group.spawn([this] { barrier.arrive_and_wait(); });
        until_waiting(task);
        return task;
    }
};

INSTANTIATE_TEST_SUITE_P(, BarrierEverywhere, frond::test::everywhere(), frond::test::place_name);

TEST_P(BarrierEverywhere, OpensWhenTheLastArrives) {
    run([&] {
        Group group;
        auto const first = participant(group);
        auto const second = participant(group);
        EXPECT_FALSE(first.ready());
        EXPECT_FALSE(second.ready());
        barrier.arrive_and_wait();
        first.get();
        second.get();
    });
}

TEST_P(BarrierEverywhere, NobodyIsARoundAhead) {
    std::atomic<std::size_t> arrived{0};
    auto const rounds = scaled(200);
    run([&] {
        Group group;
        for (int i = 0; i < 3; ++i)
            group.spawn([&] {
                for (std::size_t round = 1; round <= rounds; ++round) {
                    ++arrived;
                    barrier.arrive_and_wait();
                    EXPECT_GE(arrived, 3 * round);
                    EXPECT_LT(arrived, 3 * (round + 1));
                    barrier.arrive_and_wait();
                }
            });
        group.join();
    });
    EXPECT_EQ(arrived, 3 * rounds);
}

TEST_P(BarrierEverywhere, CancelledParticipantTakesItsArrivalBack) {
    run([&] {
        Group group;
        auto const first = participant(group);
        auto const cancelled = participant(group);
        EXPECT_TRUE(cancelled.cancel());
        auto const second = participant(group);
        EXPECT_FALSE(first.ready()) << "two have arrived";
        barrier.arrive_and_wait();
        first.get();
        second.get();
    });
}

TEST_P(BarrierEverywhere, LateParticipantTakesItsArrivalBack) {
    run([&] {
        Group group;
        auto const first = participant(group);
        EXPECT_FALSE(barrier.arrive_and_wait_for(1ms));
        auto const second = group.spawn([&] { return barrier.arrive_and_wait_until(Clock::now() + 1h); });
        until_waiting(second);
        EXPECT_FALSE(first.ready()) << "two have arrived";
        EXPECT_TRUE(barrier.arrive_and_wait_for(1h));
        first.get();
        EXPECT_TRUE(second.get());
    });
}

TEST_P(BarrierEverywhere, WhoIsThroughIsThroughAlthoughCancelledNext) {
    run([&] {
        Group group;
        participant(group);
        auto const through = participant(group);
        barrier.arrive_and_wait();
        through.request_cancel();
        through.wait();
        EXPECT_EQ(through.state(), TaskState::done);
    });
}

TEST_P(BarrierEverywhere, CancelledTaskWaitsInAShield) {
    run([&] {
        Group group;
        auto const shielded = group.spawn([&] {
            Shield const shield;
            barrier.arrive_and_wait();
        });
        until_waiting(shielded);
        shielded.request_cancel();
        participant(group);
        barrier.arrive_and_wait();
        shielded.wait();
        EXPECT_EQ(shielded.state(), TaskState::done);
    });
}

TEST_P(BarrierEverywhere, DestructorArrivesWhileCancellationUnwinds) {
    struct Participant {
        Barrier& barrier;
        ~Participant() { barrier.arrive_and_wait(); }
    };
    run([&] {
        Group group;
        auto const unwinding = group.spawn([&] {
            Participant const participant{barrier};
            frond::sleep_for(1h);
        });
        until_waiting(unwinding);
        unwinding.request_cancel();
        participant(group);
        barrier.arrive_and_wait();
        unwinding.wait();
    });
}

TEST_P(BarrierEverywhere, DeadlineScopeEndsTheWait) {
    run([&] { EXPECT_THROW(frond::with_timeout(1ms, [&] { barrier.arrive_and_wait(); }), TimedOut); });
}

TEST(Barrier, WhoWasCancelledBeforeTheLastArrivesDoesNotCount) {
    Barrier barrier{2};
    Group group;
    auto const cancelled = group.spawn([&] { barrier.arrive_and_wait(); });
    until_waiting(cancelled);
    cancelled.request_cancel(); // it has not run yet when the next arrives
    EXPECT_FALSE(barrier.arrive_and_wait_for(1ms));
    EXPECT_EQ(cancelled.state(), TaskState::cancelled);
    auto const other = group.spawn([&] { barrier.arrive_and_wait(); });
    barrier.arrive_and_wait();
    other.get();
}

TEST(Barrier, OfOneIsAlwaysOpen) {
    Barrier barrier{1};
    Group group;
    group.run([&] {
        group.request_cancel();
        barrier.arrive_and_wait();
        EXPECT_TRUE(barrier.arrive_and_wait_for(0s));
    });
}

TEST(Barrier, MeetingOfThreadsWithoutFibers) {
    Barrier barrier{3};
    std::atomic<int> arrived{0};
    auto const meet = [&] {
        for (int round = 1; round <= 100; ++round) {
            ++arrived;
            barrier.arrive_and_wait();
            EXPECT_GE(arrived, 3 * round);
            barrier.arrive_and_wait();
        }
    };
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t) threads.emplace_back(meet);
    meet();
    for (auto& t : threads) t.join();
}

TEST(Barrier, MustHaveAParticipant) {
    EXPECT_THROW(Barrier{0}, std::invalid_argument);
    EXPECT_THROW(Barrier{-1}, std::invalid_argument);
    EXPECT_THROW(Barrier{std::numeric_limits<std::size_t>::max()}, std::invalid_argument);
}

using BarrierStall = frond::test::StallTest;

TEST_F(BarrierStall, WaitForParticipantsThatNeverCome) {
    Barrier barrier{2};
    EXPECT_THROW(barrier.arrive_and_wait(), Deadlock);
    EXPECT_THROW(barrier.arrive_and_wait(), Deadlock) << "the first arrival was taken back";
}

} // namespace
