#include <frond/detail/item_queue.hpp>

#include "support/lives.hpp"
#include "support/scale.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>

using frond::unlimited;
using frond::detail::ItemQueue;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::scaled;

namespace {

template <class T>
void push(ItemQueue<T>& queue, T item) {
    if (queue.needs_block()) queue.give(queue.new_block());
    queue.push(std::move(item));
}

template <class T>
T pop(ItemQueue<T>& queue) {
    std::optional<T> item;
    queue.pop(item);
    return *std::move(item);
}

class ItemQueueOf : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Capacity, ItemQueueOf, testing::Values(1, 2, 7, 300, unlimited));

TEST_P(ItemQueueOf, GivesWhatADequeWouldGive) {
    ItemQueue<int> queue{GetParam()};
    std::deque<int> model;
    std::mt19937 dice{2};
    int next = 0;
    for (std::size_t phase = 0; phase < scaled(400); ++phase) {
        // Phases that mostly fill and phases that mostly drain, so that the blocks come and go.
        unsigned const percent_pushed = phase % 2 == 0 ? 70 : 30;
        for (int step = 0; step < 1'000; ++step) {
            bool const pushes = dice() % 100 < percent_pushed;
            if (pushes && !queue.full()) {
                push(queue, next);
                model.push_back(next++);
            } else if (!pushes && !queue.empty()) {
                ASSERT_EQ(pop(queue), model.front());
                model.pop_front();
            }
            ASSERT_EQ(queue.size(), model.size());
            ASSERT_EQ(queue.full(), model.size() >= GetParam());
        }
    }
}

TEST_P(ItemQueueOf, DestroysWhatIsLeftInIt) {
    Lives lives;
    {
        ItemQueue<std::unique_ptr<Mortal>> queue{GetParam()};
        for (int i = 0; i < 1'000 && !queue.full(); ++i) push(queue, std::make_unique<Mortal>(lives));
        pop(queue);
    }
    EXPECT_GT(lives.born, 0);
    EXPECT_EQ(lives.alive(), 0);
}

TEST(ItemQueue, WithoutCapacityIsFullAndEmptyAtOnce) {
    ItemQueue<int> const queue{0};
    EXPECT_TRUE(queue.full());
    EXPECT_TRUE(queue.empty());
}

TEST(ItemQueue, GivesMemoryBackWhenItDrains) {
    ItemQueue<std::uint64_t> queue{unlimited};
    std::size_t given = 1;
    for (std::uint64_t i = 0; i < 100'000; ++i) {
        if (queue.needs_block()) {
            queue.give(queue.new_block());
            ++given;
        }
        queue.push(i + 0);
    }
    std::size_t taken = 0;
    std::optional<std::uint64_t> item;
    while (!queue.empty())
        if (queue.pop(item)) ++taken;
    EXPECT_GE(taken + 2, given);
}

TEST(ItemQueue, KeepsASteadyStreamWithoutNewBlocks) {
    ItemQueue<int> queue{unlimited};
    for (int i = 0; i < 500; ++i) push(queue, i);
    auto const cycle = [&] {
        std::size_t given = 0;
        for (int i = 0; i < 10'000; ++i) {
            pop(queue);
            if (queue.needs_block()) ++given;
            push(queue, i);
        }
        return given;
    };
    cycle();
    EXPECT_LE(cycle(), 1u);
}

TEST(ItemQueue, PlacesOveralignedItemsAsTheyAsk) {
    struct alignas(128) Wide {
        char c = 0;
    };
    ItemQueue<Wide> queue{3};
    std::optional<Wide> item;
    for (int i = 0; i < 3; ++i) queue.push(Wide{}); // under UBSan a wrong place is an error
    while (!queue.empty()) queue.pop(item);
    SUCCEED();
}

} // namespace
