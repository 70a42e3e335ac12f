#include <frond/sync/channel.hpp>

#include "support/gate.hpp"
#include "support/lives.hpp"

#include <frond/group.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using frond::Channel;
using frond::Group;
using frond::Task;
using frond::TaskState;
using frond::unlimited;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::yield_until;
using testing::ElementsAre;
using testing::Optional;

namespace {

/// A task that has gone to sleep in `f`.
template <class F>
auto waiting(Group& group, F f) {
    auto task = group.spawn(std::move(f));
    yield_until([&] { return task.state() == TaskState::waiting; });
    return task;
}

std::vector<int> up_to(int n) {
    std::vector<int> numbers(static_cast<std::size_t>(n));
    std::iota(numbers.begin(), numbers.end(), 0);
    return numbers;
}

TEST(Channel, HasNoNegativeCapacity) {
    EXPECT_THROW(Channel<int>{-1}, std::invalid_argument);
    EXPECT_THROW(Channel<int>{std::numeric_limits<std::size_t>::max()}, std::invalid_argument);
}

TEST(Channel, KnowsItsCapacity) {
    EXPECT_EQ(Channel<int>{}.capacity(), 0u);
    EXPECT_EQ(Channel<int>{0}.capacity(), 0u);
    EXPECT_EQ(Channel<int>{7}.capacity(), 7u);
    EXPECT_EQ(Channel<int>{unlimited}.capacity(), unlimited);
}

class ChannelOf : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Capacity, ChannelOf, testing::Values(0, 1, 3, 1'000, unlimited));

TEST_P(ChannelOf, GivesItemsInTheOrderInWhichTheyWerePushed) {
    Channel<int> channel{GetParam()};
    Group group;
    group.spawn([&] {
        for (int i : up_to(5'000)) channel.push(i);
        channel.close();
    });
    std::vector<int> got;
    while (auto item = channel.pop()) got.push_back(*item);
    EXPECT_EQ(got, up_to(5'000));
}

TEST_P(ChannelOf, GivesEachItemToOneOfSeveralConsumers) {
    Channel<int> channel{GetParam()};
    std::vector<int> times(1'000);
    Group consumers;
    for (int i = 0; i < 3; ++i)
        consumers.spawn([&] {
            while (auto item = channel.pop()) ++times[static_cast<std::size_t>(*item)];
        });
    Group producers;
    for (int first = 0; first < 4; ++first)
        producers.spawn([&channel, first] {
            for (int i = first; i < 1'000; i += 4) channel.push(i);
        });
    producers.join();
    channel.close();
    consumers.join();
    EXPECT_THAT(times, testing::Each(1));
}

TEST_P(ChannelOf, ServesWaitingPopsInTheirOrder) {
    Channel<int> channel{GetParam()};
    Group group;
    std::vector<Task<std::optional<int>>> pops;
    for (int i = 0; i < 5; ++i) pops.push_back(waiting(group, [&] { return channel.pop(); }));
    for (int i : up_to(5)) channel.push(i);
    for (int i : up_to(5)) EXPECT_THAT(pops[static_cast<std::size_t>(i)].get(), Optional(i));
}

TEST(Channel, TakesUpToItsCapacityWithoutWaiting) {
    Channel<int> channel{3};
    for (int i : up_to(3)) EXPECT_TRUE(channel.try_push(i));
    EXPECT_EQ(channel.size(), 3u);
    EXPECT_FALSE(channel.try_push(3));
    EXPECT_EQ(channel.size(), 3u);
}

TEST(Channel, TakesEverythingIfUnlimited) {
    Channel<int> channel{unlimited};
    for (int i : up_to(10'000)) EXPECT_TRUE(channel.try_push(i));
    EXPECT_EQ(channel.size(), 10'000u);
    for (int i : up_to(10'000)) EXPECT_THAT(channel.try_pop(), Optional(i));
}

TEST(Channel, PushIntoARendezvousWaitsForAPop) {
    Channel<int> channel;
    Group group;
    auto push = waiting(group, [&] { channel.push(1); });
    EXPECT_EQ(channel.size(), 0u);
    EXPECT_THAT(channel.pop(), Optional(1));
    push.get();
}

TEST(Channel, TryPushIntoARendezvousNeedsAWaitingPop) {
    Channel<int> channel;
    EXPECT_FALSE(channel.try_push(1));
    Group group;
    auto pop = waiting(group, [&] { return channel.pop(); });
    EXPECT_TRUE(channel.try_push(2));
    EXPECT_FALSE(channel.try_push(3));
    EXPECT_THAT(pop.get(), Optional(2));
}

TEST(Channel, TryPopOfARendezvousNeedsAWaitingPush) {
    Channel<int> channel;
    EXPECT_FALSE(channel.try_pop());
    Group group;
    auto push = waiting(group, [&] { channel.push(1); });
    EXPECT_THAT(channel.try_pop(), Optional(1));
    EXPECT_FALSE(channel.try_pop());
    push.get();
}

TEST(Channel, TryPopGivesNothingWhereThereIsNothing) {
    Channel<int> channel{2};
    EXPECT_FALSE(channel.try_pop());
    channel.push(1);
    EXPECT_THAT(channel.try_pop(), Optional(1));
    EXPECT_FALSE(channel.try_pop());
}

class FullChannelOf : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Capacity, FullChannelOf, testing::Values(0, 1, 3));

TEST_P(FullChannelOf, LetsWaitingPushesInInTheirOrder) {
    Channel<int> channel{GetParam()};
    int const capacity = static_cast<int>(GetParam());
    for (int i : up_to(capacity)) channel.push(i);
    Group group;
    for (int i = capacity; i < capacity + 5; ++i) waiting(group, [&channel, i] { channel.push(i); });
    for (int i : up_to(capacity + 5)) EXPECT_THAT(channel.pop(), Optional(i));
}

TEST(Channel, HandsAnItemStraightToTheWaitingPop) {
    Channel<int> channel{1};
    Group group;
    auto pop = waiting(group, [&] { return channel.pop(); });
    channel.push(1);
    EXPECT_EQ(channel.size(), 0u);
    EXPECT_FALSE(channel.try_pop()); // it is not for whoever is faster
    EXPECT_THAT(pop.get(), Optional(1));
}

TEST(Channel, HandsTheRoomOfAPopStraightToTheWaitingPush) {
    Channel<int> channel{1};
    channel.push(1);
    Group group;
    auto push = waiting(group, [&] { channel.push(2); });
    EXPECT_THAT(channel.pop(), Optional(1));
    EXPECT_EQ(channel.size(), 1u);
    EXPECT_FALSE(channel.try_push(3));
    EXPECT_THAT(channel.try_pop(), Optional(2));
    push.get();
}

TEST(Channel, CarriesItemsThatCanOnlyBeMoved) {
    Channel<std::unique_ptr<int>> channel{1};
    Group group;
    group.spawn([&] {
        for (int i : up_to(10)) channel.push(std::make_unique<int>(i));
        channel.close();
    });
    std::vector<int> got;
    for (auto item : channel) got.push_back(*item);
    EXPECT_EQ(got, up_to(10));
}

TEST(Channel, CopiesWhatIsPushedAsAnLvalue) {
    Channel<std::string> channel{1};
    std::string const text = "a text that is too long to be stored in place";
    channel.push(text);
    EXPECT_THAT(channel.pop(), Optional(text));
}

TEST(Channel, LeavesAnRvalueThatItDoesNotTake) {
    Channel<std::unique_ptr<int>> channel;
    auto item = std::make_unique<int>(1);
    EXPECT_FALSE(channel.try_push(std::move(item)));
    ASSERT_TRUE(item);
    EXPECT_FALSE(channel.push_for(std::move(item), 1us));
    ASSERT_TRUE(item);
    channel.close();
    EXPECT_THROW(channel.push(std::move(item)), frond::Closed);
    EXPECT_TRUE(item);
}

TEST(Channel, DestroysWhatIsLeftInIt) {
    Lives lives;
    {
        Channel<Mortal> channel{unlimited};
        for (int i = 0; i < 1'000; ++i) channel.push(Mortal{lives});
        channel.pop();
    }
    EXPECT_EQ(lives.alive(), 0);
}

// --- items whose move may throw -------------------------------------------------------------------------

struct Fragile {
    explicit Fragile(int v) : value{v} {}
    Fragile(Fragile&& other) : value{other.value} { // NOLINT(performance-noexcept-move-constructor)
        if (moves_left-- == 0) throw std::runtime_error("broken");
        other.value = 0;
    }
    Fragile& operator=(Fragile&& other) noexcept {
        value = std::exchange(other.value, 0);
        return *this;
    }
    ~Fragile() = default;

    int value;
    static inline int moves_left = -1; ///< negative: as many as one likes
};

TEST(Channel, CarriesItemsWhoseMoveMayThrow) {
    for (int const capacity : {0, 1, 10}) {
        Channel<Fragile> channel{capacity};
        Group group;
        group.spawn([&] {
            for (int i : up_to(20)) channel.push(Fragile{i});
            channel.close();
        });
        std::vector<int> got;
        for (Fragile&& item : channel) got.push_back(item.value);
        EXPECT_EQ(got, up_to(20));
    }
}

TEST(Channel, SendsNothingIfMovingTheItemInThrows) {
    Channel<Fragile> channel{1};
    Fragile item{1};
    Fragile::moves_left = 0;
    EXPECT_THROW(channel.push(std::move(item)), std::runtime_error);
    Fragile::moves_left = -1;
    EXPECT_EQ(item.value, 1);
    EXPECT_EQ(channel.size(), 0u);
}

TEST(Channel, LosesNoOtherItemIfMovingOneOutThrows) {
    Channel<Fragile> channel{2};
    channel.push(Fragile{1});
    channel.push(Fragile{2});
    Fragile::moves_left = 0;
    EXPECT_THROW(channel.pop(), std::runtime_error);
    Fragile::moves_left = -1;
    EXPECT_EQ(channel.pop().value().value, 2);
}

TEST(Channel, GivesBackAFragileItemThatItDoesNotTake) {
    Channel<Fragile> channel;
    Fragile item{1};
    EXPECT_FALSE(channel.try_push(std::move(item)));
    EXPECT_EQ(item.value, 1);
    channel.close();
    EXPECT_THROW(channel.push(std::move(item)), frond::Closed);
    EXPECT_EQ(item.value, 1);
}

// --- as a range -----------------------------------------------------------------------------------------

static_assert(std::ranges::input_range<Channel<int>&>);
static_assert(std::ranges::input_range<Channel<std::unique_ptr<int>>&>);

TEST(Channel, IsARangeThatEndsWhenItIsClosedAndDrained) {
    Channel<int> channel{3};
    for (int i : up_to(3)) channel.push(i);
    channel.close();
    std::vector<int> got;
    for (int item : channel) got.push_back(item);
    EXPECT_EQ(got, up_to(3));
    for ([[maybe_unused]] int item : channel) ADD_FAILURE();
}

TEST(Channel, KeepsTheRestWhenALoopIsLeft) {
    Channel<int> channel{5};
    for (int i : up_to(5)) channel.push(i);
    for (int item : channel)
        if (item == 1) break;
    EXPECT_THAT(channel.pop(), Optional(2));
}

TEST(Channel, CanBeReadByAlgorithmsOverRanges) {
    Channel<std::string> channel{3};
    for (char const* word : {"one", "two", "three"}) channel.push(word);
    channel.close();
    std::vector<std::string> got;
    std::ranges::move(channel, std::back_inserter(got));
    EXPECT_THAT(got, ElementsAre("one", "two", "three"));
}

} // namespace
