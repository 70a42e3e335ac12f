// Deadlines and cancellations that collide with pushes and pops: every item that was sent arrives once, and
// none that was not.

#include "support/scale.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/runtime.hpp>
#include <frond/sync/channel.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using frond::Channel;
using frond::Group;
using frond::Runtime;
using frond::Task;
using frond::unlimited;
using frond::test::scaled;

namespace {

/// So that a second delivery would be a second `delete`.
using Item = std::unique_ptr<std::size_t>;

struct Books {
    explicit Books(std::size_t items) : arrived(items) {}

    std::vector<std::atomic<int>> arrived;
    std::atomic<std::size_t> next{0}; ///< the next item to be made
    std::atomic<std::size_t> sent{0};
};

class Dice {
public:
    explicit Dice(unsigned seed) : engine_{seed} {}
    unsigned below(unsigned n) { return static_cast<unsigned>(engine_() % n); }
    /// About as long as the others take to get there.
    std::chrono::microseconds instant() { return std::chrono::microseconds{below(120)}; }

private:
    std::mt19937 engine_;
};

/// Sends until all items are made. An item that was not taken is sent again.
void produce(Channel<Item>& channel, Books& books, Dice dice) {
    for (;;) {
        auto const number = books.next++;
        if (number >= books.arrived.size()) return;
        auto item = std::make_unique<std::size_t>(number);
        while (item) {
            bool sent = true;
            try {
                switch (dice.below(4)) {
                case 0:
                    sent = channel.try_push(std::move(item));
                    break;
                case 1:
                    sent = channel.push_for(std::move(item), dice.instant());
                    break;
                case 2:
                    frond::with_timeout(dice.instant(), [&] { channel.push(std::move(item)); });
                    break;
                default:
                    channel.push(std::move(item));
                }
            } catch (frond::TimedOut const&) {
                sent = false;
            }
            ASSERT_EQ(sent, !item);
            if (!sent) frond::yield();
        }
        ++books.sent;
    }
}

void consume(Channel<Item>& channel, Books& books, Dice dice) {
    for (;;) {
        std::optional<Item> item;
        switch (dice.below(4)) {
        case 0:
            item = channel.try_pop();
            break;
        case 1:
            item = channel.pop_for(dice.instant());
            break;
        case 2:
            // What was taken counts, however late it is: `item` is filled inside.
            frond::move_on_after(dice.instant(), [&] { item = channel.pop(); });
            break;
        default:
            item = channel.pop();
        }
        if (item) {
            ++books.arrived[**item];
        } else {
            if (channel.is_closed() && channel.size() == 0) return;
            frond::yield();
        }
    }
}

using Setting = std::tuple<std::size_t, std::size_t>; ///< threads (0: no runtime), capacity

class ChannelStress : public testing::TestWithParam<Setting> {
protected:
    template <class F>
    static void on_threads(F body) {
        auto const threads = std::get<0>(GetParam());
        if (threads == 0) {
            body();
            return;
        }
        Runtime runtime{{.threads = threads}};
        runtime.run(body);
    }
    static std::size_t capacity() { return std::get<1>(GetParam()); }

    static void expect_sent_once(Books const& books) {
        std::size_t arrived = 0;
        for (auto const& times : books.arrived) {
            ASSERT_LE(times, 1);
            arrived += static_cast<std::size_t>(times);
        }
        EXPECT_EQ(arrived, books.sent);
    }
};
INSTANTIATE_TEST_SUITE_P(ThreadsAndCapacity, ChannelStress,
                         testing::Combine(testing::Values(0, 1, 2, 4), testing::Values(0, 1, 5, unlimited)));

TEST_P(ChannelStress, DeadlinesThatCollideLoseAndDoubleNothing) {
    Books books{scaled(20'000)};
    on_threads([&] {
        Channel<Item> channel{capacity()};
        Group consumers;
        for (unsigned i = 0; i < 4; ++i) consumers.spawn([&, i] { consume(channel, books, Dice{i}); });
        Group producers;
        for (unsigned i = 0; i < 4; ++i) producers.spawn([&, i] { produce(channel, books, Dice{10 + i}); });
        producers.join();
        channel.close();
        consumers.join();
    });
    EXPECT_EQ(books.sent, books.arrived.size());
    expect_sent_once(books);
}

/// Each consumer takes one item and is likely to be cancelled just then; each producer likewise.
TEST_P(ChannelStress, CancellationsThatCollideLoseAndDoubleNothing) {
    std::size_t const rounds = scaled(3'000);
    Books books{2 * rounds};
    on_threads([&] {
        Channel<Item> channel{capacity()};
        Dice dice{7};
        for (std::size_t round = 0; round < rounds; ++round) {
            Group group;
            std::vector<Task<void>> tasks;
            for (std::size_t n : {2 * round, 2 * round + 1}) {
                tasks.push_back(group.spawn([&, n] {
                    auto item = std::make_unique<std::size_t>(n);
                    channel.push(std::move(item));
                    ++books.sent;
                }));
                tasks.push_back(group.spawn([&] {
                    auto const item = channel.pop();
                    ++books.arrived[**item];
                }));
            }
            for (unsigned i = dice.below(4); i > 0; --i) frond::yield();
            for (auto& task : tasks)
                if (dice.below(3) == 0) task.request_cancel();
            if (dice.below(2) == 0) frond::yield();
            group.cancel();
        }
        channel.close();
        while (auto item = channel.try_pop()) ++books.arrived[**item];
    });
    EXPECT_GT(books.sent, 0u);
    expect_sent_once(books);
}

/// Plain threads, with deadlines only.
TEST(ChannelStressOfThreads, DeadlinesThatCollideLoseAndDoubleNothing) {
    for (int const capacity : {0, 1}) {
        Books books{scaled(4'000)};
        Channel<Item> channel{capacity};
        std::vector<std::thread> takers;
        for (unsigned i = 0; i < 2; ++i) takers.emplace_back([&, i] { consume(channel, books, Dice{i}); });
        std::vector<std::thread> makers;
        for (unsigned i = 0; i < 2; ++i)
            makers.emplace_back([&, i] { produce(channel, books, Dice{10 + i}); });
        for (auto& t : makers) t.join();
        channel.close();
        for (auto& t : takers) t.join();
        std::size_t arrived = 0;
        for (auto const& times : books.arrived) {
            ASSERT_LE(times, 1);
            arrived += static_cast<std::size_t>(times);
        }
        EXPECT_EQ(arrived, books.arrived.size());
    }
}

} // namespace
