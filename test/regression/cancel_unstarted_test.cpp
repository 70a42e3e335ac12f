#include "support/gate.hpp"
#include "support/lives.hpp"
#include "support/scale.hpp"

#include <frond/frond.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace frond::test {
namespace {

using namespace std::chrono_literals;

// The handle overtook its task: that one, already cancelled, was put into the queue of its full pool and
// stayed there until it was its turn.
TEST(CancelUnstarted, OnItsWayToAFullPoolItEndsAtOnce) {
    Lives lives;
    Pool pool{1};
    Gate gate;
    pool.spawn([&gate] {
        while (!gate.is_open()) sleep_for(50us);
    });
    yield();
    Task<void> task;
    std::atomic<bool> spawned{false};
    std::thread spawner{[&] {
        task = pool.spawn([mortal = Mortal{lives}] {});
        spawned = true;
    }};
    while (!spawned) std::this_thread::yield(); // nothing that was sent is taken in
    EXPECT_TRUE(move_on_after(5s, [&] { EXPECT_TRUE(task.cancel()); }));
    EXPECT_FALSE(gate.is_open());
    EXPECT_EQ(lives.alive(), 0);
    EXPECT_EQ(pool.stats().pending, 0U);
    gate.open();
    spawner.join();
    pool.join();
}

// It had left the run queue for a stack of another size when it was cancelled, and started.
TEST(CancelUnstarted, BetweenTheQueueAndItsStackItNeverStarts) {
    struct Victim {
        Task<void> task;
        std::atomic<bool> ran{false};
        bool cancelled_before = false;
    };
    std::vector<Victim> victims(scaled(2000));
    Group group;
    Group others;
    bool over = false;
    // Always somebody ready, so that tasks start in between.
    for (int i = 0; i < 5; ++i)
        others.spawn([&] {
            while (!over) {
                for (auto& v : victims) {
                    if (v.cancelled_before || !v.task || v.task.state() != TaskState::queued) continue;
                    v.task.request_cancel();
                    v.cancelled_before = true;
                    break;
                }
                yield();
            }
        });
    for (auto& v : victims) {
        v.task = group.spawn({.stack = std::size_t{1} << 20U}, [&v] { v.ran = true; });
        yield();
    }
    group.join();
    over = true;
    others.join();
    for (auto const& v : victims) EXPECT_FALSE(v.cancelled_before && v.ran);
}

} // namespace
} // namespace frond::test
