#include "support/gate.hpp"

#include <frond/cancel.hpp>
#include <frond/group.hpp>
#include <frond/runtime.hpp>
#include <frond/this_task.hpp>

#include <chrono>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

namespace frond {
namespace {

using namespace std::chrono_literals;

/// The child's wait is about to end: it was cancelled, only the news has not reached its thread.
TEST(CancelledCircle, WhoUnwindsMayJoinACancelledTaskOfAnotherThreadThatWaitsForIt) {
    Runtime runtime{{.threads = 2}};
    for (int round = 0; round < 50; ++round)
        runtime.run([] {
            Group g;
            Task<void> parent;
            test::Gate ready;
            parent = g.spawn([&] {
                ready.pass();
                Group children;
                auto const child = children.spawn([&] { parent.get(); });
                while (child.state() != TaskState::waiting) std::this_thread::yield();
                throw std::runtime_error{"unwinding"};
            });
            ready.open();
            EXPECT_THROW(g.join(), std::runtime_error);
        });
}

/// Once the shield has come to its end, so does the join, and then whoever waits for the task.
TEST(CancelledCircle, ATaskMayJoinWhoHasCancelledItBehindAShieldThatEnds) {
    Group g;
    Task<void> t;
    t = g.spawn([&] {
        Group children;
        children.spawn([&] { t.cancel(); });
        this_task::yield();
        Shield const shield{1ms};
        EXPECT_THROW(children.join(), Cancelled);
        throw Cancelled{};
    });
    EXPECT_NO_THROW(g.join());
    EXPECT_EQ(t.state(), TaskState::cancelled);
}

} // namespace
} // namespace frond
