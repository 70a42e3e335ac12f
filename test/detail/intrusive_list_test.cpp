#include <frond/detail/intrusive_list.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace frond::detail {
namespace {

struct Item {
    int value = 0;
    Item* next = nullptr;
    Item* prev = nullptr;
};

using List = IntrusiveList<Item, &Item::next, &Item::prev>;

/// Forwards, and checked backwards.
std::vector<int> values(List const& list) {
    std::vector<int> forwards;
    for (Item const* i = list.head; i != nullptr; i = i->next) forwards.push_back(i->value);
    std::vector<int> backwards;
    for (Item const* i = list.tail; i != nullptr; i = i->prev) backwards.push_back(i->value);
    std::reverse(backwards.begin(), backwards.end());
    EXPECT_EQ(forwards, backwards);
    return forwards;
}

struct IntrusiveListTest : testing::Test {
    IntrusiveListTest() {
        for (std::size_t i = 0; i < items.size(); ++i) items[i].value = static_cast<int>(i);
    }
    List list_of(std::size_t first, std::size_t last) {
        List list;
        for (auto i = first; i <= last; ++i) list.push_back(items[i]);
        return list;
    }
    std::vector<Item> items = std::vector<Item>(10);
};

TEST_F(IntrusiveListTest, StartsEmpty) {
    List list;
    EXPECT_TRUE(list.empty());
    EXPECT_EQ(list.pop_front(), nullptr);
    EXPECT_EQ(list.pop_back(), nullptr);
}

TEST_F(IntrusiveListTest, PushesAtBothEnds) {
    List list;
    list.push_back(items[1]);
    list.push_front(items[0]);
    list.push_back(items[2]);
    EXPECT_EQ(values(list), (std::vector{0, 1, 2}));
}

TEST_F(IntrusiveListTest, PopsAtBothEnds) {
    auto list = list_of(0, 3);
    EXPECT_EQ(list.pop_front(), &items[0]);
    EXPECT_EQ(list.pop_back(), &items[3]);
    EXPECT_EQ(values(list), (std::vector{1, 2}));
}

TEST_F(IntrusiveListTest, ErasesAnywhere) {
    auto list = list_of(0, 4);
    list.erase(items[2]);
    list.erase(items[0]);
    list.erase(items[4]);
    EXPECT_EQ(values(list), (std::vector{1, 3}));
    list.erase(items[1]);
    list.erase(items[3]);
    EXPECT_TRUE(list.empty());
    EXPECT_EQ(list.tail, nullptr);
}

TEST_F(IntrusiveListTest, SplicesInFrontInOrder) {
    auto list = list_of(3, 4);
    auto batch = list_of(0, 2);
    list.splice_front(batch);
    EXPECT_EQ(values(list), (std::vector{0, 1, 2, 3, 4}));
    EXPECT_TRUE(batch.empty());
}

TEST_F(IntrusiveListTest, SplicesWithEmptyLists) {
    List list;
    List none;
    list.splice_front(none);
    EXPECT_TRUE(list.empty());
    auto batch = list_of(0, 1);
    list.splice_front(batch);
    list.splice_front(none);
    EXPECT_EQ(values(list), (std::vector{0, 1}));
}

TEST_F(IntrusiveListTest, TakesEverything) {
    auto list = list_of(0, 2);
    auto const all = list.take();
    EXPECT_TRUE(list.empty());
    EXPECT_EQ(values(all), (std::vector{0, 1, 2}));
}

TEST_F(IntrusiveListTest, BehavesLikeADeque) {
    std::mt19937 random{7};
    List list;
    std::deque<int> model;
    for (int round = 0; round < 10'000; ++round) {
        auto& item = items[random() % items.size()];
        auto const known = std::find(model.begin(), model.end(), item.value);
        if (known != model.end()) {
            list.erase(item);
            model.erase(known);
        } else if (random() % 2 == 0) {
            list.push_front(item);
            model.push_front(item.value);
        } else {
            list.push_back(item);
            model.push_back(item.value);
        }
        ASSERT_EQ(values(list), std::vector<int>(model.begin(), model.end()));
    }
}

} // namespace
} // namespace frond::detail
