#include "support/scale.hpp"

#include <frond/frond.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace frond {
namespace {

using namespace std::chrono_literals;

/// A thread whose fibers serve others until it is told to stop.
class HomeThread {
public:
    HomeThread() {
        std::atomic<bool> ready{false};
        thread_ = std::thread{[this, &ready] {
            Pool pool{3};
            Group group;
            pool_ = &pool;
            group_ = &group;
            home_ = std::this_thread::get_id();
            ready = true;
            ready.notify_one();
            while (!stop_) sleep_for(1ms);
        }};
        ready.wait(false);
    }
    ~HomeThread() {
        stop_ = true;
        thread_.join();
    }
    Pool& pool() { return *pool_; }
    Group& group() { return *group_; }
    std::thread::id id() const { return home_; }

private:
    std::atomic<bool> stop_{false};
    Pool* pool_ = nullptr;
    Group* group_ = nullptr;
    std::thread::id home_;
    std::thread thread_;
};

template <class F>
void on_threads(int count, F&& body) {
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) threads.emplace_back([&body, i] { body(i); });
    for (auto& t : threads) t.join();
}

TEST(Threads, SpawnFromManyThreadsRunsEachTaskOnceAtHome) {
    HomeThread home;
    auto const count = test::scaled(5'000);
    std::size_t runs = 0; // plain: the tasks never run in parallel
    on_threads(4, [&](int) {
        Group& group = home.group();
        std::vector<Task<int>> tasks;
        for (std::size_t i = 0; i < count; ++i)
            tasks.push_back(group.spawn([&, i] {
                EXPECT_EQ(std::this_thread::get_id(), home.id());
                ++runs;
                return static_cast<int>(i);
            }));
        for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(tasks[i].get(), static_cast<int>(i));
    });
    home.group().join();
    EXPECT_EQ(runs, 4 * count);
}

TEST(Threads, JoinFromManyThreadsSeesTheEndOfItsOwnTasks) {
    HomeThread home;
    on_threads(4, [&](int) {
        for (std::size_t round = 0; round < test::scaled(500); ++round) {
            Group group{home.pool()};
            int ended = 0;
            for (int i = 0; i < 5; ++i)
                group.spawn([&] {
                    yield();
                    ++ended;
                });
            group.join();
            EXPECT_EQ(ended, 5);
        }
    });
    EXPECT_EQ(home.pool().stats().overdraft_peak, 0U);
    EXPECT_LE(home.pool().stats().active_peak, 3U);
}

TEST(Threads, ErrorsReachWhoJoinsOnAnotherThread) {
    HomeThread home;
    on_threads(3, [&](int thread) {
        for (std::size_t round = 0; round < test::scaled(500); ++round) {
            Group group{home.pool()};
            auto const text = std::to_string(thread) + ' ' + std::to_string(round);
            auto failing = group.spawn([text]() -> int { throw std::runtime_error(text); });
            std::string joined;
            try {
                group.join();
            } catch (std::runtime_error const& e) {
                joined = e.what();
            }
            EXPECT_EQ(joined, text);
            EXPECT_TRUE(group.errors().empty());
            EXPECT_THROW(failing.get(), std::runtime_error) << "a handle gives the error any number of times";
            group.join();
        }
    });
}

TEST(Threads, HandlesMoveBetweenThreads) {
    HomeThread home;
    struct Counted {
        explicit Counted(std::atomic<int>& n) : alive{&n} { ++*alive; }
        Counted(Counted const& o) : alive{o.alive} { ++*alive; }
        Counted& operator=(Counted const&) = delete;
        ~Counted() { --*alive; }
        std::atomic<int>* alive;
    };
    std::atomic<int> alive{0};
    for (std::size_t round = 0; round < test::scaled(1'000); ++round) {
        auto task = home.group().spawn([&] { return Counted{alive}; });
        std::vector<std::thread> threads;
        for (int i = 0; i < 3; ++i)
            threads.emplace_back([copy = task, i] {
                auto another = copy;
                if (i != 0) another.wait();
                auto moved = std::move(another);
            });
        {
            auto const last = std::move(task);
        }
        for (auto& t : threads) t.join();
    }
    home.group().join();
    // The last reference may still be on its way home.
    for (int i = 0; i < 1000 && alive != 0; ++i) std::this_thread::sleep_for(1ms);
    EXPECT_EQ(alive, 0);
}

// A result that comes just when the waiter gives up is either delivered or stays where it is.
TEST(Threads, CompletionAndDeadlineCollide) {
    HomeThread home;
    std::atomic<std::size_t> in_time{0};
    std::atomic<std::size_t> late{0};
    on_threads(3, [&](int thread) {
        std::mt19937 random{static_cast<unsigned>(thread)};
        for (std::size_t round = 0; round < test::scaled(3'000); ++round) {
            auto const deadline = Clock::now() + std::chrono::microseconds{50 + random() % 150};
            auto task = home.group().spawn([deadline]() -> int {
                sleep_until(deadline);
                return 7;
            });
            bool ended = task.wait_until(deadline);
            ++(ended ? in_time : late);
            for (int again = 0; !ended && again < 3; ++again) ended = task.wait_for(10us);
            EXPECT_EQ(task.get(), 7);
        }
    });
    std::printf("%zu in time, %zu late\n", in_time.load(), late.load());
}

TEST(Threads, ErrorIsNotLostWhenAJoinGivesUp) {
    HomeThread home;
    on_threads(3, [&](int thread) {
        std::mt19937 random{static_cast<unsigned>(thread)};
        for (std::size_t round = 0; round < test::scaled(2'000); ++round) {
            Group group{home.pool()};
            auto const deadline = Clock::now() + std::chrono::microseconds{50 + random() % 150};
            group.spawn([deadline] {
                sleep_until(deadline);
                throw std::runtime_error("once");
            });
            int seen = 0;
            for (bool ended = false; !ended;) {
                try {
                    ended = group.join_until(Clock::now() + std::chrono::microseconds{random() % 100});
                } catch (std::runtime_error const&) {
                    ++seen;
                    ended = true;
                }
            }
            EXPECT_EQ(seen, 1);
            group.join();
            EXPECT_TRUE(group.errors().empty());
        }
    });
}

TEST(Threads, FibersOfTwoHomesWaitForEachOther) {
    HomeThread one;
    HomeThread two;
    auto const count = test::scaled(3'000);
    Group group;
    std::size_t sum = 0;
    for (std::size_t i = 0; i < count; ++i)
        group.spawn([&] {
            auto far = one.group().spawn([&] {
                auto further = two.group().spawn([] { return std::size_t{1}; });
                return further.get() + 1;
            });
            sum += far.get();
        });
    group.join();
    EXPECT_EQ(sum, 2 * count);
}

TEST(Threads, SpawnWaitAndBacklogHoldForeignThreadsBack) {
    std::atomic<bool> stop{false};
    Pool* pool = nullptr;
    std::atomic<bool> ready{false};
    std::thread home{[&] {
        Pool own{PoolOptions{.limit = 2, .max_pending = 3}};
        pool = &own;
        ready = true;
        ready.notify_one();
        while (!stop) sleep_for(1ms);
    }};
    ready.wait(false);
    std::size_t ended = 0;
    auto const count = test::scaled(1'000);
    on_threads(3, [&](int thread) {
        for (std::size_t i = 0; i < count; ++i) {
            auto const work = [&] {
                yield();
                ++ended;
            };
            if (thread == 0)
                pool->spawn_wait(work);
            else if (thread == 1)
                pool->spawn(work);
            else
                pool->run(work);
        }
    });
    pool->join();
    EXPECT_EQ(ended, 3 * count);
    auto const stats = pool->stats();
    EXPECT_LE(stats.active_peak, 2U);
    EXPECT_EQ(stats.overdraft_peak, 0U);
    stop = true;
    home.join();
}

TEST(Threads, ThreadsThatUseAGroupComeAndGo) {
    auto const before = stats();
    auto const count = test::scaled(10'000);
    std::atomic<std::size_t> ended{0};
    constexpr std::size_t at_once = 8;
    for (std::size_t i = 0; i < count; i += at_once) {
        std::vector<std::thread> threads;
        for (std::size_t t = 0; t < at_once; ++t)
            threads.emplace_back([&, t] {
                Group group;
                for (std::size_t n = 0; n < 3; ++n)
                    group.spawn([&] {
                        yield();
                        ++ended;
                    });
                if (t % 2 == 0) group.join();
            });
        for (auto& t : threads) t.join();
    }
    EXPECT_EQ(ended, (count + at_once - 1) / at_once * at_once * 3);
    EXPECT_EQ(stats().homes, before.homes);
    EXPECT_LE(stats().stacks_in_use, before.stacks_in_use) << "an ended thread keeps stacks";
}

// Handles and errors outlive the thread on which the task ran.
TEST(Threads, ResultsOutliveTheirThread) {
    for (std::size_t round = 0; round < test::scaled(1'000); ++round) {
        Task<std::string> value;
        Task<int> error;
        std::thread{[&] {
            Group group;
            value = group.spawn([] { return std::string(100, 'x'); });
            error = group.spawn([]() -> int { throw std::runtime_error("kept"); });
            error.wait();
            EXPECT_THROW(group.join(), std::runtime_error);
        }}.join();
        EXPECT_EQ(value.get(), std::string(100, 'x'));
        EXPECT_THROW(error.get(), std::runtime_error);
        auto copy = value;
        EXPECT_EQ(copy.take().size(), 100U);
    }
}

TEST(Threads, SpawningToAThreadThatEndsRunsTheTaskOrThrowsClosed) {
    for (std::size_t round = 0; round < test::scaled(500); ++round) {
        auto group = std::unique_ptr<Group>{};
        std::atomic<bool> ready{false};
        std::atomic<std::size_t> ran{0};
        std::thread home{[&] {
            group = std::make_unique<Group>();
            ready = true;
            ready.notify_one();
            yield();
        }};
        ready.wait(false);
        std::size_t accepted = 0;
        std::size_t cancelled = 0;
        std::vector<Task<void>> tasks;
        try {
            for (int i = 0; i < 200; ++i) {
                tasks.push_back(group->spawn([&] { ++ran; }));
                ++accepted;
            }
        } catch (Closed const&) {
        }
        home.join();
        for (auto const& t : tasks) {
            EXPECT_TRUE(t.ready());
            if (t.state() == TaskState::cancelled) ++cancelled;
        }
        EXPECT_EQ(ran + cancelled, accepted);
        group.reset();
    }
}

} // namespace
} // namespace frond
