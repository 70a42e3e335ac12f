// How waits in a channel end before their time: close, cancellation, deadlines, stalls.

#include <frond/sync/channel.hpp>

#include "support/gate.hpp"
#include "support/stall_test.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::Channel;
using frond::Clock;
using frond::Closed;
using frond::Group;
using frond::Task;
using frond::TaskState;
using frond::unlimited;
using frond::test::yield_until;
using testing::Optional;

namespace {

/// A task that has gone to sleep in `f`.
template <class F>
auto waiting(Group& group, F f) {
    auto task = group.spawn(std::move(f));
    yield_until([&] { return task.state() == TaskState::waiting; });
    return task;
}

/// Longer than any test runs.
constexpr auto long_time = 1h;

// --- close ----------------------------------------------------------------------------------------------

class ClosedChannelOf : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Capacity, ClosedChannelOf, testing::Values(0, 1, 3, unlimited));

TEST_P(ClosedChannelOf, AcceptsNothing) {
    Channel<int> channel{GetParam()};
    EXPECT_FALSE(channel.is_closed());
    channel.close();
    EXPECT_TRUE(channel.is_closed());
    EXPECT_THROW(channel.push(1), Closed);
    EXPECT_THROW((void)channel.try_push(1), Closed);
    EXPECT_THROW((void)channel.push_for(1, long_time), Closed);
    EXPECT_THROW((void)channel.push_until(1, Clock::now() + long_time), Closed);
}

TEST_P(ClosedChannelOf, GivesNothingToAnybodyAtOnce) {
    Channel<int> channel{GetParam()};
    channel.close();
    EXPECT_FALSE(channel.pop());
    EXPECT_FALSE(channel.try_pop());
    EXPECT_FALSE(channel.pop_for(long_time));
    EXPECT_FALSE(channel.pop_until(Clock::now() + long_time));
}

TEST_P(ClosedChannelOf, CanBeClosedAgain) {
    Channel<int> channel{GetParam()};
    channel.close();
    channel.close();
    EXPECT_TRUE(channel.is_closed());
}

TEST_P(ClosedChannelOf, LetsWaitingPopsGo) {
    Channel<int> channel{GetParam()};
    Group group;
    std::vector<Task<std::optional<int>>> pops;
    for (int i = 0; i < 3; ++i) pops.push_back(waiting(group, [&] { return channel.pop(); }));
    pops.push_back(waiting(group, [&] { return channel.pop_for(long_time); }));
    channel.close();
    for (auto& pop : pops) EXPECT_FALSE(pop.get());
}

TEST(Channel, GivesWhatIsInItAfterItWasClosed) {
    Channel<int> channel{2};
    channel.push(1);
    channel.push(2);
    channel.close();
    EXPECT_THAT(channel.pop(), Optional(1));
    EXPECT_THAT(channel.try_pop(), Optional(2));
    EXPECT_FALSE(channel.pop());
}

TEST(Channel, ThrowsClosedAtWaitingPushesWhoseItemsItDoesNotTake) {
    for (int const capacity : {0, 1}) {
        Channel<std::unique_ptr<int>> channel{capacity};
        for (int i = 0; i < capacity; ++i) channel.push(std::make_unique<int>(0));
        auto item = std::make_unique<int>(1);
        Group group;
        auto push = waiting(group, [&] { channel.push(std::move(item)); });
        channel.close();
        EXPECT_THROW(push.get(), Closed);
        EXPECT_TRUE(item);
        for (int i = 0; i < capacity; ++i) EXPECT_EQ(*channel.pop().value(), 0);
        EXPECT_FALSE(channel.pop());
    }
}

// --- cancellation ---------------------------------------------------------------------------------------

TEST(Channel, LosesNoItemToACancelledPop) {
    Channel<int> channel{1};
    Group group;
    auto first = waiting(group, [&] { return channel.pop(); });
    auto second = waiting(group, [&] { return channel.pop(); });
    EXPECT_TRUE(first.cancel());
    channel.push(1);
    EXPECT_THROW(first.get(), Cancelled);
    EXPECT_THAT(second.get(), Optional(1));
}

TEST(Channel, SendsNothingForACancelledPush) {
    Channel<std::unique_ptr<int>> channel;
    auto item = std::make_unique<int>(1);
    Group group;
    auto first = waiting(group, [&] { channel.push(std::move(item)); });
    auto second = waiting(group, [&] { channel.push(std::make_unique<int>(2)); });
    EXPECT_TRUE(first.cancel());
    EXPECT_TRUE(item);
    EXPECT_EQ(*channel.pop().value(), 2);
    EXPECT_FALSE(channel.try_pop());
    second.get();
}

TEST(Channel, GivesAPopThatIsCancelledTooLateItsItem) {
    Channel<int> channel{1};
    Group group;
    std::optional<int> got;
    auto pop = waiting(group, [&] {
        got = channel.pop();
        channel.pop();
    });
    channel.push(1);
    pop.request_cancel();
    EXPECT_THROW(pop.get(), Cancelled); // by the second pop
    EXPECT_THAT(got, Optional(1));
}

TEST(Channel, HasSentTheItemOfAPushThatIsCancelledTooLate) {
    Channel<int> channel;
    Group group;
    bool sent = false;
    auto push = waiting(group, [&] {
        channel.push(1);
        sent = true;
    });
    EXPECT_THAT(channel.pop(), Optional(1));
    push.request_cancel();
    push.wait();
    EXPECT_TRUE(sent);
}

TEST(Channel, ServesACancelledTaskThatNeedNotWait) {
    Channel<int> channel{1};
    Group group;
    std::optional<int> got;
    auto task = waiting(group, [&] {
        try {
            frond::sleep_for(long_time);
        } catch (Cancelled const&) {
            channel.push(1);
            got = channel.pop();
            EXPECT_THROW(channel.pop(), Cancelled);
            EXPECT_THROW(channel.pop_for(long_time), Cancelled);
            channel.push(2);
            EXPECT_THROW(channel.push(3), Cancelled);
            throw;
        }
    });
    task.cancel();
    EXPECT_THAT(got, Optional(1));
    EXPECT_THAT(channel.try_pop(), Optional(2));
    EXPECT_FALSE(channel.try_pop());
}

TEST(Channel, ShieldsAWaitOfACancelledTask) {
    Channel<int> channel;
    Group group;
    std::optional<int> got;
    auto task = waiting(group, [&] {
        frond::Shield const shield;
        got = channel.pop();
    });
    task.request_cancel();
    channel.push(1);
    task.wait();
    EXPECT_THAT(got, Optional(1));
}

TEST(Channel, EndsALoopOfACancelledTask) {
    Channel<int> channel;
    Group group;
    auto task = waiting(group, [&] {
        for ([[maybe_unused]] int item : channel) {
        }
    });
    EXPECT_TRUE(task.cancel());
}

// --- deadlines ------------------------------------------------------------------------------------------

TEST(Channel, PopForGivesUpAndLeavesTheNextItem) {
    Channel<int> channel{1};
    EXPECT_FALSE(channel.pop_for(1ms));
    EXPECT_FALSE(channel.pop_until(Clock::now() - 1s));
    channel.push(1);
    EXPECT_EQ(channel.size(), 1u);
    EXPECT_THAT(channel.pop_for(1ms), Optional(1));
}

TEST(Channel, PushForGivesUpAndHasSentNothing) {
    Channel<int> channel{1};
    EXPECT_TRUE(channel.push_for(1, 1ms));
    EXPECT_FALSE(channel.push_for(2, 1ms));
    EXPECT_FALSE(channel.push_until(3, Clock::now() - 1s));
    EXPECT_THAT(channel.try_pop(), Optional(1));
    EXPECT_FALSE(channel.try_pop());
}

TEST(Channel, ACallThatNeedNotWaitTakesNoNoticeOfItsDeadline) {
    Channel<int> channel{1};
    EXPECT_TRUE(channel.push_until(1, Clock::time_point::min()));
    EXPECT_THAT(channel.pop_until(Clock::time_point::min()), Optional(1));
    EXPECT_TRUE(channel.push_for(2, -1s));
    EXPECT_THAT(channel.pop_for(-1s), Optional(2));
}

TEST(Channel, ThoseBehindALateOneMoveUp) {
    Channel<int> channel;
    Group group;
    auto late = waiting(group, [&] { return channel.pop_for(1ms); });
    auto patient = waiting(group, [&] { return channel.pop_for(long_time); });
    EXPECT_FALSE(late.get());
    EXPECT_TRUE(channel.try_push(1));
    EXPECT_THAT(patient.get(), Optional(1));

    auto late_push = waiting(group, [&] { return channel.push_for(2, 1ms); });
    auto patient_push = waiting(group, [&] { return channel.push_for(3, long_time); });
    EXPECT_FALSE(late_push.get());
    EXPECT_THAT(channel.pop(), Optional(3));
    EXPECT_TRUE(patient_push.get());
}

/// Its fibers cannot run meanwhile, but deadlines pass.
void hold_up_the_thread() { std::this_thread::sleep_for(5ms); }

TEST(Channel, AnItemHandedOverBeforeTheDeadlineWasNoticedIsDelivered) {
    Channel<int> channel;
    Group group;
    auto first = waiting(group, [&] { return channel.pop_for(1ms); });
    bool const handed_before = channel.try_push(1);
    hold_up_the_thread();
    EXPECT_EQ(first.get().has_value(), handed_before);

    auto second = waiting(group, [&] { return channel.pop_for(1ms); });
    hold_up_the_thread();
    bool const handed_after = channel.try_push(2);
    EXPECT_EQ(second.get().has_value(), handed_after);
}

TEST(Channel, AnItemTakenBeforeTheDeadlineWasNoticedIsSent) {
    Channel<int> channel;
    Group group;
    auto first = waiting(group, [&] { return channel.push_for(1, 1ms); });
    bool const taken_before = channel.try_pop().has_value();
    hold_up_the_thread();
    EXPECT_EQ(first.get(), taken_before);

    auto second = waiting(group, [&] { return channel.push_for(2, 1ms); });
    hold_up_the_thread();
    bool const taken_after = channel.try_pop().has_value();
    EXPECT_EQ(second.get(), taken_after);
}

TEST(Channel, EndsItsWaitsAtTheDeadlineOfAScope) {
    Channel<int> channel;
    EXPECT_THROW(frond::with_timeout(1ms, [&] { channel.pop(); }), frond::TimedOut);
    EXPECT_THROW(frond::with_timeout(1ms, [&] { channel.push(1); }), frond::TimedOut);
    EXPECT_FALSE(channel.try_pop());
}

// --- stalls ---------------------------------------------------------------------------------------------

using ChannelStall = frond::test::StallTest;

TEST_F(ChannelStall, AWaitThatNobodyCanEndThrowsDeadlock) {
    Channel<int> channel;
    EXPECT_THROW(channel.pop(), frond::Deadlock);
    EXPECT_THROW(channel.push(1), frond::Deadlock);
    Group group;
    group.spawn([&] { channel.push(2); });
    EXPECT_THAT(channel.pop(), Optional(2));
}

} // namespace
