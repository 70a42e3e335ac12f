// Blocking calls whose fiber is cancelled.

#include <frond/blocking.hpp>

#include "scheduler/home.hpp"
#include "support/gate.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/runtime.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using frond::blocking;
using frond::Cancelled;
using frond::Group;
using frond::Runtime;
using frond::TimedOut;
using frond::test::Gate;
using frond::test::yield_until;

namespace {

/// For offload threads, which may block.
void sleep_until(Gate const& gate) {
    while (!gate.is_open()) std::this_thread::sleep_for(50us);
}
void sleep_until(std::stop_token const& token) {
    while (!token.stop_requested()) std::this_thread::sleep_for(50us);
}

std::size_t offload_threads() { return std::min<std::size_t>(32, std::thread::hardware_concurrency() + 4); }

/// Keeps all offload threads busy while it lives.
class AllThreadsBusy {
public:
    AllThreadsBusy() {
        for (std::size_t i = 0; i < offload_threads(); ++i) {
            calls_.spawn([this] {
                blocking([this] {
                    ++begun_;
                    sleep_until(end_);
                });
            });
        }
        yield_until([this] { return begun_ == offload_threads(); });
    }
    ~AllThreadsBusy() { end_.open(); }

private:
    Gate end_;
    std::atomic<std::size_t> begun_{0};
    Group calls_;
};

// --- the end of a call ---------------------------------------------------------------------------------

TEST(BlockingCancelled, WaitsForACallThatHasBegun) {
    Gate begun;
    Gate end;
    bool ended = false;
    Group group;
    auto const task = group.spawn([&] {
        blocking([&] {
            begun.open();
            sleep_until(end);
            ended = true;
        });
    });
    begun.pass();
    task.request_cancel();
    EXPECT_FALSE(task.wait_for(5ms));
    end.open();
    EXPECT_THROW(task.get(), Cancelled);
    EXPECT_TRUE(ended);
}

TEST(BlockingCancelled, DropsTheResultOfACallThatEndsLater) {
    Gate begun;
    Gate end;
    auto const result = std::make_shared<int>(7);
    Group group;
    auto const task = group.spawn([&] {
        return blocking([&, kept = result] {
            begun.open();
            sleep_until(end);
            return kept;
        });
    });
    begun.pass();
    task.request_cancel();
    frond::yield();
    end.open();
    EXPECT_THROW(task.get(), Cancelled);
    EXPECT_EQ(result.use_count(), 1);
}

TEST(BlockingCancelled, DropsTheErrorOfACallThatEndsLater) {
    Gate begun;
    Group group;
    auto const task = group.spawn([&] {
        blocking([&](std::stop_token const& stop) {
            begun.open();
            sleep_until(stop);
            throw std::runtime_error{"stopped"};
        });
    });
    begun.pass();
    task.request_cancel();
    EXPECT_THROW(task.get(), Cancelled);
    group.join();
}

TEST(BlockingCancelled, GivesTheResultOfACallThatHasEndedBefore) {
    Gate begun;
    Gate end;
    Group group;
    auto const task = group.spawn([&] {
        return blocking([&] {
            begun.open();
            sleep_until(end);
            return 7;
        });
    });
    begun.pass();
    end.open();
    while (frond::detail::Home::current().has_no_messages()) std::this_thread::yield();
    task.request_cancel();
    EXPECT_EQ(task.get(), 7);
}

TEST(BlockingCancelled, WaitsBehindAShieldForTheResult) {
    Gate begun;
    Gate end;
    bool told = true;
    Group group;
    auto const task = group.spawn([&] {
        frond::Shield const shield;
        return blocking([&](std::stop_token const& stop) {
            begun.open();
            sleep_until(end);
            told = stop.stop_requested();
            return 7;
        });
    });
    begun.pass();
    task.request_cancel();
    frond::yield();
    end.open();
    EXPECT_EQ(task.get(), 7);
    EXPECT_FALSE(told);
}

// --- the stop token ------------------------------------------------------------------------------------

TEST(BlockingCancelled, StopsTheTokenOfTheCall) {
    Gate begun;
    Group group;
    auto const task = group.spawn([&] {
        blocking([&](std::stop_token const& stop) {
            begun.open();
            sleep_until(stop);
        });
    });
    begun.pass();
    EXPECT_TRUE(task.cancel());
}

TEST(BlockingCancelled, StopsTheTokenAtADeadline) {
    EXPECT_THROW(
        frond::with_timeout(5ms, [] { blocking([](std::stop_token const& stop) { sleep_until(stop); }); }),
        TimedOut);
}

TEST(BlockingCancelled, GivesWhatACallWithATokenGives) {
    EXPECT_EQ(blocking([](std::stop_token const& stop) { return stop.stop_possible(); }), true);
    int number = 1;
    EXPECT_EQ(&blocking([&](std::stop_token const&) -> int& { return number; }), &number);
    EXPECT_THROW(blocking([](std::stop_token const&) { throw 7; }), int);
}

// --- calls that have not begun -------------------------------------------------------------------------

TEST(BlockingCancelled, DoesNotBeginInACancelledTask) {
    bool called = false;
    Group group;
    auto const task = group.spawn([&] {
        try {
            frond::sleep_for(1h);
        } catch (Cancelled const&) {
        }
        blocking([&] { called = true; });
    });
    frond::yield();
    EXPECT_TRUE(task.cancel());
    EXPECT_FALSE(called);
}

TEST(BlockingCancelled, DoesNotBeginAfterADeadline) {
    bool called = false;
    EXPECT_THROW(frond::with_timeout(0s, [&] { blocking([&] { called = true; }); }), TimedOut);
    EXPECT_FALSE(called);
}

TEST(BlockingCancelled, LeavesTheQueueAtOnceAndIsNeverCalled) {
    std::atomic<int> called{0};
    {
        AllThreadsBusy const busy;
        Group group;
        for (int i = 0; i < 100; ++i) group.spawn([&] { blocking([&] { ++called; }); });
        frond::yield();
        EXPECT_EQ(group.cancel(), 100U);
        EXPECT_THROW(frond::with_timeout(1ms, [&] { blocking([&] { ++called; }); }), TimedOut);
    }
    blocking([] {}); // behind all of those
    EXPECT_EQ(called, 0);
}

// --- threads -------------------------------------------------------------------------------------------

class BlockingOnThreads : public testing::TestWithParam<std::size_t> {};

INSTANTIATE_TEST_SUITE_P(Threads, BlockingOnThreads, testing::Values(1, 2, 4),
                         [](auto const& tested) { return std::to_string(tested.param); });

/// Whatever moment the cancellation comes at: the call has either ended or never begun.
TEST_P(BlockingOnThreads, NeverLeavesACallBehind) {
    Runtime runtime{{.threads = GetParam()}};
    std::atomic<int> inside{0};
    runtime.run([&] {
        for (int round = 0; round < 50; ++round) {
            std::atomic<int> inside_now{0};
            Group group;
            for (int i = 0; i < 20; ++i) {
                group.spawn([&] {
                    blocking([&] {
                        ++inside_now;
                        std::this_thread::sleep_for(20us);
                        --inside_now;
                    });
                });
            }
            std::thread outside{[&] {
                std::this_thread::sleep_for(std::chrono::microseconds{10 * round});
                group.request_cancel();
            }};
            group.join();
            inside += inside_now;
            outside.join();
        }
    });
    EXPECT_EQ(inside, 0);
}

} // namespace
