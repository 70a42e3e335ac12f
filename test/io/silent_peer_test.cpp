// Every kind of operation against a peer that never answers: cancellation and deadlines end it.

#include "io/certificate.hpp"
#include "io/loopback.hpp"

#include <frond/asio.hpp>
#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>

#include <unistd.h>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
namespace websocket = boost::beast::websocket;
using namespace std::chrono_literals;
using asio::ip::tcp;
using asio::ip::udp;
using boost::system::error_code;
using boost::system::system_error;
using frond::Cancelled;
using frond::Group;
using frond::io_context;
using frond::TimedOut;
using frond::use_fiber;
using frond::test::any_loopback_port;
using frond::test::connected_pair;

namespace {

// --- operations that never end by themselves -----------------------------------------------------------

/// More than the buffers of a connection hold.
std::string const& too_much() {
    static std::string const text(64'000'000, 'x');
    return text;
}

void timer() {
    asio::steady_timer timer{io_context(), 1h};
    timer.async_wait(use_fiber);
}
void signals() {
    asio::signal_set set{io_context(), SIGUSR2};
    set.async_wait(use_fiber);
}
void accept() {
    tcp::acceptor acceptor{io_context(), any_loopback_port()};
    acceptor.async_accept(use_fiber);
}
void read_some() {
    auto [ours, theirs] = connected_pair();
    std::array<char, 1> byte;
    ours.async_read_some(asio::buffer(byte), use_fiber);
}
void read() {
    auto [ours, theirs] = connected_pair();
    theirs.send(asio::buffer("abc", 3));
    std::array<char, 10> bytes;
    asio::async_read(ours, asio::buffer(bytes), use_fiber);
}
void read_until() {
    auto [ours, theirs] = connected_pair();
    theirs.send(asio::buffer("abc", 3));
    std::string line;
    asio::async_read_until(ours, asio::dynamic_buffer(line), '\n', use_fiber);
}
void write() {
    auto [ours, theirs] = connected_pair();
    asio::async_write(ours, asio::buffer(too_much()), use_fiber);
}
void await_readable() {
    auto [ours, theirs] = connected_pair();
    ours.async_wait(tcp::socket::wait_read, use_fiber);
}
void read_through_a_strand() {
    auto [ours, theirs] = connected_pair();
    asio::strand<asio::any_io_executor> const strand{ours.get_executor()};
    tcp::socket socket{strand, tcp::v4(), ours.release()};
    std::array<char, 1> byte;
    asio::async_read(socket, asio::buffer(byte), use_fiber);
}
void receive_datagram() {
    udp::socket socket{io_context(), {asio::ip::address_v4::loopback(), 0}};
    udp::endpoint from;
    std::array<char, 1> byte;
    socket.async_receive_from(asio::buffer(byte), from, use_fiber);
}
void read_pipe() {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    asio::posix::stream_descriptor out{io_context(), ends[1]};
    asio::posix::stream_descriptor in{io_context(), ends[0]};
    std::array<char, 1> byte;
    in.async_read_some(asio::buffer(byte), use_fiber);
}
void receive_from_channel() {
    asio::experimental::channel<void(error_code, int)> channel{io_context(), 1};
    channel.async_receive(use_fiber);
}
void send_to_channel() {
    asio::experimental::channel<void(error_code, int)> channel{io_context(), 0};
    channel.async_send(error_code{}, 1, use_fiber);
}
void receive_from_concurrent_channel() {
    asio::experimental::concurrent_channel<void(error_code, int)> channel{io_context(), 1};
    channel.async_receive(use_fiber);
}
void send_to_concurrent_channel() {
    asio::experimental::concurrent_channel<void(error_code, int)> channel{io_context(), 0};
    channel.async_send(error_code{}, 1, use_fiber);
}
asio::awaitable<void> sleep_in_coroutine() {
    asio::steady_timer timer{co_await asio::this_coro::executor, 1h};
    co_await timer.async_wait(asio::use_awaitable);
}
void coroutine() { asio::co_spawn(io_context(), sleep_in_coroutine(), use_fiber); }
void composed_operation() {
    asio::steady_timer timer{io_context(), 1h};
    auto const step = [&timer, begun = false](auto& self, error_code ec = {}) mutable {
        if (std::exchange(begun, true)) return self.complete(ec);
        timer.async_wait(std::move(self));
    };
    asio::async_compose<frond::use_fiber_t const, void(error_code)>(step, use_fiber, timer);
}

// --- TLS
ssl::context& client_context() {
    static ssl::context context{ssl::context::tls_client};
    return context;
}
ssl::context& server_context() {
    static ssl::context context = [] {
        frond::test::Certificate const certificate;
        ssl::context made{ssl::context::tls_server};
        made.use_certificate_file(certificate.certificate().string(), ssl::context::pem);
        made.use_private_key_file(certificate.key().string(), ssl::context::pem);
        return made;
    }();
    return context;
}
void tls_handshake() {
    auto [ours, theirs] = connected_pair();
    ssl::stream<tcp::socket&> stream{ours, client_context()};
    stream.async_handshake(ssl::stream_base::client, use_fiber);
}
/// Calls @p f with a stream whose other end has made the handshake and is silent from then on.
template <class F>
void with_tls(F f) {
    auto [ours, theirs] = connected_pair();
    ssl::stream<tcp::socket&> server{theirs, server_context()};
    ssl::stream<tcp::socket&> client{ours, client_context()};
    Group group;
    group.spawn([&] { server.async_handshake(ssl::stream_base::server, use_fiber); });
    client.async_handshake(ssl::stream_base::client, use_fiber);
    group.join();
    f(client);
}
void tls_read() {
    with_tls([](auto& stream) {
        std::array<char, 1> byte;
        asio::async_read(stream, asio::buffer(byte), use_fiber);
    });
}
void tls_shutdown() {
    with_tls([](auto& stream) { stream.async_shutdown(use_fiber); });
}

// --- Beast
void http_read() {
    auto [ours, theirs] = connected_pair();
    theirs.send(asio::buffer(std::string{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"}));
    beast::tcp_stream stream{std::move(ours)};
    beast::flat_buffer buffer;
    http::response<http::string_body> response;
    http::async_read(stream, buffer, response, use_fiber);
}
void http_write() {
    auto [ours, theirs] = connected_pair();
    beast::tcp_stream stream{std::move(ours)};
    http::request<http::string_body> request{http::verb::post, "/", 11};
    request.body() = too_much();
    request.prepare_payload();
    http::async_write(stream, request, use_fiber);
}
void websocket_handshake() {
    auto [ours, theirs] = connected_pair();
    websocket::stream<tcp::socket> stream{std::move(ours)};
    stream.async_handshake("localhost", "/", use_fiber);
}
void websocket_read() {
    auto [ours, theirs] = connected_pair();
    websocket::stream<tcp::socket> server{std::move(theirs)};
    websocket::stream<tcp::socket> client{std::move(ours)};
    Group group;
    group.spawn([&] { server.async_accept(use_fiber); });
    client.async_handshake("localhost", "/", use_fiber);
    group.join();
    beast::flat_buffer buffer;
    client.async_read(buffer, use_fiber);
}

struct Operation {
    char const* name;
    void (*run)();
};

class SilentPeer : public testing::TestWithParam<Operation> {
protected:
    SilentPeer() { server_context(); } // its first use takes a while
};

INSTANTIATE_TEST_SUITE_P(
    Operations, SilentPeer,
    testing::Values(
        Operation{"Timer", timer}, Operation{"Signals", signals}, Operation{"Accept", accept},
        Operation{"ReadSome", read_some}, Operation{"Read", read}, Operation{"ReadUntil", read_until},
        Operation{"Write", write}, Operation{"AwaitReadable", await_readable},
        Operation{"ReadThroughAStrand", read_through_a_strand},
        Operation{"ReceiveDatagram", receive_datagram}, Operation{"ReadPipe", read_pipe},
        Operation{"ReceiveFromChannel", receive_from_channel}, Operation{"SendToChannel", send_to_channel},
        Operation{"ReceiveFromConcurrentChannel", receive_from_concurrent_channel},
        Operation{"SendToConcurrentChannel", send_to_concurrent_channel}, Operation{"Coroutine", coroutine},
        Operation{"ComposedOperation", composed_operation}, Operation{"TlsHandshake", tls_handshake},
        Operation{"TlsRead", tls_read}, Operation{"TlsShutdown", tls_shutdown},
        Operation{"HttpRead", http_read}, Operation{"HttpWrite", http_write},
        Operation{"WebSocketHandshake", websocket_handshake}, Operation{"WebSocketRead", websocket_read}),
    [](auto const& tested) { return std::string{tested.param.name}; });

/// Lets everything happen that happens by itself.
void settle() {
    for (int i = 0; i < 5; ++i) frond::sleep_for(1ms);
}

TEST_P(SilentPeer, EndsWhenItsTaskIsCancelled) {
    Group group;
    auto const task = group.spawn(GetParam().run);
    settle();
    ASSERT_EQ(task.state(), frond::TaskState::waiting);
    EXPECT_TRUE(task.cancel());
    EXPECT_EQ(task.state(), frond::TaskState::cancelled);
}

TEST_P(SilentPeer, EndsAtADeadline) { EXPECT_THROW(frond::with_timeout(20ms, GetParam().run), TimedOut); }

} // namespace
