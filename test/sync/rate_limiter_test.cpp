#include <frond/sync/rate_limiter.hpp>

#include "support/stall_test.hpp"
#include "support/sync_test.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::Clock;
using frond::Deadlock;
using frond::Group;
using frond::Rate;
using frond::RateLimiter;
using frond::Shield;
using frond::TaskState;
using frond::TimedOut;
using frond::test::until_waiting;

namespace {

constexpr Rate once_a_day{.per_second = 1.0 / 86'400};

class RateLimiterEverywhere : public frond::test::SyncTest {};

INSTANTIATE_TEST_SUITE_P(, RateLimiterEverywhere, frond::test::everywhere(), frond::test::place_name);

TEST_P(RateLimiterEverywhere, ABurstAtOnceAndThenTheRate) {
    run([] {
        auto const start = Clock::now();
        RateLimiter limiter{{.per_second = 1'000, .burst = 5}};
        Group group;
        for (int i = 0; i < 15; ++i) group.spawn([&] { limiter.acquire(); });
        group.join();
        EXPECT_GE(Clock::now() - start, 10ms) << "5 at once, 10 at one a millisecond";
    });
}

TEST_P(RateLimiterEverywhere, FirstComeFirstServed) {
    run([] {
        RateLimiter limiter{{.per_second = 500, .burst = 2}};
        limiter.acquire(2);
        Group group;
        std::mutex guard;
        std::vector<int> order;
        for (int i = 0; i < 5; ++i)
            until_waiting(group.spawn([&, i] {
                limiter.acquire(i % 2 + 1);
                std::lock_guard const lock{guard};
                order.push_back(i);
            }));
        group.join();
        EXPECT_TRUE(std::is_sorted(order.begin(), order.end()) || GetParam() > 1)
            << "in parallel the next may be the first to write";
        EXPECT_EQ(order.size(), 5U);
    });
}

TEST_P(RateLimiterEverywhere, CancelledWaitersUseNoTokenAndLetTheNextGo) {
    run([] {
        RateLimiter limiter{{.per_second = 20, .burst = 20}};
        limiter.acquire(20);
        Group group;
        auto const head = group.spawn([&] { limiter.acquire(20); });
        until_waiting(head);
        auto const second = group.spawn([&] { limiter.acquire(20); });
        until_waiting(second);
        auto const last = group.spawn([&] {
            limiter.acquire(1);
            return Clock::now();
        });
        until_waiting(last);
        EXPECT_TRUE(second.cancel());
        EXPECT_TRUE(head.cancel());
        auto const cancelled_at = Clock::now();
        EXPECT_LT(last.get() - cancelled_at, 900ms) << "its token comes within 50 ms, theirs within seconds";
    });
}

TEST_P(RateLimiterEverywhere, LateWaiterUsesNoTokenAndLetsTheNextGo) {
    run([] {
        RateLimiter limiter{{.per_second = 100, .burst = 100}};
        limiter.acquire(100);
        Group group;
        auto const late = group.spawn([&] { return limiter.try_acquire_for(20ms, 100); });
        until_waiting(late);
        auto const next = group.spawn([&] { limiter.acquire(); });
        until_waiting(next);
        EXPECT_FALSE(late.get());
        next.get();
    });
}

TEST_P(RateLimiterEverywhere, DeadlineEndsTheWaitAndNotBefore) {
    run([] {
        RateLimiter limiter{once_a_day};
        limiter.acquire();
        Group group;
        auto const head = group.spawn([&] { limiter.acquire(); });
        until_waiting(head);
        auto const begin = Clock::now();
        EXPECT_FALSE(limiter.try_acquire_for(5ms)) << "in the queue";
        EXPECT_GE(Clock::now() - begin, 5ms);
        head.cancel();
        EXPECT_FALSE(limiter.try_acquire_until(Clock::now() + 5ms)) << "at its head";
        EXPECT_GE(Clock::now() - begin, 10ms);
    });
}

TEST_P(RateLimiterEverywhere, TimedAcquireComesInTime) {
    run([] {
        RateLimiter limiter{{.per_second = 1'000}};
        EXPECT_TRUE(limiter.try_acquire_for(1h));
        EXPECT_TRUE(limiter.try_acquire_for(1h));
        EXPECT_TRUE(limiter.try_acquire_until(Clock::now() + 1h));
    });
}

TEST_P(RateLimiterEverywhere, DeadlineScopeEndsTheWait) {
    run([] {
        RateLimiter limiter{once_a_day};
        limiter.acquire();
        EXPECT_THROW(frond::with_timeout(1ms, [&] { limiter.acquire(); }), TimedOut);
    });
}

TEST_P(RateLimiterEverywhere, CancelledTaskWaitsInAShield) {
    run([] {
        RateLimiter limiter{{.per_second = 100}};
        limiter.acquire();
        Group group;
        auto const task = group.spawn([&] {
            Shield const shield;
            limiter.acquire();
        });
        until_waiting(task);
        task.request_cancel();
        task.wait();
        EXPECT_EQ(task.state(), TaskState::done);
    });
}

TEST_P(RateLimiterEverywhere, DestructorWaitsWhileCancellationUnwinds) {
    struct Cleaner {
        RateLimiter& limiter;
        Clock::time_point& cleaned;
        ~Cleaner() {
            limiter.acquire();
            cleaned = Clock::now();
        }
    };
    run([] {
        auto const start = Clock::now();
        RateLimiter limiter{{.per_second = 100}};
        limiter.acquire();
        Group group;
        Clock::time_point cleaned;
        auto const task = group.spawn([&] {
            Cleaner const cleaner{limiter, cleaned};
            frond::sleep_for(1h);
        });
        until_waiting(task);
        task.cancel();
        EXPECT_GE(cleaned - start, 10ms);
    });
}

TEST(RateLimiter, TryAcquireTakesWhatIsThere) {
    RateLimiter limiter{{.per_second = 1.0 / 86'400, .burst = 3}};
    EXPECT_TRUE(limiter.try_acquire(2));
    EXPECT_FALSE(limiter.try_acquire(2));
    EXPECT_TRUE(limiter.try_acquire());
    EXPECT_FALSE(limiter.try_acquire());
}

TEST(RateLimiter, TryAcquireDoesNotGetPastTheQueue) {
    RateLimiter limiter{{.per_second = 1.0 / 86'400, .burst = 3}};
    limiter.acquire();
    Group group;
    auto const waiter = group.spawn([&] { limiter.acquire(3); });
    until_waiting(waiter);
    EXPECT_FALSE(limiter.try_acquire()) << "two tokens are there, but somebody waits for three";
    waiter.cancel();
    EXPECT_TRUE(limiter.try_acquire(2)) << "it has left them";
}

TEST(RateLimiter, PauseFillsTheBucketUpToTheBurst) {
    RateLimiter limiter{{.per_second = 1'000, .burst = 3}};
    limiter.acquire(3);
    frond::sleep_for(20ms);
    auto const start = Clock::now();
    limiter.acquire(3);
    limiter.acquire(3);
    EXPECT_GE(Clock::now() - start, 2ms) << "what came while it was full is lost";
}

TEST(RateLimiter, AcquireOfACancelledTaskThatNeedNotWait) {
    RateLimiter limiter{once_a_day};
    Group group;
    group.run([&] {
        group.request_cancel();
        limiter.acquire();
        EXPECT_THROW(limiter.acquire(), Cancelled);
    });
}

TEST(RateLimiter, SharedByThreadsWithoutFibers) {
    auto const start = Clock::now();
    RateLimiter limiter{{.per_second = 10'000}};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
        threads.emplace_back([&] {
            for (int n = 0; n < 100; ++n) limiter.acquire();
        });
    for (auto& t : threads) t.join();
    EXPECT_GE(Clock::now() - start, 29'900us);
}

TEST(RateLimiter, EveryRateThatIsANumberWorks) {
    RateLimiter fast{{.per_second = 1e12, .burst = std::numeric_limits<unsigned>::max()}};
    for (int n = 0; n < 100; ++n) fast.acquire(std::numeric_limits<unsigned>::max());
    RateLimiter slow{{.per_second = std::numeric_limits<double>::denorm_min(), .burst = 2}};
    EXPECT_TRUE(slow.try_acquire(2));
    EXPECT_FALSE(slow.try_acquire_for(1ms));
}

TEST(RateLimiter, RejectsWhatIsNoRate) {
    for (double const per_second : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()})
        EXPECT_THROW(RateLimiter({.per_second = per_second}), std::invalid_argument) << per_second;
    EXPECT_THROW(RateLimiter({.per_second = 1, .burst = 0}), std::invalid_argument);
    EXPECT_THROW(RateLimiter(Rate{}), std::invalid_argument);
}

TEST(RateLimiter, MoreThanTheBurstZeroAndNegativeNumbersFailAtOnce) {
    RateLimiter limiter{{.per_second = 1, .burst = 2}};
    for (int const k : {3, 0, -1}) {
        EXPECT_THROW(limiter.acquire(k), std::invalid_argument);
        EXPECT_THROW(limiter.try_acquire(k), std::invalid_argument);
        EXPECT_THROW(limiter.try_acquire_for(1h, k), std::invalid_argument);
        EXPECT_THROW(limiter.try_acquire_until(Clock::now(), k), std::invalid_argument);
    }
    EXPECT_TRUE(limiter.try_acquire(2)) << "they have used no token";
}

using RateLimiterStall = frond::test::StallTest;

TEST_F(RateLimiterStall, WaitForATokenThatNeverComes) {
    RateLimiter limiter{{.per_second = 1e-15}};
    limiter.acquire();
    EXPECT_THROW(limiter.acquire(), Deadlock);
}

} // namespace
