#include <frond/asio.hpp>

#include "io/loopback.hpp"
#include "support/scale.hpp"
#include "support/unhandled_errors.hpp"
#include "support/what_of.hpp"

#include <frond/blocking.hpp>
#include <frond/group.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/write.hpp>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::tcp;
using boost::system::error_code;
using frond::Group;
using frond::io_context;
using frond::use_fiber;
using frond::test::scaled;
using frond::test::UnhandledErrors;

namespace {

/// Runs @p f as a handler and waits for its end.
template <class F>
void in_handler(F f) {
    bool over = false;
    asio::post(io_context(), [&] {
        struct AtEnd {
            bool& over;
            ~AtEnd() { over = true; }
        } const at_end{over};
        f();
    });
    while (!over) frond::yield();
}

TEST(IoContext, IsOneAThread) {
    asio::io_context* const mine = &io_context();
    EXPECT_EQ(&io_context(), mine);
    asio::io_context* theirs = nullptr;
    std::thread{[&] { theirs = &io_context(); }}.join();
    EXPECT_NE(theirs, mine);
}

// --- handlers ------------------------------------------------------------------------------------------

TEST(IoContext, ReportsWhatAHandlerThrowsAndGoesOn) {
    UnhandledErrors const errors;
    in_handler([] { throw std::runtime_error{"boom"}; });
    bool ran = false;
    in_handler([&] { ran = true; });
    EXPECT_TRUE(ran);
    ASSERT_EQ(errors.seen().size(), 1U);
    EXPECT_EQ(errors.seen()[0].name, "asio handler");
    EXPECT_EQ(frond::test::what_of(errors.seen()[0].error), "boom");
}

TEST(IoContext, RefusesToWaitInsideAHandler) {
    Group group;
    auto const task = group.spawn([] { frond::sleep_for(1ms); });
    in_handler([&] {
        asio::steady_timer timer{io_context(), 1ms};
        EXPECT_THROW(timer.async_wait(use_fiber), std::logic_error);
        EXPECT_THROW(frond::sleep_for(1ms), std::logic_error);
        EXPECT_THROW(frond::yield(), std::logic_error);
        EXPECT_THROW(task.get(), std::logic_error);
        EXPECT_THROW(group.join(), std::logic_error);
        EXPECT_THROW(frond::blocking([] {}), std::logic_error);
    });
    group.join();
}

TEST(IoContext, LetsHandlersSpawn) {
    Group group;
    bool ran = false;
    in_handler([&] { group.spawn([&] { ran = true; }); });
    group.join();
    EXPECT_TRUE(ran);
}

TEST(IoContext, DoesNotStarveFibersWhenHandlersStartEachOther) {
    bool stop = false;
    bool stopped = false;
    std::function<void()> again = [&] {
        if (stop)
            stopped = true;
        else
            asio::post(io_context(), again);
    };
    asio::post(io_context(), again);
    for (int i = 0; i < 10; ++i) frond::sleep_for(100us);
    stop = true;
    while (!stopped) frond::yield();
}

TEST(IoContext, IsServedWhileFibersYieldWithoutEnd) {
    bool over = false;
    Group group;
    for (int i = 0; i < 2; ++i) {
        group.spawn([&] {
            while (!over) frond::yield();
        });
    }
    asio::steady_timer timer{io_context(), 1ms};
    timer.async_wait(use_fiber);
    over = true;
    group.join();
}

TEST(IoContext, GoesOnAfterAStop) {
    asio::steady_timer timer{io_context(), 1ms};
    io_context().stop();
    timer.async_wait(use_fiber);
}

// --- threads -------------------------------------------------------------------------------------------

TEST(IoContext, WakesUpForTasksFromOtherThreads) {
    asio::steady_timer timer{io_context(), 1h};
    Group group;
    std::thread other{[&] { group.spawn([&] { timer.cancel(); }); }};
    error_code ec;
    timer.async_wait(use_fiber[ec]);
    EXPECT_EQ(ec, asio::error::operation_aborted);
    other.join();
    group.join();
}

TEST(IoContext, TakesHandlersFromOtherThreads) {
    std::size_t const count = scaled(10'000);
    std::size_t ran = 0;
    std::thread other{[&, &context = io_context()] {
        for (std::size_t i = 0; i < count; ++i) asio::post(context, [&] { ++ran; });
    }};
    while (ran < count) frond::sleep_for(100us);
    other.join();
}

TEST(IoContext, WakesAFiberOnItsOwnThreadWhereverTheOperationEnds) {
    asio::thread_pool elsewhere{2};
    Group group;
    for (int i = 0; i < 10; ++i) {
        group.spawn([&] {
            auto const home = std::this_thread::get_id();
            for (std::size_t n = scaled(200); n > 0; --n) {
                asio::post(elsewhere, use_fiber);
                ASSERT_EQ(std::this_thread::get_id(), home);
            }
        });
    }
    group.join();
    elsewhere.join();
}

TEST(IoContext, LetsAFiberWaitForAnObjectOfAnotherThread) {
    asio::io_context theirs;
    auto const guard = asio::make_work_guard(theirs);
    std::thread thread{[&] { theirs.run(); }};
    for (std::size_t n = scaled(100); n > 0; --n) {
        asio::steady_timer timer{theirs, 100us};
        timer.async_wait(use_fiber);
    }
    theirs.stop();
    thread.join();
}

TEST(IoContext, ServesPlainThreadsToo) {
    std::thread{[] {
        asio::steady_timer timer{io_context(), 1ms};
        timer.async_wait(use_fiber);
        Group group;
        group.spawn([] { asio::post(io_context(), use_fiber); });
        group.join();
    }}.join();
}

TEST(IoContext, OutlivesItsThreadTogetherWithItsSockets) {
    tcp::acceptor acceptor{io_context(), frond::test::any_loopback_port()};
    asio::io_context* theirs = nullptr;
    std::optional<tcp::socket> socket;
    char byte = ' ';
    bool read = false;
    std::thread{[&] {
        theirs = &io_context();
        socket.emplace(io_context());
        socket->connect(acceptor.local_endpoint());
        socket->async_read_some(asio::buffer(&byte, 1), [&](error_code ec, std::size_t) { read = !ec; });
    }}.join();
    tcp::socket peer = acceptor.async_accept(use_fiber);
    asio::async_write(peer, asio::buffer("x", 1), use_fiber);
    EXPECT_FALSE(read); // nobody runs its context now
    std::thread{[&] {
        ASSERT_EQ(&io_context(), theirs);
        while (!read) frond::sleep_for(1ms);
    }}.join();
    EXPECT_EQ(byte, 'x');
    socket.reset();
}

TEST(IoContext, SurvivesThreadsThatComeAndGo) {
    for (std::size_t n = scaled(200); n > 0; --n) {
        std::thread{[] {
            asio::steady_timer timer{io_context(), 10us};
            timer.async_wait(use_fiber);
        }}.join();
    }
}

} // namespace
