// What another thread has sent before comes before what the home does next.

#include "support/gate.hpp"

#include <frond/frond.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>

namespace frond::test {
namespace {

using namespace std::chrono_literals;

void on_a_thread_before(std::function<void()> const& f) { std::thread{f}.join(); }

TEST(SentBefore, ATaskRunsThoughItsPoolIsShutDown) {
    bool ran = false;
    Pool pool{1};
    Task<void> task;
    on_a_thread_before([&] { task = pool.spawn([&ran] { ran = true; }); });
    EXPECT_TRUE(pool.shutdown(1h));
    EXPECT_TRUE(ran);
    EXPECT_EQ(task.state(), TaskState::done);
}

TEST(SentBefore, ATaskRunsThoughItsPoolIsClosedOrDies) {
    int ran = 0;
    {
        Pool pool{1};
        Group group{pool};
        on_a_thread_before([&] {
            pool.spawn([&ran] { ++ran; });
            group.spawn([&ran] { ++ran; });
        });
        pool.close();
        EXPECT_THROW(pool.spawn([] {}), Closed);
        pool.join();
    }
    EXPECT_EQ(ran, 2);
    {
        Pool pool{1};
        on_a_thread_before([&] { pool.spawn([&ran] { ++ran; }); });
    }
    EXPECT_EQ(ran, 3);
}

// A spawn that returns a handle is not lost, however the pool's closing meets it.
TEST(SentBefore, NothingIsLostWhileAPoolCloses) {
    for (int round = 0; round < 20; ++round) {
        std::atomic<int> accepted{0};
        std::atomic<int> ran{0};
        Pool pool{2};
        std::thread spawner{[&] {
            try {
                for (;;) {
                    pool.spawn([&ran] { ++ran; });
                    ++accepted;
                }
            } catch (Closed const&) { // at last
                SUCCEED();
            }
        }};
        yield_until([&] { return accepted >= 100; });
        pool.close();
        pool.join();
        spawner.join();
        pool.join();
        EXPECT_EQ(ran, accepted);
    }
}

TEST(SentBefore, SpawnsAndItemsKeepTheirOrder) {
    std::string started;
    Pool pool{1};
    on_a_thread_before([&] { pool.spawn([&started] { started += 'a'; }); });
    EXPECT_FALSE(pool.try_spawn([] {}));
    pool.spawn([&started] { started += 'b'; });
    pool.join();
    EXPECT_EQ(started, "ab");

    OrderedBag<int> bag;
    on_a_thread_before([&] {
        bag.spawn([] { return 1; });
        bag.put(2);
    });
    bag.put(3);
    std::string read;
    for (int&& n : bag) read += std::to_string(n);
    EXPECT_EQ(read, "123");
}

TEST(SentBefore, ACancellationDoesNotReachWhatIsSpawnedAfterIt) {
    bool ran = false;
    Group group;
    on_a_thread_before([&] { group.request_cancel(); });
    group.spawn([&ran] { ran = true; });
    group.join();
    EXPECT_TRUE(ran);
}

} // namespace
} // namespace frond::test
