#include "support/lives.hpp"
#include "support/scale.hpp"

#include <frond/frond.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

namespace frond::test {
namespace {

using namespace std::chrono_literals;

// Its time had come, and another thread of the runtime dropped it while the first one took all locks: the
// task was placed, and destroyed.
TEST(DelayedAndDropped, AtTheSameMomentItEndsOnce) {
    Lives lives;
    std::atomic<Task<void>*> victim{nullptr};
    std::atomic<Clock::rep> due{0};
    std::atomic<bool> over{false};
    std::thread canceller{[&] {
        for (int round = 0; !over; ++round) {
            std::unique_ptr<Task<void>> const task{victim.exchange(nullptr)};
            if (!task) continue;
            auto const then = Clock::time_point{Clock::duration{due.load()}} + 1us * (round % 200 - 100);
            while (Clock::now() < then) {
            }
            task->request_cancel();
        }
    }};
    Runtime runtime{{.threads = 2}};
    runtime.run([&] {
        for (std::size_t round = 0; round < scaled(1'000); ++round) {
            Pool pool{1};
            Group blocking{pool};
            blocking.spawn([] { sleep_for(400us); });
            yield();
            Group group{pool};
            auto const task = group.spawn_after(100us, [mortal = Mortal{lives}] {});
            due = (Clock::now() + 100us).time_since_epoch().count();
            victim = new Task<void>{task};
            group.join(); // so that somebody waits for it
            EXPECT_TRUE(task.ready());
            while (victim.load()) yield();
        }
    });
    over = true;
    canceller.join();
    EXPECT_EQ(lives.alive(), 0);
}

} // namespace
} // namespace frond::test
