#include <frond/asio.hpp>

#include "io/loopback.hpp"
#include "support/gate.hpp"
#include "support/scale.hpp"

#include <frond/group.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <string>
#include <utility>

#include <sys/resource.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

namespace asio = boost::asio;
using asio::ip::tcp;
using frond::Group;
using frond::io_context;
using frond::use_fiber;

namespace {

void allow_many_files() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

void echo(tcp::socket socket) {
    std::array<char, 256> bytes;
    boost::system::error_code ec;
    while (!ec) {
        std::size_t const n = socket.async_read_some(asio::buffer(bytes), use_fiber[ec]);
        if (!ec) asio::async_write(socket, asio::buffer(bytes, n), use_fiber[ec]);
    }
    EXPECT_EQ(ec, asio::error::eof);
}

TEST(Echo, ServesAThousandConnectionsAtOnce) {
    allow_many_files();
    std::size_t const count = frond::test::scaled(1000);
    tcp::acceptor acceptor{io_context(), frond::test::any_loopback_port()};
    std::size_t connected = 0;
    std::size_t right = 0;
    Group group;
    group.spawn([&] {
        for (std::size_t i = 0; i < count; ++i)
            group.spawn([socket = acceptor.async_accept(use_fiber)]() mutable { echo(std::move(socket)); });
    });
    for (std::size_t i = 0; i < count; ++i) {
        group.spawn([&, i] {
            tcp::socket socket{io_context()};
            socket.async_connect(acceptor.local_endpoint(), use_fiber);
            ++connected;
            frond::test::yield_until([&] { return connected == count; });
            for (int round = 0; round < 5; ++round) {
                std::string const text = "message " + std::to_string(i) + ' ' + std::to_string(round);
                asio::async_write(socket, asio::buffer(text), use_fiber);
                std::string answer(text.size(), ' ');
                asio::async_read(socket, asio::buffer(answer), use_fiber);
                if (answer == text) ++right;
            }
        });
    }
    group.join();
    EXPECT_EQ(right, 5 * count);
}

} // namespace
