#include <frond/frond.hpp>

#include <gtest/gtest.h>

#include "support/threads_test.hpp"

#include <atomic>
#include <chrono>
#include <optional>
#include <vector>

using namespace std::chrono_literals;

namespace frond::test {
namespace {

class Readers : public ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, Readers, testing::Values(0, 1, 2, 4));

// The slot of a task that ended went to a reader who had lent one, the result to another, who had come
// first. The lender waited on, with the only slot.
TEST_P(Readers, TheSlotGoesToTheOneWhoGetsTheResult) {
    run([] {
        Pool pool{1};
        Bag<int> bag{pool};
        int by_member = 0;
        pool.spawn([&] {
            while (bag.next_for(10s)) ++by_member;
        });
        for (int i = 0; i < 4; ++i) bag.spawn([] { return 1; });
        int by_others = 0;
        while (bag.next_for(10s)) ++by_others;
        EXPECT_EQ(bag.size(), 0U);
        pool.join();
        EXPECT_EQ(by_member + by_others, 4);
    });
}

TEST_P(Readers, TheSlotGoesToTheOneWhoGetsTheCompletedTask) {
    run([] {
        Pool pool{1};
        std::vector<Task<int>> tasks;
        int by_member = 0;
        Event made;
        std::optional<Stream<Task<int>>> completed;
        auto const member = pool.spawn([&] {
            made.wait();
            while (completed->next_for(10s)) ++by_member;
        });
        for (int i = 0; i < 4; ++i) tasks.push_back(pool.spawn([] { return 1; }));
        completed.emplace(as_completed(tasks));
        made.set();
        int by_others = 0;
        while (completed->next_for(10s)) ++by_others;
        EXPECT_TRUE(tasks.back().ready());
        pool.join();
        EXPECT_EQ(by_member + by_others, 4);
    });
}

// One reader's list was given away by another, who then got an empty one.
TEST_P(Readers, OfBatchesGetOneEach) {
    run([] {
        Group group;
        auto lists = batches(group.imap_unordered(std::vector<int>(20, 1),
                                                  [](int n) {
                                                      sleep_for(200us);
                                                      return n;
                                                  },
                                                  {.limit = 1}),
                             1ms);
        std::atomic<int> sum{0};
        std::atomic<int> empty{0};
        for (int reader = 0; reader < 4; ++reader)
            group.spawn([&] {
                while (auto list = lists.next()) {
                    if (list->empty()) ++empty;
                    for (int const n : *list) sum += n;
                }
            });
        group.join();
        EXPECT_EQ(empty, 0);
        EXPECT_EQ(sum, 20);
    });
}

} // namespace
} // namespace frond::test
