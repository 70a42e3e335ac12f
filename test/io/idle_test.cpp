// What a waiting program costs, and how exactly it wakes.

#include <frond/asio.hpp>

#include "io/loopback.hpp"
#include "support/scale.hpp"
#include "support/stall_test.hpp"

#include <frond/blocking.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <sys/resource.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::tcp;
using frond::Deadlock;
using frond::Group;
using frond::io_context;
using frond::use_fiber;

namespace {

/// How late the middle one of 200 sleeps of 300 µs ends. The median, because the machine does other things,
/// too.
std::chrono::nanoseconds median_lateness() {
    std::vector<std::chrono::nanoseconds> late;
    for (int i = 0; i < 200; ++i) {
        auto const due = std::chrono::steady_clock::now() + 300us;
        frond::sleep_until(due);
        late.push_back(std::chrono::steady_clock::now() - due);
    }
    std::ranges::nth_element(late, late.begin() + 100);
    return late[100];
}

std::chrono::microseconds processor_time() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    auto const of = [](timeval const& t) {
        return std::chrono::seconds{t.tv_sec} + std::chrono::microseconds{t.tv_usec};
    };
    return of(usage.ru_utime) + of(usage.ru_stime);
}

TEST(Sleep, IsExactToAFifthOfAMillisecondWithoutAsio) {
    std::thread{[] { EXPECT_LE(median_lateness(), 200us); }}.join();
}

TEST(Sleep, IsExactToAFifthOfAMillisecondInAsio) {
    std::thread{[] {
        io_context();
        EXPECT_LE(median_lateness(), 200us);
    }}.join();
}

TEST(Sleep, NeverEndsEarlyInAsio) {
    io_context();
    for (int i = 0; i < 50; ++i) {
        auto const due = std::chrono::steady_clock::now() + i * 20us;
        frond::sleep_until(due);
        EXPECT_GE(std::chrono::steady_clock::now(), due);
    }
}

TEST(Sleep, HonoursAnEarlierDeadlineThatComesLater) {
    io_context();
    Group group;
    group.spawn([] { frond::sleep_for(200ms); });
    frond::yield();
    auto const before = std::chrono::steady_clock::now();
    frond::sleep_for(50ms);
    frond::sleep_for(10ms);
    EXPECT_LT(std::chrono::steady_clock::now() - before, 150ms);
    group.join();
}

TEST(Idle, CostsNoProcessorTime) {
    tcp::acceptor acceptor{io_context(), frond::test::any_loopback_port()};
    Group group;
    group.spawn([&] {
        boost::system::error_code ec;
        acceptor.async_accept(use_fiber[ec]);
    });
    frond::yield();
    auto const before = processor_time();
    frond::sleep_for(1s);
    EXPECT_LT(processor_time() - before, 10ms);
    acceptor.close();
    group.join();
}

class IoStall : public frond::test::StallTest {};

TEST_F(IoStall, IsFoundWithAnIoContextWithoutWork) {
    io_context();
    EXPECT_THROW(frond::sleep_for(frond::forever), Deadlock);
}

TEST_F(IoStall, IsFoundAfterIo) {
    asio::steady_timer{io_context(), 1ms}.async_wait(use_fiber);
    Group group;
    group.spawn([] { frond::sleep_for(1ms); });
    group.join();
    EXPECT_THROW(frond::sleep_for(frond::forever), Deadlock);
}

TEST_F(IoStall, IsNoneWhileAnAcceptIsUnderWay) {
    tcp::acceptor acceptor{io_context(), frond::test::any_loopback_port()};
    // To the search for stalls this thread does not exist: only the accept speaks against one.
    std::thread peer{[where = acceptor.local_endpoint()] {
        std::this_thread::sleep_for(300ms);
        asio::io_context context;
        tcp::socket{context}.connect(where);
    }};
    Group group;
    group.spawn([&] { acceptor.async_accept(use_fiber); });
    EXPECT_NO_THROW(group.join());
    peer.join();
}

TEST_F(IoStall, IsNoneWhileAnOperationIsUnderWayOnAnotherThreadsContext) {
    asio::io_context& ours = io_context();
    std::promise<frond::Task<void>> spawned;
    std::thread other{[&] {
        Group theirs;
        // Started once the owner of the context is asleep for ever, as far as it knows.
        spawned.set_value(theirs.spawn([&] {
            frond::sleep_for(100ms);
            asio::steady_timer{ours, 300ms}.async_wait(use_fiber);
        }));
        theirs.join();
    }};
    frond::Task<void> const waits = spawned.get_future().get();
    pretend_foreign_threads(0);
    EXPECT_NO_THROW(waits.get());
    other.join();
}

TEST_F(IoStall, IsNoneDuringABlockingCall) {
    EXPECT_NO_THROW(frond::blocking([] { std::this_thread::sleep_for(200ms); }));
}

} // namespace
