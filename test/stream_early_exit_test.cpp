// Leaving a stream, in whatever way, stops the work behind it.

#include <frond/stream.hpp>

#include "support/gate.hpp"
#include "support/gauge.hpp"
#include "support/generated.hpp"
#include "support/lives.hpp"
#include "support/other_thread.hpp"
#include "support/threads_test.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/sync/channel.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::Group;
using frond::Pool;
using frond::Shield;
using frond::Stream;
using frond::test::Gauge;
using frond::test::Generated;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::yield_until;

namespace {

class StreamEarlyExit : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, StreamEarlyExit, testing::Values(0, 1, 2, 4));

int identity(int i) { return i; }

/// An input without end of elements that are counted, and a call that ends for the first of them only.
class Work {
public:
    struct Element {
        int number;
        Mortal mortal;
    };

    Stream<int> stream(Pool& pool, std::size_t limit = 4) {
        auto input = std::views::iota(0) | std::views::transform([this, mortal = Mortal{inputs_}](int i) {
                         ++read_;
                         return Element{i, Mortal{elements_}};
                     });
        return pool.imap_unordered(std::move(input),
                                   [this, mortal = Mortal{callables_}](Element const& e) {
                                       ++started_;
                                       Gauge::Inside const inside{gauge_};
                                       if (e.number > 0) frond::sleep_for(1h);
                                       return e.number;
                                   },
                                   {.limit = limit, .buffer = 2});
    }
    void until_running(std::size_t n) const {
        yield_until([&] { return gauge_.inside() >= n; });
    }
    /// Now, and after everybody had a turn.
    void expect_over(Pool const& pool) const {
        auto const started = started_.load();
        auto const read = read_.load();
        EXPECT_EQ(gauge_.inside(), 0U);
        EXPECT_EQ(inputs_.alive(), 0);
        EXPECT_EQ(elements_.alive(), 0);
        EXPECT_EQ(callables_.alive(), 0);
        EXPECT_EQ(pool.stats().live, 0U);
        EXPECT_EQ(pool.stats().active, 0U);
        for (int turn = 0; turn < 100; ++turn) frond::yield();
        EXPECT_EQ(started_, started);
        EXPECT_EQ(read_, read);
    }
    std::size_t started() const { return started_; }
    std::size_t running() const { return gauge_.inside(); }

private:
    Gauge gauge_;
    Lives inputs_;
    Lives elements_;
    Lives callables_;
    std::atomic<std::size_t> started_{0};
    std::atomic<std::size_t> read_{0};
};

TEST_P(StreamEarlyExit, ByBreak) {
    run([] {
        Work work;
        Pool pool{2};
        for (int&& each : work.stream(pool)) {
            EXPECT_EQ(each, 0);
            work.until_running(2);
            break;
        }
        work.expect_over(pool);
        EXPECT_EQ(work.started(), 3U); // what was queued never started
        EXPECT_EQ(pool.run([] { return 5; }), 5);
    });
}

TEST_P(StreamEarlyExit, ByAnException) {
    run([] {
        Work work;
        Pool pool{2};
        auto const loop = [&] {
            for ([[maybe_unused]] int&& each : work.stream(pool)) {
                work.until_running(2);
                throw std::runtime_error("enough");
            }
        };
        EXPECT_THROW(loop(), std::runtime_error);
        work.expect_over(pool);
    });
}

TEST_P(StreamEarlyExit, ByDestructionBeforeAnythingIsRead) {
    run([] {
        Work work;
        Pool pool{2};
        {
            auto const stream = work.stream(pool);
            work.until_running(2);
        }
        work.expect_over(pool);
    });
}

TEST_P(StreamEarlyExit, ByDestructionBeforeAnythingCouldStart) {
    run([] {
        Work work;
        Pool pool{2};
        work.stream(pool);
        work.expect_over(pool);
    });
}

TEST_P(StreamEarlyExit, ByAssignmentOfAnotherStream) {
    run([] {
        Work work;
        Pool pool{2};
        auto stream = work.stream(pool);
        work.until_running(2);
        stream = Stream<int>{};
        work.expect_over(pool);
    });
}

TEST_P(StreamEarlyExit, ByCancellation) {
    run([] {
        Work work;
        Pool pool{2};
        {
            auto stream = work.stream(pool);
            EXPECT_EQ(stream.next(), 0);
            work.until_running(2);
            EXPECT_GE(stream.cancel(), 3U);
            EXPECT_EQ(work.running(), 0U);
            EXPECT_EQ(pool.stats().live, 0U);
            EXPECT_EQ(stream.next(), std::nullopt);
        }
        work.expect_over(pool);
    });
}

TEST_P(StreamEarlyExit, OfACancelledReader) {
    run([] {
        Work work;
        Pool pool{2};
        Group readers;
        auto const reader = readers.spawn([&] {
            for ([[maybe_unused]] int&& each : work.stream(pool)) {
            }
        });
        work.until_running(2);
        EXPECT_TRUE(reader.cancel());
        work.expect_over(pool);
    });
}

TEST_P(StreamEarlyExit, OfAReaderWhoseTimeIsOver) {
    run([] {
        Work work;
        Pool pool{2};
        auto const read = [&] {
            for ([[maybe_unused]] int&& each : work.stream(pool)) {
            }
        };
        EXPECT_THROW(frond::with_timeout(2ms, read), frond::TimedOut);
        work.expect_over(pool);
    });
}

TEST_P(StreamEarlyExit, OfATaskOfTheSameFullPool) {
    for (std::size_t const cap : {1U, 2U}) {
        run([cap] {
            Work work;
            Pool pool{cap};
            pool.run([&] {
                for ([[maybe_unused]] int&& each : work.stream(pool)) break;
            });
            work.expect_over(pool);
            EXPECT_LE(pool.stats().active_peak, cap);
        });
    }
}

TEST_P(StreamEarlyExit, OnAPlainThread) {
    run([] {
        Work work;
        Pool pool{2};
        frond::test::on_other_thread([&] {
            for ([[maybe_unused]] int&& each : work.stream(pool)) break;
        });
        work.expect_over(pool);
    });
}

TEST_P(StreamEarlyExit, WhileTheInputWaits) {
    run([] {
        Lives lives;
        std::atomic<bool> waits{false};
        frond::Channel<int> never;
        Pool pool{2};
        {
            auto const stream = pool.imap(Generated{[&, mortal = Mortal{lives}] {
                                              waits = true;
                                              return never.pop().value_or(-1);
                                          }},
                                          &identity);
            yield_until([&] { return waits.load(); });
        }
        EXPECT_EQ(lives.alive(), 0);
        EXPECT_EQ(pool.stats().live, 0U);
    });
}

TEST_P(StreamEarlyExit, OfStreamsOfStreams) {
    run([] {
        Work work;
        Pool pool{2};
        {
            auto outer = pool.imap(work.stream(pool), [&pool](int i) {
                for ([[maybe_unused]] int&& each : pool.imap(std::views::iota(i), &identity)) {
                }
                return i;
            });
            work.until_running(1);
        }
        work.expect_over(pool);
    });
}

TEST_P(StreamEarlyExit, AwaitsTheCleanUpOfWhatRuns) {
    run([] {
        std::atomic<int> running{0};
        std::atomic<int> cleaned{0};
        Pool pool{3};
        {
            auto const stream = pool.imap(std::views::iota(0), [&](int) {
                ++running;
                try {
                    frond::sleep_for(1h);
                } catch (Cancelled const&) {
                    Shield const shield;
                    frond::sleep_for(1ms);
                    ++cleaned;
                    throw;
                }
            });
            yield_until([&] { return running == 3; });
        }
        EXPECT_EQ(cleaned, 3);
    });
}

TEST_P(StreamEarlyExit, TakesOneCancellationHoweverManyWait) {
    run([] {
        std::atomic<int> running{0};
        Group group;
        std::optional stream{group.imap(
            std::views::iota(0), [&running](int) { ++running, frond::sleep_for(1h); }, {.limit = 100})};
        yield_until([&] { return running == 100; });
        auto const begin = std::chrono::steady_clock::now();
        stream.reset();
        EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s); // one after another would not end today
    });
}

TEST_P(StreamEarlyExit, TellsTheTasksWhy) {
    run([] {
        std::atomic<bool> running{false};
        std::atomic<bool> told{false};
        Pool pool{1};
        auto stream = pool.imap(std::vector{1}, [&](int) {
            try {
                running = true;
                frond::sleep_for(1h);
            } catch (Cancelled const& c) {
                told = c.reason() == "closing time";
                throw;
            }
        });
        yield_until([&] { return running.load(); });
        EXPECT_GE(stream.cancel("closing time"), 1U);
        EXPECT_TRUE(told);
    });
}

} // namespace
