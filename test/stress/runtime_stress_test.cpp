#include "support/gate.hpp"
#include "support/lives.hpp"
#include "support/parallel_watchdog.hpp"
#include "support/scale.hpp"

#include <frond/frond.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace frond::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;

void compute(microseconds d) {
    auto const end = Clock::now() + d;
    while (Clock::now() < end) {
    }
}

/// Plain threads that begin together.
template <class F>
void on_threads(std::size_t count, F&& body) {
    std::vector<std::thread> threads;
    std::atomic<std::size_t> missing{count};
    for (std::size_t i = 0; i < count; ++i)
        threads.emplace_back([&, i] {
            --missing;
            while (missing != 0) std::this_thread::yield();
            body(i);
        });
    for (auto& t : threads) t.join();
}

/// What became of tasks that some threads tried to spawn while what they spawned into came to its end.
struct Fates {
    std::atomic<std::size_t> accepted{0};
    std::atomic<std::size_t> closed{0};
    std::atomic<std::size_t> ran{0};
    Lives callables;

    /// @return false: closed
    template <class Spawn>
    bool attempt(Spawn&& spawn) {
        try {
            spawn([this, mortal = Mortal{callables}] { ++ran; });
            ++accepted;
            return true;
        } catch (Closed const&) {
            ++closed;
            return false;
        }
    }
};

class RuntimeStress : public testing::TestWithParam<std::size_t> {
protected:
    Watchdog watchdog_{testing::UnitTest::GetInstance()->current_test_info()->name()};
};

using Stealing = RuntimeStress;

TEST_P(Stealing, EachTaskRunsOnceWhateverItsLength) {
    Runtime runtime{{.threads = GetParam()}};
    auto const count = scaled(6'000);
    std::vector<std::atomic<int>> runs(count);
    runtime.run([&] {
        Group group;
        std::mt19937 random{1};
        for (std::size_t i = 0; i < count; ++i)
            group.spawn([&runs, i, length = microseconds{random() % 200}] {
                compute(length);
                ++runs[i];
            });
        group.join();
    });
    EXPECT_TRUE(std::all_of(runs.begin(), runs.end(), [](auto const& n) { return n == 1; }));
    EXPECT_TRUE(GetParam() == 1 || runtime.stats().stolen > 0);
}

TEST_P(Stealing, TreesOfTasksOfRandomLengthComeToTheirSum) {
    struct Tree {
        static std::uint64_t grow(unsigned depth, std::uint32_t seed) {
            std::minstd_rand random{seed};
            if (random() % 4 == 0) compute(microseconds{random() % 200});
            if (depth == 0) return 1;
            Group group;
            std::vector<Task<std::uint64_t>> children;
            for (std::uint32_t i = 0; i < 4; ++i)
                children.push_back(group.spawn([depth, s = seed * 4 + i + 1] { return grow(depth - 1, s); }));
            if (random() % 3 == 0) yield();
            std::uint64_t sum = 0;
            for (auto const& c : children) sum += c.get();
            return sum;
        }
    };
    Runtime runtime{{.threads = GetParam()}};
    for (std::size_t round = 0; round < scaled(20); ++round)
        EXPECT_EQ(runtime.run([&] { return Tree::grow(5, static_cast<std::uint32_t>(round)); }), 1024U);
}

TEST_P(Stealing, PinnedAndFreeTasksInOneQueueKeepTheirPlaces) {
    Runtime runtime{{.threads = GetParam()}};
    auto const count = scaled(4'000);
    std::atomic<std::size_t> ran{0};
    runtime.run_on_each([&] {
        Group group;
        std::minstd_rand random;
        auto const here = std::this_thread::get_id();
        for (std::size_t i = 0; i < count; ++i) {
            bool const pinned = random() % 2 == 0;
            group.spawn({.pinned = pinned}, [&ran, pinned, here, length = microseconds{random() % 40}] {
                EXPECT_TRUE(!pinned || std::this_thread::get_id() == here);
                compute(length);
                ++ran;
            });
        }
        group.join();
    });
    EXPECT_EQ(ran, GetParam() * count);
}

// Tasks are moved to the front of a queue from which others take them.
TEST_P(Stealing, WaitersMoveUpWhatIsBeingStolen) {
    Runtime runtime{{.threads = GetParam()}};
    for (std::size_t round = 0; round < scaled(3'000); ++round) {
        std::vector<std::atomic<int>> runs(200);
        runtime.run([&] {
            Pool pool{1'000};
            std::vector<Task<void>> tasks;
            for (auto& n : runs) tasks.push_back(pool.spawn([&n] { ++n; }));
            Group waiters{pool};
            for (std::size_t i = 0; i < tasks.size(); i += 3)
                waiters.spawn([&, i] {
                    for (auto t = i; t < tasks.size(); t += 7) tasks[t].wait();
                });
            for (auto t = tasks.rbegin(); t != tasks.rend(); ++t) t->wait();
            waiters.join();
            pool.join();
        });
        for (auto const& n : runs) ASSERT_EQ(n, 1);
    }
}

INSTANTIATE_TEST_SUITE_P(Threads, Stealing, testing::Values(1, 2, 4));

using RuntimeRaces = RuntimeStress;

TEST_P(RuntimeRaces, AJoinSeesTheLastTaskHoweverTheyMeet) {
    Runtime runtime{{.threads = GetParam()}};
    runtime.run_on_each([] {
        std::minstd_rand random{static_cast<unsigned>(this_task::id())};
        for (std::size_t round = 0; round < scaled(200'000); ++round) {
            Group group;
            std::size_t ended = 0; // plain: the join orders what the task wrote
            group.spawn([&] { ended = round + 1; });
            if (random() % 2 == 0) compute(microseconds{random() % 3});
            group.join();
            ASSERT_EQ(ended, round + 1);
        }
    });
}

TEST_P(RuntimeRaces, AGroupDiesRightBehindItsLastTask) {
    Runtime runtime{{.threads = GetParam()}};
    Lives lives;
    on_threads(3, [&](std::size_t thread) {
        std::minstd_rand random{static_cast<unsigned>(thread)};
        for (std::size_t round = 0; round < scaled(15'000); ++round) {
            auto const work = [&] {
                auto const group = std::make_unique<Group>();
                for (int i = 0; i < 2; ++i) group->spawn([mortal = Mortal{lives}] {});
                if (random() % 2 == 0) yield();
            };
            runtime.run(work);
        }
    });
    EXPECT_EQ(lives.alive(), 0);
}

// Foreign threads spawn into a group whose runtime's tasks end meanwhile. A group is closed by its runtime's
// end and not by its destructor, which must outlive all who use it: so these run until told.
TEST_P(RuntimeRaces, NothingIsLostBetweenForeignSpawnsAndTheEndOfARuntime) {
    for (std::size_t round = 0; round < scaled(100); ++round) {
        Fates fates;
        std::unique_ptr<Group> group;
        {
            auto runtime = std::make_unique<Runtime>(RuntimeOptions{.threads = GetParam()});
            runtime->run([&] { group = std::make_unique<Group>(); });
            on_threads(3, [&](std::size_t thread) {
                if (thread == 0) {
                    std::this_thread::sleep_for(microseconds{round % 100});
                    runtime.reset();
                } else {
                    while (fates.attempt([&](auto f) { group->spawn(std::move(f)); })) {
                    }
                }
            });
        }
        EXPECT_EQ(fates.closed, 2U);
        EXPECT_EQ(fates.ran, fates.accepted);
        EXPECT_EQ(fates.callables.alive(), 0);
        EXPECT_TRUE(group->empty());
    }
}

TEST_P(RuntimeRaces, NothingIsLostBetweenForeignSpawnsAndAPoolThatCloses) {
    Runtime runtime{{.threads = GetParam()}};
    for (std::size_t round = 0; round < scaled(2'000); ++round) {
        Fates fates;
        std::unique_ptr<Pool> pool;
        runtime.run([&] { pool = std::make_unique<Pool>(PoolOptions{.limit = 2, .max_pending = 8}); });
        on_threads(4, [&](std::size_t thread) {
            if (thread == 0) {
                std::this_thread::sleep_for(microseconds{round % 100});
                pool->close();
                return;
            }
            for (std::size_t i = 0;; ++i) {
                bool const open = fates.attempt([&](auto f) {
                    if ((i + thread) % 3 == 0)
                        pool->spawn_wait(std::move(f));
                    else
                        pool->spawn(std::move(f));
                });
                if (!open) break;
            }
        });
        pool->join();
        auto const stats = pool->stats();
        EXPECT_EQ(fates.closed, 3U);
        EXPECT_EQ(fates.ran, fates.accepted);
        EXPECT_EQ(stats.completed, fates.ran);
        EXPECT_EQ(stats.active + stats.pending + stats.live, 0U);
        EXPECT_LE(stats.active_peak, 2U);
        pool.reset();
        EXPECT_EQ(fates.callables.alive(), 0);
    }
}

// The pool must outlive who uses it: its last member ends when all others were turned away.
TEST_P(RuntimeRaces, APoolThatDiesTurnsOutsidersAwayAndServesItsMembers) {
    Runtime runtime{{.threads = GetParam()}};
    for (std::size_t round = 0; round < scaled(300); ++round) {
        Fates fates;
        std::atomic<std::size_t> at_the_door{0};
        std::atomic<std::size_t> nested{0};
        std::unique_ptr<Pool> pool;
        auto const use = [&](std::size_t i) {
            ++at_the_door;
            while (fates.attempt([&](auto f) {
                if (i == 0)
                    pool->spawn_wait(std::move(f));
                else
                    pool->spawn(std::move(f));
            })) {
            }
            --at_the_door;
        };
        std::thread plain;
        runtime.run([&] {
            Group outsiders;
            pool = std::make_unique<Pool>(PoolOptions{.limit = 2, .max_pending = 2});
            pool->spawn([&] {
                yield_until([&] { return fates.closed == 3 && at_the_door == 0; });
                pool->spawn([&] { ++nested; });
            });
            for (std::size_t i = 0; i < 2; ++i) outsiders.spawn([&, i] { use(i); });
            plain = std::thread{[&] { use(1); }};
            yield_until([&] { return at_the_door == 3; });
            Pool* const dying = pool.get(); // others go on using it
            delete dying;
            static_cast<void>(pool.release());
        });
        plain.join();
        EXPECT_EQ(nested, 1U);
        EXPECT_EQ(fates.closed, 3U);
        EXPECT_EQ(fates.ran, fates.accepted);
        EXPECT_EQ(fates.callables.alive(), 0);
    }
}

TEST_P(RuntimeRaces, ResizeCollidesWithHandOver) {
    Runtime runtime{{.threads = GetParam()}};
    runtime.run([&] {
        Pool pool{3};
        std::atomic<int> inside{0};
        std::atomic<int> peak{0};
        std::atomic<std::size_t> ran{0};
        std::atomic<bool> over{false};
        Group group;
        group.spawn([&] {
            std::minstd_rand random;
            while (!over) {
                pool.resize(random() % 4);
                if (random() % 4 == 0) yield();
            }
            pool.resize(3);
        });
        auto const count = scaled(100'000);
        for (std::size_t i = 0; i < count; ++i)
            pool.spawn([&] {
                Group own{pool};
                auto child = own.spawn([&] {
                    for (int now = ++inside, most = peak;
                         now > most && !peak.compare_exchange_weak(most, now);) {
                    }
                    yield();
                    --inside;
                    return 1;
                });
                ran += static_cast<std::size_t>(child.get());
            });
        group.spawn([&] {
            yield_until([&] { return ran == count; });
            over = true;
        });
        group.join();
        pool.join();
        auto const stats = pool.stats();
        EXPECT_EQ(stats.admitted, 2 * count);
        EXPECT_EQ(stats.completed, 2 * count);
        EXPECT_EQ(stats.active + stats.pending + stats.live, 0U);
        EXPECT_LE(static_cast<std::size_t>(peak), 3 + stats.overdraft_peak);
    });
}

TEST_P(RuntimeRaces, NestedTasksOfAFixedPoolNeverOverdrawIt) {
    Runtime runtime{{.threads = GetParam()}};
    runtime.run([&] {
        for (std::size_t limit = 1; limit <= 4; ++limit) {
            Pool pool{limit};
            std::atomic<std::size_t> inside{0};
            std::atomic<std::size_t> peak{0};
            auto const visit = [&] {
                auto const now = ++inside;
                for (auto most = peak.load(); now > most && !peak.compare_exchange_weak(most, now);) {
                }
                compute(microseconds{3});
                --inside;
            };
            for (std::size_t i = 0; i < scaled(600); ++i)
                pool.spawn([&] {
                    visit();
                    Group own{pool};
                    for (int n = 0; n < 3; ++n)
                        own.spawn([&] {
                            visit();
                            Group inner{pool};
                            inner.spawn(visit);
                            inner.join();
                            visit();
                        });
                    own.join();
                    visit();
                });
            pool.join();
            auto const stats = pool.stats();
            EXPECT_EQ(stats.overdraft_peak, 0U);
            EXPECT_LE(stats.active_peak, limit);
            EXPECT_LE(peak, limit);
            EXPECT_EQ(stats.admitted, scaled(600) * 7);
            EXPECT_EQ(stats.completed, stats.admitted);
        }
    });
}

TEST_P(RuntimeRaces, HandlesAreCopiedAndDroppedOnAllThreadsAtOnce) {
    Runtime runtime{{.threads = GetParam()}};
    Lives results;
    Lives callables;
    std::vector<std::atomic<Task<Mortal>*>> shelf(64);
    auto const use = [&](unsigned seed) {
        std::minstd_rand random{seed + 1};
        for (std::size_t i = 0; i < scaled(100'000); ++i) {
            auto& place = shelf[random() % shelf.size()];
            std::unique_ptr<Task<Mortal>> const mine{place.exchange(nullptr)};
            if (!mine) continue;
            auto copy = *mine;
            if (random() % 3 == 0) copy.wait();
            if (random() % 2 == 0) delete place.exchange(new Task<Mortal>{std::move(copy)});
        }
    };
    runtime.run([&] {
        Group group;
        std::thread outsiders{[&] { on_threads(2, [&](std::size_t t) { use(static_cast<unsigned>(t)); }); }};
        for (unsigned i = 0; i < 2; ++i) group.spawn([&, i] { use(10 + i); });
        for (std::size_t i = 0; i < scaled(200'000); ++i) {
            auto task = group.spawn([&, mortal = Mortal{callables}] { return Mortal{results}; });
            delete shelf[i % shelf.size()].exchange(new Task<Mortal>{task});
            if (i % 64 == 0) yield();
        }
        group.join();
        EXPECT_EQ(callables.alive(), 0);
        blocking([&] { outsiders.join(); });
        for (auto& place : shelf) delete place.exchange(nullptr);
    });
    EXPECT_EQ(results.alive(), 0);
    EXPECT_GT(results.born, 0);
}

TEST_P(RuntimeRaces, ATimedGetCollidesWithTheEnd) {
    Runtime runtime{{.threads = GetParam()}};
    std::atomic<std::size_t> in_time{0};
    std::atomic<std::size_t> late{0};
    auto const race = [&](unsigned seed) {
        std::minstd_rand random{seed + 1};
        for (std::size_t i = 0; i < scaled(5'000); ++i) {
            Group group;
            auto const deadline = Clock::now() + microseconds{random() % 100};
            auto task = group.spawn([deadline] {
                sleep_until(deadline);
                return 7;
            });
            bool const ended = task.wait_until(deadline);
            ++(ended ? in_time : late);
            ASSERT_TRUE(!ended || task.ready());
            ASSERT_EQ(task.get(), 7);
        }
    };
    std::thread plain{[&] { race(99); }};
    runtime.run([&] {
        Group group;
        for (unsigned i = 0; i < 3; ++i) group.spawn([&, i] { race(i); });
        group.join();
    });
    plain.join();
    std::printf("%zu in time, %zu late\n", in_time.load(), late.load());
}

TEST_P(RuntimeRaces, AJoinWithADeadlineLosesNoError) {
    Runtime runtime{{.threads = GetParam()}};
    auto const race = [&](unsigned seed) {
        std::minstd_rand random{seed + 1};
        for (std::size_t i = 0; i < scaled(4'000); ++i) {
            std::optional<Group> group;
            runtime.run([&] { group.emplace(); });
            auto const deadline = Clock::now() + microseconds{random() % 100};
            group->spawn([deadline] {
                sleep_until(deadline);
                throw std::runtime_error("once");
            });
            int seen = 0;
            for (bool ended = false; !ended;) {
                try {
                    ended = group->join_for(microseconds{random() % 60});
                } catch (std::runtime_error const&) {
                    ++seen;
                    ended = true;
                }
            }
            ASSERT_EQ(seen, 1);
            ASSERT_TRUE(group->errors().empty());
        }
    };
    std::vector<std::thread> plain;
    for (unsigned i = 0; i < 2; ++i) plain.emplace_back([&, i] { race(i); });
    runtime.run([&] {
        Group group;
        for (unsigned i = 2; i < 4; ++i) group.spawn([&, i] { race(i); });
        group.join();
    });
    for (auto& t : plain) t.join();
}

TEST_P(RuntimeRaces, DelayedTasksAreDroppedByAFailureOnAnotherThread) {
    Runtime runtime{{.threads = GetParam()}};
    Lives lives;
    std::atomic<std::size_t> ran{0};
    for (std::size_t round = 0; round < scaled(8'000); ++round) {
        runtime.run([&] {
            Group group{{.on_error = OnError::cancel}};
            Group spawners;
            for (unsigned i = 0; i < 3; ++i)
                spawners.spawn([&, i] {
                    for (unsigned n = 0; n < 5; ++n)
                        group.spawn_after(n == 0 ? std::chrono::hours{1}
                                                 : microseconds{(round + n * 7 + i) % 60},
                                          [&, mortal = Mortal{lives}] { ++ran; });
                });
            group.spawn_after(microseconds{round % 60}, [] { throw std::runtime_error("stop"); });
            spawners.join();
            group.spawn(
                [] { throw std::runtime_error("stop"); }); // if the other came before those of one hour
            EXPECT_THROW(group.join(), std::runtime_error);
            group.errors();
        });
        ASSERT_EQ(lives.alive(), 0);
    }
    EXPECT_LE(ran, static_cast<std::size_t>(lives.born.load()));
}

TEST_P(RuntimeRaces, ManyPlainThreadsUseOnePool) {
    Runtime runtime{{.threads = GetParam()}};
    std::unique_ptr<Pool> pool;
    runtime.run([&] { pool = std::make_unique<Pool>(3); });
    std::atomic<std::size_t> inside{0};
    std::atomic<std::size_t> peak{0};
    std::atomic<std::size_t> ran{0};
    on_threads(8, [&](std::size_t thread) {
        for (std::size_t i = 0; i < scaled(6'000); ++i) {
            auto const work = [&] {
                auto const now = ++inside;
                for (auto most = peak.load(); now > most && !peak.compare_exchange_weak(most, now);) {
                }
                yield();
                --inside;
                ++ran;
            };
            switch ((i + thread) % 4) {
            case 0:
                pool->spawn(work);
                break;
            case 1:
                pool->spawn_wait(work);
                break;
            case 2:
                pool->run(work);
                break;
            default: {
                Group group{*pool};
                group.spawn(work).wait();
                group.join();
            }
            }
        }
    });
    pool->join();
    auto const stats = pool->stats();
    EXPECT_EQ(ran, 8 * scaled(6'000));
    EXPECT_EQ(stats.completed, ran);
    EXPECT_LE(peak, 3U);
    EXPECT_LE(stats.active_peak, 3U);
    EXPECT_EQ(stats.overdraft_peak, 0U);
}

TEST_P(RuntimeRaces, TwoRuntimesWaitForEachOthersResults) {
    Runtime one{{.threads = GetParam(), .name = "one"}};
    Runtime two{{.threads = GetParam(), .name = "two"}};
    auto const count = scaled(30'000);
    auto const far_sum = [count](Runtime& there, Runtime& further) {
        Pool group{100}; // so many stacks at a time
        std::vector<Task<std::size_t>> tasks;
        for (std::size_t i = 0; i < count; ++i)
            tasks.push_back(group.spawn(
                [&, i] { return there.run([&] { return further.run([i] { return i; }) + 1; }); }));
        std::size_t sum = 0;
        for (auto const& t : tasks) sum += t.get();
        return sum;
    };
    auto const expected = count * (count - 1) / 2 + count;
    on_threads(2, [&](std::size_t thread) {
        auto& here = thread == 0 ? one : two;
        auto& there = thread == 0 ? two : one;
        EXPECT_EQ(here.run([&] { return far_sum(there, here); }), expected);
    });
}

TEST_P(RuntimeRaces, RuntimesStartAndStopWithAndWithoutWork) {
    yield(); // this thread has a home, too
    auto const before = stats();
    std::atomic<std::size_t> ran{0};
    std::size_t spawned = 0;
    for (std::size_t i = 0; i < scaled(1'000); ++i) {
        std::optional<Group> group;
        Runtime runtime{{.threads = GetParam()}};
        if (i % 3 == 0) continue;
        runtime.run([&] {
            if (i % 3 == 1) return;
            group.emplace();
            for (std::size_t n = 0; n < 20; ++n, ++spawned)
                group->spawn([&, n] {
                    if (n % 5 == 0) sleep_for(microseconds{n});
                    Group own;
                    own.spawn([&] { ++ran; });
                });
        });
    }
    EXPECT_EQ(ran, spawned);
    EXPECT_EQ(stats().homes, before.homes);
    EXPECT_LE(stats().stacks_in_use, before.stacks_in_use) << "an ended runtime keeps stacks";
}

INSTANTIATE_TEST_SUITE_P(Threads, RuntimeRaces, testing::Values(1, 2, 4));

} // namespace
} // namespace frond::test
