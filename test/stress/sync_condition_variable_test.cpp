#include <frond/sync/condition_variable.hpp>

#include "support/scale.hpp"
#include "support/sync_stress.hpp"

#include <frond/duration.hpp>
#include <frond/sync/mutex.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>

using namespace std::chrono_literals;
using frond::Clock;
using frond::ConditionVariable;
using frond::Mutex;
using frond::test::scaled;
using frond::test::Whims;

namespace {

/// Some waiters are steady, and the notifier notifies only when one of them must be in the queue: then each
/// notification reaches somebody, who says so. One that were spent on a waiter that gives up would be
/// missing.
struct Scene {
    Mutex mutex;
    ConditionVariable changed;
    // guarded by the mutex
    std::size_t given = 0;
    std::size_t received = 0;
    std::size_t steady = 0; ///< in the queue, or notified and not back yet
    bool over = false;

    void receive() {
        if (!over) ++received;
    }
    void wait_steadily() {
        std::unique_lock lock{mutex};
        while (!over) {
            ++steady;
            changed.wait(lock);
            --steady;
            receive();
        }
    }
    void wait_unsteadily(Whims& whims) {
        for (;;) {
            if (whims.below(2) == 0) {
                std::unique_lock lock{mutex};
                if (over) return;
                if (changed.wait_for(lock, whims.moment()) == std::cv_status::no_timeout) receive();
            } else {
                whims.cut_short([this] {
                    std::unique_lock lock{mutex};
                    if (over) return;
                    changed.wait(lock);
                    receive();
                });
            }
        }
    }
    void notify(Whims& whims, std::size_t times) {
        while (given < times) { // nobody else changes it
            if (may_give()) changed.notify_one();
            if (whims.below(2) == 0) whims.dawdle();
        }
    }
    bool may_give() {
        std::lock_guard const lock{mutex};
        bool const one_waits = steady > given - received;
        if (one_waits) ++given;
        return one_waits;
    }
    bool all_received() {
        std::lock_guard const lock{mutex};
        return given == received;
    }
    void end() {
        std::lock_guard const lock{mutex};
        over = true;
        changed.notify_all();
    }
};

using ConditionVariableStress = frond::test::SyncStress;
INSTANTIATE_TEST_SUITE_P(, ConditionVariableStress, frond::test::stress_places(),
                         frond::test::stress_place_name);

TEST_P(ConditionVariableStress, EachNotificationReachesOneThatGoesOn) {
    Scene scene;
    auto const times = scaled(5'000);
    crowd([&](Whims& whims, unsigned number) {
        if (number == 0) {
            scene.notify(whims, times);
            for (auto const begin = Clock::now(); !scene.all_received() && Clock::now() - begin < 30s;)
                frond::yield();
            EXPECT_EQ(scene.given, scene.received);
            scene.end();
        } else if (number < 4) {
            scene.wait_steadily();
        } else {
            scene.wait_unsteadily(whims);
        }
    });
    EXPECT_EQ(scene.given, times);
}

} // namespace
