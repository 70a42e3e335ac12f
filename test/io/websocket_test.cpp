#include <frond/asio.hpp>

#include "io/loopback.hpp"

#include <frond/group.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;
using frond::Group;
using frond::io_context;
using frond::use_fiber;

namespace {

/// Sends every message back until the other side closes.
void echo(tcp::socket socket) {
    websocket::stream<tcp::socket> stream{std::move(socket)};
    stream.async_accept(use_fiber);
    boost::system::error_code ec;
    while (true) {
        beast::flat_buffer message;
        stream.async_read(message, use_fiber[ec]);
        if (ec) break;
        stream.text(stream.got_text());
        stream.async_write(message.data(), use_fiber);
    }
    EXPECT_EQ(ec, websocket::error::closed);
}

TEST(WebSocket, EchoesMessagesToManyClients) {
    constexpr std::size_t clients = 20;
    tcp::acceptor acceptor{io_context(), frond::test::any_loopback_port()};
    std::size_t right = 0;
    Group group;
    group.spawn([&] {
        for (std::size_t i = 0; i < clients; ++i)
            group.spawn([socket = acceptor.async_accept(use_fiber)]() mutable { echo(std::move(socket)); });
    });
    for (std::size_t i = 0; i < clients; ++i) {
        group.spawn([&] {
            websocket::stream<tcp::socket> stream{io_context()};
            stream.next_layer().async_connect(acceptor.local_endpoint(), use_fiber);
            stream.async_handshake("localhost", "/", use_fiber);
            for (std::size_t size : {1U, 100U, 70'000U}) {
                std::string const text(size, 'x');
                stream.async_write(asio::buffer(text), use_fiber);
                beast::flat_buffer answer;
                stream.async_read(answer, use_fiber);
                if (beast::buffers_to_string(answer.data()) == text) ++right;
            }
            stream.async_close(websocket::close_code::normal, use_fiber);
        });
    }
    group.join();
    EXPECT_EQ(right, 3 * clients);
}

} // namespace
