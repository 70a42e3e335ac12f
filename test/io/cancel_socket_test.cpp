// Sockets whose operations are cut short: nothing is lost, and they can be used again.

#include "io/loopback.hpp"
#include "support/scale.hpp"

#include <frond/asio.hpp>
#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/runtime.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <list>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::tcp;
using boost::system::error_code;
using frond::Cancelled;
using frond::Group;
using frond::io_context;
using frond::Runtime;
using frond::TimedOut;
using frond::use_fiber;
using frond::test::connected_pair;
using frond::test::scaled;

namespace {

std::size_t read_some(tcp::socket& socket) {
    std::array<char, 64> bytes;
    return socket.async_read_some(asio::buffer(bytes), use_fiber);
}

// --- one socket ----------------------------------------------------------------------------------------

TEST(CancelledRead, LeavesTheSocketUsable) {
    auto [ours, theirs] = connected_pair();
    EXPECT_THROW(frond::with_timeout(5ms, [&socket = ours] { read_some(socket); }), TimedOut);
    theirs.send(asio::buffer("hello", 5));
    EXPECT_EQ(read_some(ours), 5U);
}

TEST(CancelledRead, GivesWhatHasArrivedBeforeTheDeadline) {
    auto [ours, theirs] = connected_pair();
    theirs.send(asio::buffer("hello", 5));
    EXPECT_EQ(frond::with_timeout(1h, [&socket = ours] { return read_some(socket); }), 5U);
}

TEST(CancelledRead, EndsAtTheNearestDeadlineOnly) {
    auto [ours, theirs] = connected_pair();
    std::size_t const n = frond::with_timeout(1h, [&socket = ours, &peer = theirs] {
        EXPECT_THROW(frond::with_timeout(5ms, [&] { read_some(socket); }), TimedOut);
        peer.send(asio::buffer("hello", 5));
        return read_some(socket);
    });
    EXPECT_EQ(n, 5U);
}

TEST(CancelledRead, PassesInnerScopesWhenTheOuterDeadlineComes) {
    auto [ours, theirs] = connected_pair();
    bool inner_timed_out = false;
    EXPECT_THROW(frond::with_timeout(5ms,
                                     [&, &socket = ours] {
                                         try {
                                             frond::with_timeout(1h, [&] { read_some(socket); });
                                         } catch (TimedOut const&) {
                                             inner_timed_out = true;
                                         }
                                     }),
                 TimedOut);
    EXPECT_FALSE(inner_timed_out);
}

TEST(CancelledRead, LetsCleanUpUseTheSocketWhileUnwinding) {
    auto [ours, theirs] = connected_pair();
    struct SaysGoodbye {
        tcp::socket& socket;
        ~SaysGoodbye() {
            asio::async_write(socket, asio::buffer("bye", 3), use_fiber);
            std::array<char, 2> answer;
            asio::async_read(socket, asio::buffer(answer), use_fiber);
        }
    };
    Group group;
    auto const task = group.spawn([&socket = ours] {
        SaysGoodbye const at_end{socket};
        read_some(socket);
    });
    group.spawn([&socket = theirs] {
        std::array<char, 3> bytes;
        asio::async_read(socket, asio::buffer(bytes), use_fiber);
        frond::sleep_for(2ms);
        asio::async_write(socket, asio::buffer("ok", 2), use_fiber);
    });
    frond::yield();
    EXPECT_TRUE(task.cancel());
    group.join();
}

TEST(CancelledRead, IsRepeatedBehindAShield) {
    auto [ours, theirs] = connected_pair();
    Group group;
    std::size_t got = 0;
    auto const task = group.spawn([&, &socket = ours] {
        try {
            read_some(socket);
        } catch (Cancelled const&) {
            frond::Shield const shield;
            got = read_some(socket);
            throw;
        }
    });
    frond::yield();
    task.request_cancel();
    frond::sleep_for(2ms);
    theirs.send(asio::buffer("hello", 5));
    EXPECT_THROW(task.get(), Cancelled);
    EXPECT_EQ(got, 5U);
}

TEST(CancelledRead, IsCancelledWithTheOthersOfItsGroup) {
    std::size_t const count = scaled(1000);
    std::list<std::pair<tcp::socket, tcp::socket>> pairs;
    Group group;
    for (std::size_t i = 0; i < count; ++i) {
        auto& pair = pairs.emplace_back(connected_pair());
        group.spawn([&socket = pair.first] { read_some(socket); });
    }
    frond::sleep_for(1ms);
    EXPECT_EQ(group.cancel(), count);
    EXPECT_TRUE(group.empty());
}

// --- answers that come with the deadline ---------------------------------------------------------------

/// Reads until the end, with deadlines that pass all the time. Gives how many bytes it got.
std::size_t read_impatiently(tcp::socket& socket, std::size_t& timeouts, unsigned seed) {
    std::mt19937 random{seed};
    std::uniform_int_distribution<int> microseconds{0, 150};
    std::size_t sum = 0;
    std::array<char, 16> bytes;
    error_code ec;
    while (!ec) {
        try {
            sum += frond::with_timeout(std::chrono::microseconds{microseconds(random)}, [&] {
                return socket.async_read_some(asio::buffer(bytes), use_fiber[ec]);
            });
        } catch (TimedOut const&) {
            ++timeouts;
        }
    }
    return sum;
}

void write_hesitantly(tcp::socket& socket, std::size_t count, unsigned seed) {
    std::mt19937 random{seed};
    std::uniform_int_distribution<int> microseconds{0, 150};
    for (std::size_t i = 0; i < count; ++i) {
        asio::async_write(socket, asio::buffer("x", 1), use_fiber);
        frond::sleep_for(std::chrono::microseconds{microseconds(random)});
    }
    socket.close();
}

TEST(CancelledRead, LosesNothingThatComesWithTheDeadline) {
    std::size_t const count = scaled(2000);
    auto [ours, theirs] = connected_pair();
    std::size_t timeouts = 0;
    Group group;
    group.spawn([&socket = theirs, count] { write_hesitantly(socket, count, 1); });
    EXPECT_EQ(read_impatiently(ours, timeouts, 2), count);
    EXPECT_GT(timeouts, 0U);
}

TEST(CancelledReceive, LosesNothingOfAChannelThatComesWithTheDeadline) {
    int const count = static_cast<int>(scaled(2000));
    asio::experimental::channel<void(error_code, int)> channel{io_context(), 0};
    std::mt19937 random{3};
    std::uniform_int_distribution<int> microseconds{0, 100};
    auto const some_time = [&] { return std::chrono::microseconds{microseconds(random)}; };
    Group group;
    group.spawn([&] {
        for (int i = 0; i < count; ++i) {
            channel.async_send(error_code{}, i, use_fiber);
            frond::sleep_for(some_time());
        }
    });
    int timeouts = 0;
    for (int expected = 0; expected < count;) {
        try {
            int const got =
                frond::with_timeout(some_time(), [&] { return channel.async_receive(use_fiber); });
            EXPECT_EQ(got, expected++);
        } catch (TimedOut const&) {
            ++timeouts;
            frond::yield();
        }
    }
    EXPECT_GT(timeouts, 0);
}

// --- threads -------------------------------------------------------------------------------------------

class RuntimeCancel : public testing::TestWithParam<std::size_t> {
protected:
    Runtime runtime{{.threads = GetParam()}};
};

INSTANTIATE_TEST_SUITE_P(Threads, RuntimeCancel, testing::Values(1, 2, 4),
                         [](auto const& tested) { return std::to_string(tested.param); });

TEST_P(RuntimeCancel, EndsReadsOnAllThreadsFromOutside) {
    std::size_t const count = scaled(200);
    std::atomic<std::size_t> reading{0};
    std::atomic<std::size_t> cancelled{0};
    runtime.run([&] {
        Group group;
        for (std::size_t i = 0; i < count; ++i) {
            group.spawn([&] {
                auto [ours, theirs] = connected_pair();
                ++reading;
                try {
                    read_some(ours);
                } catch (Cancelled const&) {
                    ++cancelled;
                    throw;
                }
            });
        }
        std::thread outside{[&] {
            while (reading < count) std::this_thread::sleep_for(100us);
            group.request_cancel();
        }};
        group.join();
        outside.join();
    });
    EXPECT_EQ(cancelled, count);
}

TEST_P(RuntimeCancel, LosesNothingWhenCancellationAndDataMeet) {
    std::size_t const pairs = scaled(40);
    std::atomic<std::size_t> wrong{0};
    runtime.run([&] {
        Group group;
        for (unsigned i = 0; i < pairs; ++i) {
            group.spawn([&wrong, i] {
                constexpr std::size_t count = 50;
                auto [ours, theirs] = connected_pair();
                std::atomic<std::size_t> got{0};
                Group inner;
                inner.spawn({.pinned = true}, [&socket = theirs, i] { write_hesitantly(socket, count, i); });
                // A task after the other reads, and is cancelled by one that may run on another thread.
                bool over = false;
                while (!over) {
                    auto const reads = inner.spawn({.pinned = true}, [&got, &over, &socket = ours] {
                        error_code ec;
                        std::array<char, 16> bytes;
                        while (!ec) got += socket.async_read_some(asio::buffer(bytes), use_fiber[ec]);
                        over = true;
                    });
                    auto const stops = inner.spawn([reads] {
                        frond::sleep_for(100us);
                        reads.request_cancel();
                    });
                    reads.wait();
                    stops.wait();
                }
                if (got != count) ++wrong;
            });
        }
        group.join();
    });
    EXPECT_EQ(wrong, 0U);
}

} // namespace
