#include <frond/frond.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/lives.hpp"
#include "support/threads_test.hpp"

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using testing::ElementsAre;

namespace frond::test {
namespace {

class Places : public ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, Places, testing::Values(0, 1, 2, 4));

// A task of the bag that a descendant of another one had spawned handed down that one's place beside its own,
// and what its own descendants put took the wrong one.
TEST_P(Places, ATaskHandsDownItsOwnAndNotTheOneItComesFrom) {
    run([] {
        OrderedBag<int> bag;
        Event third_is_in;
        bag.spawn([&] {
            Group group;
            group.spawn([&] {
                bag.spawn([&] {
                    Group inner;
                    inner.spawn([&] { bag.put(3); });
                    inner.join();
                    third_is_in.set();
                    return 4;
                });
            });
            bag.put(1);
            third_is_in.wait();
            return 2;
        });
        std::vector<int> items;
        for (int&& item : bag) items.push_back(item);
        EXPECT_THAT(items, ElementsAre(1, 2, 3, 4));
    });
}

// References to a place that another thread had counted were dropped here: the task's end met a count of
// zero, and its node stayed.
TEST(Place, ThatComesBackFromAnotherThreadIsFreed) {
    Lives lives;
    {
        OrderedBag<std::shared_ptr<Mortal>> bag;
        Group here;
        std::unique_ptr<Group> there;
        Event there_is;
        Event over;
        std::thread thread{[&] {
            there = std::make_unique<Group>();
            there_is.set();
            over.wait();
            there.reset();
        }};
        there_is.wait();
        bag.spawn([&] {
            there->spawn([&] { here.spawn([&] { bag.put(std::make_shared<Mortal>(lives)); }); }).wait();
            here.join();
        });
        while (auto item = bag.next()) EXPECT_TRUE(*item);
        over.set();
        thread.join();
    }
    EXPECT_EQ(lives.alive(), 0);
}

} // namespace
} // namespace frond::test
