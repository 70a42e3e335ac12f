// I/O on the threads of a runtime: each has a reactor of its own, and a fiber stays with its.

#include <frond/asio.hpp>

#include "io/loopback.hpp"
#include "support/gate.hpp"
#include "support/scale.hpp"

#include <frond/group.hpp>
#include <frond/listener.hpp>
#include <frond/pool.hpp>
#include <frond/runtime.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <latch>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/write.hpp>

#include <sys/resource.h>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::tcp;
using boost::system::error_code;
using frond::Group;
using frond::io_context;
using frond::Runtime;
using frond::use_fiber;
using frond::test::any_loopback_port;
using frond::test::connected_pair;
using frond::test::Gate;
using frond::test::scaled;
using frond::test::yield_until;

namespace {

std::chrono::microseconds processor_time() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    auto const of = [](timeval const& t) {
        return std::chrono::seconds{t.tv_sec} + std::chrono::microseconds{t.tv_usec};
    };
    return of(usage.ru_utime) + of(usage.ru_stime);
}

/// A runtime all of whose threads sleep in Asio when they have nothing to do.
class RuntimeIo : public testing::TestWithParam<std::size_t> {
protected:
    RuntimeIo() {
        runtime.run_on_each([this] {
            std::lock_guard const lock{mutex_};
            contexts_[std::this_thread::get_id()] = &io_context();
        });
    }

    std::map<std::thread::id, asio::io_context*> const& contexts() const { return contexts_; }
    asio::io_context& context_of_another_thread() const {
        for (auto const& [thread, context] : contexts_)
            if (thread != std::this_thread::get_id()) return *context;
        return io_context();
    }
    void wait_until_all_sleep() {
        while (runtime.stats().sleeping < runtime.threads()) std::this_thread::sleep_for(100us);
    }

    Runtime runtime{{.threads = GetParam()}};

private:
    std::mutex mutex_;
    std::map<std::thread::id, asio::io_context*> contexts_;
};

INSTANTIATE_TEST_SUITE_P(Threads, RuntimeIo, testing::Values(1, 2, 4),
                         [](auto const& tested) { return std::to_string(tested.param); });

// --- where fibers run ----------------------------------------------------------------------------------

TEST_P(RuntimeIo, GivesEachThreadAContextOfItsOwn) {
    std::map<asio::io_context*, std::thread::id> owners{{&io_context(), std::this_thread::get_id()}};
    for (auto const& [thread, context] : contexts()) owners[context] = thread;
    EXPECT_EQ(contexts().size(), GetParam());
    EXPECT_EQ(owners.size(), GetParam() + 1);
}

TEST_P(RuntimeIo, KeepsAFiberOnItsThreadOverEveryKindOfIo) {
    std::atomic<std::size_t> moved{0};
    runtime.run_on_each([&] {
        Group group;
        for (std::size_t i = 0; i < scaled(100); ++i) {
            group.spawn([&moved, i] {
                auto const thread = std::this_thread::get_id();
                auto const context = &io_context();
                auto const look = [&] {
                    if (std::this_thread::get_id() != thread || &io_context() != context) ++moved;
                };
                asio::steady_timer{io_context(), std::chrono::microseconds{i}}.async_wait(use_fiber);
                look();
                auto [ours, theirs] = connected_pair();
                asio::async_write(ours, asio::buffer("x", 1), use_fiber);
                std::array<char, 1> byte;
                asio::async_read(theirs, asio::buffer(byte), use_fiber);
                look();
                asio::post(io_context(), use_fiber);
                look();
                frond::sleep_for(10us);
                look();
            });
        }
        group.join();
    });
    EXPECT_EQ(moved, 0U);
}

TEST_P(RuntimeIo, ResolvesNamesOnAllThreads) {
    std::atomic<std::size_t> found{0};
    runtime.run_on_each([&] {
        auto const thread = std::this_thread::get_id();
        tcp::resolver resolver{io_context()};
        for (std::size_t i = 0; i < scaled(10); ++i) {
            found += resolver.async_resolve("127.0.0.1", "80", tcp::resolver::numeric_host, use_fiber).size();
            EXPECT_EQ(std::this_thread::get_id(), thread);
        }
    });
    EXPECT_EQ(found, scaled(10) * GetParam());
}

TEST_P(RuntimeIo, ResumesAFiberOnItsThreadWhoseTimerIsAnothersThreads) {
    runtime.run_on_each([&] {
        auto const thread = std::this_thread::get_id();
        auto& theirs = context_of_another_thread();
        for (std::size_t i = 0; i < scaled(200); ++i) {
            asio::steady_timer timer{theirs, std::chrono::microseconds{i % 3 * 50}};
            timer.async_wait(use_fiber);
            ASSERT_EQ(std::this_thread::get_id(), thread);
        }
    });
}

TEST_P(RuntimeIo, ResumesAFiberOnItsThreadWhereverTheHandlerRuns) {
    asio::thread_pool elsewhere{2};
    runtime.run([&] {
        Group group;
        for (int i = 0; i < 20; ++i) {
            group.spawn([&] {
                auto const thread = std::this_thread::get_id();
                for (std::size_t n = scaled(100); n > 0; --n) {
                    asio::post(elsewhere, use_fiber);
                    ASSERT_EQ(std::this_thread::get_id(), thread);
                    asio::post(context_of_another_thread(), use_fiber);
                    ASSERT_EQ(std::this_thread::get_id(), thread);
                }
            });
        }
        group.join();
    });
    elsewhere.join();
}

TEST_P(RuntimeIo, LetsTheMainThreadWaitForAnObjectOfARuntime) {
    auto const here = std::this_thread::get_id();
    for (std::size_t i = 0; i < scaled(100); ++i) {
        asio::post(context_of_another_thread(), use_fiber);
        ASSERT_EQ(std::this_thread::get_id(), here);
    }
}

// --- waking up -----------------------------------------------------------------------------------------

TEST_P(RuntimeIo, WakesThreadsThatSleepInAsioForTasksToTake) {
    for (std::size_t i = 0; i < scaled(100); ++i) {
        if (i % 2 == 0) wait_until_all_sleep();
        runtime.run([&] {
            // Each keeps its thread until all run, so there must be a thread for each.
            std::latch all_run{static_cast<std::ptrdiff_t>(GetParam())};
            Group group;
            for (std::size_t t = 0; t < GetParam(); ++t) group.spawn([&] { all_run.arrive_and_wait(); });
            group.join();
        });
    }
}

TEST_P(RuntimeIo, FindsTheLastTaskOfAComputingThreadWhileTheOthersAccept) {
    std::optional<Group> connections;
    runtime.run([&] { connections.emplace(); });
    frond::Listener listener{any_loopback_port()};
    Group serving;
    serving.spawn([&] { listener.serve(*connections, [](tcp::socket) {}); });
    frond::yield();
    for (std::size_t i = 0; i < scaled(20); ++i) {
        wait_until_all_sleep();
        runtime.run([&] {
            // Nobody lets go of its thread before all have begun.
            std::latch all_run{static_cast<std::ptrdiff_t>(GetParam())};
            Group group;
            for (std::size_t t = 1; t < GetParam(); ++t) group.spawn([&] { all_run.arrive_and_wait(); });
            all_run.arrive_and_wait();
            group.join();
        });
    }
    listener.close();
    serving.join();
    connections.reset();
}

TEST_P(RuntimeIo, WakesAThreadThatSleepsInAsioForAPinnedTask) {
    for (std::size_t i = 0; i < scaled(50); ++i) {
        std::atomic<std::size_t> ran{0};
        wait_until_all_sleep();
        runtime.run_on_each([&] { ++ran; });
        ASSERT_EQ(ran, GetParam());
    }
}

TEST_P(RuntimeIo, WakesAThreadThatSleepsInAsioForAFiberThatAnotherThreadWakes) {
    runtime.run([&] {
        frond::Pool pool{1};
        Group group;
        // Every task gets its slot from one that ends, as a rule on another thread.
        for (std::size_t i = 0; i < scaled(500); ++i)
            group.spawn(
                [&] { pool.run([] { asio::steady_timer{io_context(), 20us}.async_wait(use_fiber); }); });
        group.join();
        EXPECT_EQ(pool.stats().active_peak, 1U);
    });
}

TEST_P(RuntimeIo, WakesAThreadThatSleepsInAsioForATaskOfAPlainThread) {
    std::optional<Group> group;
    runtime.run([&] { group.emplace(); });
    for (std::size_t i = 0; i < scaled(200); ++i) {
        wait_until_all_sleep();
        EXPECT_EQ(group->run([i] { return i; }), i);
    }
    group.reset();
}

TEST_P(RuntimeIo, RunsTasksWhoseThreadComputesBesideOpenReads) {
    runtime.run([&] {
        auto [ours, theirs] = connected_pair();
        Group group;
        std::array<char, 1> byte;
        group.spawn({.pinned = true},
                    [&, &socket = theirs] { asio::async_read(socket, asio::buffer(byte), use_fiber); });
        frond::yield();
        if (GetParam() > 1) {
            // One task alone is left to its thread at first; as that does not come to it, another takes it.
            std::atomic<bool> ran{false};
            group.spawn([&] { ran = true; });
            while (!ran) {
            }
        }
        asio::async_write(ours, asio::buffer("x", 1), use_fiber);
        group.join();
        EXPECT_EQ(byte[0], 'x');
    });
}

// --- together ------------------------------------------------------------------------------------------

TEST_P(RuntimeIo, EchoesOverAllThreads) {
    std::size_t const connections = scaled(100);
    constexpr int rounds = 10;
    std::atomic<std::size_t> right{0};
    runtime.run([&] {
        tcp::acceptor acceptor{io_context(), any_loopback_port()};
        Group group;
        group.spawn({.pinned = true}, [&] {
            for (std::size_t i = 0; i < connections; ++i) {
                auto const serve = [](tcp::socket socket) {
                    std::array<char, 64> bytes;
                    error_code ec;
                    while (!ec) {
                        std::size_t const n = socket.async_read_some(asio::buffer(bytes), use_fiber[ec]);
                        if (!ec) asio::async_write(socket, asio::buffer(bytes, n), use_fiber[ec]);
                    }
                    EXPECT_EQ(ec, asio::error::eof);
                };
                group.spawn({.pinned = true}, serve, acceptor.async_accept(use_fiber));
            }
        });
        for (std::size_t i = 0; i < connections; ++i) {
            group.spawn([&, i] {
                tcp::socket socket{io_context()};
                socket.async_connect(acceptor.local_endpoint(), use_fiber);
                for (int round = 0; round < rounds; ++round) {
                    std::string const text = "message " + std::to_string(i) + ' ' + std::to_string(round);
                    asio::async_write(socket, asio::buffer(text), use_fiber);
                    std::string answer(text.size(), ' ');
                    asio::async_read(socket, asio::buffer(answer), use_fiber);
                    if (answer == text) ++right;
                }
            });
        }
        group.join();
    });
    EXPECT_EQ(right, rounds * connections);
}

TEST_P(RuntimeIo, CostsNoProcessorTimeWhileAllWait) {
    runtime.run([&] {
        tcp::acceptor acceptor{io_context(), any_loopback_port()};
        Group group;
        std::atomic<std::size_t> reading{0};
        std::vector<std::pair<tcp::socket, tcp::socket>> pairs;
        for (int i = 0; i < 50; ++i) pairs.push_back(connected_pair());
        for (auto& pair : pairs) {
            group.spawn({.pinned = true}, [&reading, &socket = pair.first] {
                ++reading;
                std::array<char, 1> byte;
                error_code ec;
                socket.async_read_some(asio::buffer(byte), use_fiber[ec]);
            });
        }
        yield_until([&] { return reading == pairs.size(); });
        frond::sleep_for(20ms);
        auto const before = processor_time();
        frond::sleep_for(1s);
        EXPECT_LT(processor_time() - before, 10ms);
        for (auto& pair : pairs) pair.second.close();
        group.join();
    });
}

TEST(RuntimesWithIo, ComeAndGoAndLeaveNoFileOpen) {
    auto const files = [] {
        std::filesystem::directory_iterator const open{"/proc/self/fd"};
        return std::distance(begin(open), end(open));
    };
    auto const once = [] {
        Runtime runtime{{.threads = 3}};
        runtime.run_on_each([] { asio::steady_timer{io_context(), 10us}.async_wait(use_fiber); });
    };
    once(); // the next ones take over its contexts
    auto const before = files();
    for (std::size_t i = 0; i < scaled(100); ++i) once();
    EXPECT_EQ(files(), before);
}

TEST(RuntimesWithIo, WorkSideBySide) {
    Runtime one{{.threads = 2}};
    Runtime other{{.threads = 2}};
    std::optional<tcp::endpoint> where;
    std::optional<Group> servers;
    one.run([&] { servers.emplace(); });
    Gate listening;
    auto const served = servers->spawn([&] {
        tcp::acceptor acceptor{io_context(), any_loopback_port()};
        where = acceptor.local_endpoint();
        listening.open();
        tcp::socket socket = acceptor.async_accept(use_fiber);
        asio::async_write(socket, asio::buffer("hello", 5), use_fiber);
    });
    std::string const got = other.run([&] {
        listening.pass();
        tcp::socket socket{io_context()};
        socket.async_connect(*where, use_fiber);
        std::string text(5, ' ');
        asio::async_read(socket, asio::buffer(text), use_fiber);
        return text;
    });
    served.get();
    servers.reset();
    EXPECT_EQ(got, "hello");
}

} // namespace
