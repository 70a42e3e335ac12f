#include <frond/this_task.hpp>

#include "support/gate.hpp"
#include "support/lives.hpp"
#include "support/scale.hpp"
#include "support/threads_test.hpp"

#include <frond/cancel.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/runtime.hpp>
#include <frond/task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

using namespace std::chrono_literals;
using frond::Group;
using frond::Pool;
using frond::Runtime;
using frond::TaskState;
using frond::test::Gate;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::scaled;
using frond::test::until_waiting;

namespace {

class StopToken : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, StopToken, testing::Values(0, 1, 2, 4));

void sleep_long() { frond::sleep_for(1h); }

// --- out of tasks -----------------------------------------------------------------------------------------

TEST(StopTokenOfThreads, NeverStops) {
    EXPECT_FALSE(frond::this_task::stop_token().stop_possible());
    std::thread{[] { EXPECT_FALSE(frond::this_task::stop_token().stop_possible()); }}.join();
}

TEST_P(StopToken, TellsOfTheTasksCancellationBeforeItsWaitEnds) {
    run([] {
        std::atomic<bool> told{false};
        std::atomic<bool> told_before{false};
        Group group;
        auto const task = group.spawn([&] {
            auto const token = frond::this_task::stop_token();
            EXPECT_TRUE(token.stop_possible());
            EXPECT_FALSE(token.stop_requested());
            std::stop_callback const callback{token, [&told] { told = true; }};
            try {
                sleep_long();
            } catch (...) {
                told_before = told.load();
                throw;
            }
        });
        until_waiting(task);
        EXPECT_TRUE(task.cancel());
        EXPECT_TRUE(told_before);
    });
}

TEST_P(StopToken, IsOneATask) {
    run([] {
        Group group;
        group
            .spawn([&group] {
                auto const mine = frond::this_task::stop_token();
                EXPECT_EQ(mine, frond::this_task::stop_token());
                EXPECT_NE(mine, group.run([] { return frond::this_task::stop_token(); }));
            })
            .get();
    });
}

TEST_P(StopToken, OfATaskThatIsCancelledAlreadyHasStopped) {
    run([] {
        Group group;
        group
            .spawn([&group] {
                group.request_cancel();
                EXPECT_TRUE(frond::this_task::stop_token().stop_requested());
            })
            .wait();
    });
}

TEST_P(StopToken, DeadlinesAndShieldsDoNotTouchIt) {
    run([] {
        Group group;
        group
            .spawn([&group] {
                frond::with_timeout(-1s,
                                    [] { EXPECT_FALSE(frond::this_task::stop_token().stop_requested()); });
                frond::Shield const shield;
                group.request_cancel();
                EXPECT_TRUE(frond::this_task::stop_token().stop_requested());
            })
            .wait();
    });
}

TEST_P(StopToken, OutlivesItsTask) {
    run([] {
        Group group;
        auto const token = group.spawn([] { return frond::this_task::stop_token(); }).get();
        group.cancel();
        EXPECT_FALSE(token.stop_requested());
    });
}

TEST_P(StopToken, ACallbackMayUseTheLibrary) {
    run([] {
        std::atomic<bool> ran{false};
        Group group;
        Group others;
        auto const task = group.spawn([&] {
            std::stop_callback const callback{frond::this_task::stop_token(), [&] {
                                                  others.spawn([&ran] { ran = true; });
                                                  group.request_cancel();
                                              }};
            sleep_long();
        });
        until_waiting(task);
        EXPECT_TRUE(task.cancel());
        others.join();
        EXPECT_TRUE(ran);
    });
}

TEST_P(StopToken, TellsATaskThatComputes) {
    run([] {
        Gate computing;
        Group group;
        auto const task = group.spawn([&computing](std::stop_token const& token) {
            computing.open();
            std::size_t rounds = 0;
            while (!token.stop_requested()) ++rounds;
            return rounds;
        });
        std::thread canceller{[&] {
            while (!computing.is_open()) std::this_thread::yield();
            task.request_cancel();
        }};
        task.wait();
        canceller.join();
        EXPECT_EQ(task.state(), TaskState::done); // it returned, and that counts
    });
}

// --- callables that take one ------------------------------------------------------------------------------

struct TakesBoth {
    std::string operator()() const { return "nothing"; }
    std::string operator()(std::stop_token const& token) const {
        return token.stop_possible() ? "token" : "";
    }
};

TEST_P(StopToken, IsGivenToACallableThatTakesOne) {
    run([] {
        Group group;
        auto const possible = [](std::stop_token const& token) { return token.stop_possible(); };
        EXPECT_TRUE(group.spawn(possible).get());
        EXPECT_TRUE(group.spawn({.name = "named"}, possible).get());
        EXPECT_TRUE(group.spawn_wait(possible).get());
        EXPECT_TRUE(group.try_spawn(possible).value().get());
        EXPECT_TRUE(group.spawn_after(1us, possible).get());
        EXPECT_TRUE(group.run(possible));
        EXPECT_TRUE(group.spawn([](std::stop_token token) { return token.stop_possible(); }).get());
        EXPECT_EQ(group.spawn(TakesBoth{}).get(), "token");
    });
}

TEST_P(StopToken, ComesBeforeTheArguments) {
    run([] {
        Group group;
        auto const task = group.spawn(
            {},
            [](std::stop_token const& token, int a, std::string b) {
                return (token.stop_possible() ? b : "") + std::to_string(a);
            },
            3, "x");
        EXPECT_EQ(task.get(), "x3");
        auto const generic = group.spawn({}, [](auto const&... args) { return sizeof...(args); }, 1, 2);
        EXPECT_EQ(generic.get(), 3U);
    });
}

TEST_P(StopToken, IsGivenToGenericLambdasAndStdFunction) {
    run([] {
        Group group;
        EXPECT_TRUE(group
                        .spawn([](auto token) {
                            return std::is_same_v<decltype(token), std::stop_token> && token.stop_possible();
                        })
                        .get());
        EXPECT_TRUE(group
                        .spawn(std::function<bool(std::stop_token)>{
                            [](std::stop_token const& token) { return token.stop_possible(); }})
                        .get());
        EXPECT_THROW(group.spawn(std::function<void(std::stop_token)>{}), std::invalid_argument);
    });
}

TEST_P(StopToken, OfACallableStopsWithItsTask) {
    run([] {
        std::atomic<bool> told{false};
        Group group;
        auto const task = group.spawn([&told](std::stop_token const& token) {
            std::stop_callback const callback{token, [&told] { told = true; }};
            sleep_long();
        });
        until_waiting(task);
        EXPECT_EQ(group.cancel(), 1U);
        EXPECT_TRUE(told);
    });
}

// --- into groups ------------------------------------------------------------------------------------------

TEST_P(StopToken, CancelsTheGroupNowAndLater) {
    run([] {
        Lives lives;
        std::atomic<bool> ran{false};
        std::stop_source source;
        Pool pool{1};
        Group group{pool, {.stop = source.get_token()}};
        EXPECT_EQ(group.spawn([] { return 1; }).get(), 1);
        auto const running = group.spawn(&sleep_long);
        auto const queued = group.spawn([&ran, mortal = Mortal{lives}] { ran = true; });
        until_waiting(running);
        source.request_stop();
        EXPECT_NO_THROW(group.join());
        EXPECT_EQ(running.state(), TaskState::cancelled);
        EXPECT_EQ(queued.state(), TaskState::cancelled);
        for (int i = 0; i < 2; ++i) {
            auto const later = group.spawn([&ran, mortal = Mortal{lives}] { ran = true; });
            later.wait();
            EXPECT_EQ(later.state(), TaskState::cancelled);
            EXPECT_NO_THROW(group.join());
        }
        EXPECT_FALSE(ran);
        EXPECT_EQ(lives.alive(), 0);
        EXPECT_EQ(pool.spawn([] { return 2; }).get(), 2); // the pool goes on
    });
}

TEST_P(StopToken, ThatHasStoppedAlreadyLetsNothingStart) {
    run([] {
        std::atomic<bool> ran{false};
        std::stop_source source;
        source.request_stop();
        Group group{{.stop = source.get_token()}};
        auto const task = group.spawn([&ran] { ran = true; });
        task.wait();
        EXPECT_EQ(task.state(), TaskState::cancelled);
        EXPECT_NO_THROW(group.join());
        EXPECT_FALSE(ran);
    });
}

TEST_P(StopToken, StoppedOnAPlainThreadReachesTheGroup) {
    run([] {
        std::stop_source source;
        Group group{{.stop = source.get_token()}};
        auto const task = group.spawn(&sleep_long);
        until_waiting(task);
        std::thread stopper{[&source] { source.request_stop(); }};
        EXPECT_NO_THROW(group.join());
        stopper.join();
        EXPECT_EQ(task.state(), TaskState::cancelled);
    });
}

TEST_P(StopToken, StoppedWhenTheGroupHasGoneTouchesNothing) {
    run([] {
        std::stop_source source;
        {
            Group const group{{.stop = source.get_token()}};
        }
        EXPECT_TRUE(source.request_stop());
    });
}

TEST_P(StopToken, StoppedWhileTheGroupDies) {
    for (std::size_t i = 0; i < scaled(300); ++i) {
        std::stop_source source;
        std::atomic<bool> ready{false};
        std::thread stopper{[&] {
            while (!ready) std::this_thread::yield();
            source.request_stop();
        }};
        run([&] {
            std::optional<Group> group{std::in_place, frond::GroupOptions{.stop = source.get_token()}};
            group->spawn([] { frond::yield(); });
            ready = true;
            group.reset();
        });
        stopper.join();
    }
}

TEST_P(StopToken, OfATaskStopsGroupsOfItsOwn) {
    run([] {
        std::atomic<bool> cut{false};
        Group outer;
        Gate sleeping;
        auto const task = outer.spawn([&](std::stop_token const& token) {
            frond::Shield const shield; // so that only the token passes it on
            Group inner{{.stop = token}};
            inner.spawn([&] {
                try {
                    sleeping.open();
                    sleep_long();
                } catch (...) {
                    cut = true;
                    throw;
                }
            });
            inner.join();
        });
        sleeping.pass();
        task.cancel();
        EXPECT_TRUE(cut);
    });
}

} // namespace
