#include <frond/frond.hpp>

#include <gtest/gtest.h>

#include "support/scale.hpp"
#include "support/threads_test.hpp"

#include <chrono>
#include <cstddef>
#include <optional>

using namespace std::chrono_literals;

namespace frond::test {
namespace {

// A pool forgets the queue of a priority that nobody waits in; what the bag had held back came back to none.
TEST(BagHeld, TasksOfAPriorityComeBackToTheirPool) {
    Pool pool{PoolOptions{.limit = 1, .order = Order::priority}};
    Bag<int> bag{pool, {.buffer = 1}};
    for (int i = 0; i < 5; ++i) bag.spawn(SpawnOptions{.priority = 5}, [i] { return i; });
    int sum = 0;
    for (int&& i : bag) sum += i;
    EXPECT_EQ(sum, 10);
}

class BagHeldOnThreads : public ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, BagHeldOnThreads, testing::Values(0, 1, 2, 4));

// With one lock a task that may have to borrow a slot cannot be let in. That was put off until the bag's next
// change, which did not come where the task that had just begun waited for the one held back.
TEST_P(BagHeldOnThreads, ATaskIsLetInWhenTheOneBeforeItBegins) {
    run([] {
        Pool pool{2};
        Event first_may_end;
        Event second_may_end;
        Event second_runs;
        auto const first = pool.spawn([&] { first_may_end.wait(); });
        auto const second = pool.spawn([&] { second_may_end.wait(); });
        Bag<int> bag{pool, {.buffer = 1}};
        bag.spawn([&] {
            second_runs.wait();
            return 1;
        });
        bag.spawn([&] {
            second_runs.set();
            return 2;
        });
        Group readers;
        int sum = 0;
        readers.spawn([&] {
            for (int&& i : bag) sum += i;
        });
        while (bag.size() < 2) yield();
        sleep_for(5ms); // for the reader to wait; if it does not yet the test proves nothing, but holds
        first_may_end.set();
        first.wait();
        sleep_for(5ms);
        second_may_end.set();
        EXPECT_TRUE(readers.join_for(10s));
        second_runs.set(); // so that a failure is no hang
        readers.join();
        EXPECT_EQ(sum, 3);
    });
}

// Cancelled between its way out of the run queue and the look at its buffer, a task was held for ever.
TEST_P(BagHeldOnThreads, ATaskThatIsCancelledAtItsTurnEnds) {
    run([] {
        for (std::size_t round = scaled(300); round > 0; --round) {
            Bag<int> bag{{.buffer = 1}};
            Group others;
            for (int i = 0; i < 20; ++i) others.spawn([&] { bag.spawn([] { return 1; }); });
            yield();
            bag.request_cancel();
            others.join();
        }
    });
}

} // namespace
} // namespace frond::test
