// A listener whose server is cancelled, or runs out of time.

#include <frond/listener.hpp>

#include "io/loopback.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/runtime.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::tcp;
using boost::system::error_code;
using frond::Group;
using frond::io_context;
using frond::Listener;
using frond::Pool;
using frond::Runtime;
using frond::TimedOut;
using frond::use_fiber;
using frond::test::any_loopback_port;

namespace {

void hold(tcp::socket socket) {
    std::array<char, 1> byte;
    error_code ec;
    socket.async_read_some(asio::buffer(byte), use_fiber[ec]);
}

bool is_refused(tcp::endpoint const& where) {
    tcp::socket socket{io_context()};
    error_code ec;
    socket.async_connect(where, use_fiber[ec]);
    return ec == asio::error::connection_refused;
}

/// On a plain thread (0), or in a runtime of so many threads.
class CancelledListener : public testing::TestWithParam<std::size_t> {
protected:
    template <class F>
    void run(F f) {
        if (GetParam() == 0) return f();
        Runtime runtime{{.threads = GetParam()}};
        runtime.run(f);
    }
};

INSTANTIATE_TEST_SUITE_P(Threads, CancelledListener, testing::Values(0, 1, 2, 4),
                         [](auto const& tested) { return std::to_string(tested.param); });

TEST_P(CancelledListener, StopsAcceptingAtADeadline) {
    run([] {
        Listener listener{any_loopback_port()};
        Group connections;
        EXPECT_THROW(frond::with_timeout(10ms, [&] { listener.serve(connections, hold); }), TimedOut);
        EXPECT_TRUE(is_refused(listener.local_endpoint()));
    });
}

TEST_P(CancelledListener, StopsAcceptingWhenItsTaskIsCancelled) {
    run([] {
        Listener listener{any_loopback_port()};
        Group connections;
        Group servers;
        auto const server = servers.spawn([&] { listener.serve(connections, hold); });
        tcp::socket client{io_context()};
        client.async_connect(listener.local_endpoint(), use_fiber);
        while (connections.size() == 0) frond::yield();
        EXPECT_TRUE(server.cancel());
        EXPECT_TRUE(is_refused(listener.local_endpoint()));
        EXPECT_EQ(connections.size(), 1U); // what was accepted goes on
        client.close();
        connections.join();
    });
}

TEST_P(CancelledListener, StopsWaitingForAFullPool) {
    run([] {
        Listener listener{any_loopback_port()};
        Pool connections{1};
        Group servers;
        auto const server = servers.spawn([&] { listener.serve(connections, hold); });
        std::array<tcp::socket, 3> clients{tcp::socket{io_context()}, tcp::socket{io_context()},
                                           tcp::socket{io_context()}};
        for (auto& client : clients) client.async_connect(listener.local_endpoint(), use_fiber);
        while (connections.active() == 0) frond::yield();
        EXPECT_TRUE(server.cancel());
        for (auto& client : clients) client.close();
        connections.join();
    });
}

TEST_P(CancelledListener, DisconnectsThoseWhoseGroupIsCancelled) {
    run([] {
        Listener listener{any_loopback_port()};
        Group connections;
        Group servers;
        servers.spawn([&] { listener.serve(connections, hold); });
        tcp::socket client{io_context()};
        client.async_connect(listener.local_endpoint(), use_fiber);
        while (connections.size() == 0) frond::yield();
        EXPECT_EQ(connections.cancel(), 1U);
        std::array<char, 1> byte;
        error_code ec;
        asio::async_read(client, asio::buffer(byte), use_fiber[ec]);
        EXPECT_TRUE(ec);
        listener.close();
        servers.join();
    });
}

} // namespace
