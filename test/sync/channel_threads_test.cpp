// One channel and several threads: plain ones, and those of a runtime.

#include <frond/sync/channel.hpp>

#include "support/scale.hpp"

#include <frond/group.hpp>
#include <frond/runtime.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using frond::Channel;
using frond::Group;
using frond::Runtime;
using frond::unlimited;
using frond::test::scaled;
using testing::Optional;

namespace {

struct Item {
    std::size_t producer = 0;
    std::size_t number = 0;
};

/// What consumers got: each item once, and those of one producer in their order.
class Receipts {
public:
    Receipts(std::size_t producers, std::size_t each) : each_{each}, times_(producers * each) {}

    /// Loops until the channel is closed and drained.
    void consume(Channel<Item>& channel) {
        std::vector<std::size_t> next(times_.size() / each_);
        for (Item item : channel) {
            ++times_[item.producer * each_ + item.number];
            EXPECT_GE(item.number, next[item.producer]);
            next[item.producer] = item.number + 1;
        }
    }
    void check() const {
        for (auto const& n : times_) ASSERT_EQ(n, 1);
    }

private:
    std::size_t each_;
    std::vector<std::atomic<int>> times_;
};

class ChannelBetweenThreads : public testing::TestWithParam<std::size_t> {
protected:
    static constexpr std::size_t producers = 3;
    static constexpr std::size_t consumers = 3;
    std::size_t const each = scaled(2'000);
};
INSTANTIATE_TEST_SUITE_P(Capacity, ChannelBetweenThreads, testing::Values(0, 1, 10, unlimited));

TEST_P(ChannelBetweenThreads, CarriesEachItemOnceFromPlainThreadsToPlainThreads) {
    Channel<Item> channel{GetParam()};
    Receipts receipts{producers, each};
    std::vector<std::thread> takers;
    for (std::size_t i = 0; i < consumers; ++i) takers.emplace_back([&] { receipts.consume(channel); });
    std::vector<std::thread> makers;
    for (std::size_t p = 0; p < producers; ++p)
        makers.emplace_back([&, p] {
            for (std::size_t n = 0; n < each; ++n) channel.push({p, n});
        });
    for (auto& t : makers) t.join();
    channel.close();
    for (auto& t : takers) t.join();
    receipts.check();
}

class ChannelInRuntime : public testing::TestWithParam<std::tuple<std::size_t, std::size_t>> {};
INSTANTIATE_TEST_SUITE_P(ThreadsAndCapacity, ChannelInRuntime,
                         testing::Combine(testing::Values(1, 2, 4), testing::Values(0, 1, 10, unlimited)));

TEST_P(ChannelInRuntime, CarriesEachItemOnceBetweenItsTasks) {
    auto const [threads, capacity] = GetParam();
    auto const each = scaled(1'000);
    Runtime runtime{{.threads = threads}};
    Channel<Item> channel{capacity};
    Receipts receipts{5, each};
    runtime.run([&] {
        Group takers;
        for (int i = 0; i < 4; ++i) takers.spawn([&] { receipts.consume(channel); });
        Group makers;
        for (std::size_t p = 0; p < 5; ++p)
            makers.spawn([&, p] {
                for (std::size_t n = 0; n < each; ++n) channel.push({p, n});
            });
        makers.join();
        channel.close();
        takers.join();
    });
    receipts.check();
}

TEST_P(ChannelInRuntime, CarriesEachItemOnceFromPlainThreads) {
    auto const [threads, capacity] = GetParam();
    auto const each = scaled(1'000);
    Runtime runtime{{.threads = threads}};
    Channel<Item> channel{capacity};
    Receipts receipts{2, each};
    std::vector<std::thread> makers;
    for (std::size_t p = 0; p < 2; ++p)
        makers.emplace_back([&, p] {
            for (std::size_t n = 0; n < each; ++n) channel.push({p, n});
        });
    std::thread closer{[&] {
        for (auto& t : makers) t.join();
        channel.close();
    }};
    runtime.run([&] {
        Group takers;
        for (int i = 0; i < 4; ++i) takers.spawn([&] { receipts.consume(channel); });
    });
    closer.join();
    receipts.check();
}

TEST(ChannelThreads, CloseLetsWaitersOfAllThreadsGo) {
    Channel<int> channel;
    Runtime runtime{{.threads = 2}};
    std::thread plain{[&] { EXPECT_FALSE(channel.pop()); }};
    std::thread closer{[&] {
        std::this_thread::sleep_for(2ms); // whether the others wait by then makes no difference
        channel.close();
    }};
    runtime.run([&] {
        Group group;
        for (int i = 0; i < 10; ++i) group.spawn([&] { EXPECT_FALSE(channel.pop()); });
    });
    plain.join();
    closer.join();
}

TEST(ChannelThreads, APlainThreadWaitsNoLongerThanItSays) {
    Channel<int> channel;
    std::thread plain{[&] {
        EXPECT_FALSE(channel.pop_for(1ms));
        EXPECT_FALSE(channel.push_for(1, 1ms));
    }};
    plain.join();
    EXPECT_FALSE(channel.try_pop());
}

TEST(ChannelThreads, MayDieAsSoonAsItsLastItemHasArrived) {
    for (std::size_t round = 0; round < scaled(500); ++round) {
        auto channel = std::make_unique<Channel<std::string>>(round % 2);
        std::thread producer{[&c = *channel] { c.push("the last item"); }};
        EXPECT_THAT(channel->pop(), Optional(std::string{"the last item"}));
        channel.reset();
        producer.join();
    }
}

TEST(ChannelThreads, MayDieAsSoonAsItIsKnownToBeClosed) {
    for (std::size_t round = 0; round < scaled(500); ++round) {
        auto channel = std::make_unique<Channel<int>>();
        std::thread producer{[&c = *channel] { c.close(); }};
        EXPECT_FALSE(channel->pop());
        channel.reset();
        producer.join();
    }
}

} // namespace
