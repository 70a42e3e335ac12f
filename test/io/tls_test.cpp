// Both ends of TLS in fibers of one thread.

#include <frond/asio.hpp>

#include "io/certificate.hpp"
#include "io/loopback.hpp"

#include <frond/group.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <string>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using frond::use_fiber;

namespace {

TEST(Tls, EchoesBetweenFibers) {
    frond::test::Certificate const certificate;
    ssl::context server_context{ssl::context::tls_server};
    server_context.use_certificate_file(certificate.certificate().string(), ssl::context::pem);
    server_context.use_private_key_file(certificate.key().string(), ssl::context::pem);
    ssl::context client_context{ssl::context::tls_client};
    client_context.load_verify_file(certificate.certificate().string());
    client_context.set_verify_mode(ssl::verify_peer);

    auto [ours, theirs] = frond::test::connected_pair();
    frond::Group group;
    group.spawn([&, socket = std::move(theirs)]() mutable {
        ssl::stream<tcp::socket> stream{std::move(socket), server_context};
        stream.async_handshake(ssl::stream_base::server, use_fiber);
        std::array<char, 4096> bytes;
        boost::system::error_code ec;
        while (!ec) {
            std::size_t const n = stream.async_read_some(asio::buffer(bytes), use_fiber[ec]);
            if (!ec) asio::async_write(stream, asio::buffer(bytes, n), use_fiber);
        }
        EXPECT_EQ(ec, asio::error::eof);
        stream.async_shutdown(use_fiber);
    });
    std::string const text(100'000, 'x');
    std::string answer(text.size(), ' ');
    ssl::stream<tcp::socket> stream{std::move(ours), client_context};
    stream.async_handshake(ssl::stream_base::client, use_fiber);
    // At once: the server's answers would else fill the connection and hold both sides up.
    group.spawn([&] { asio::async_write(stream, asio::buffer(text), use_fiber); });
    asio::async_read(stream, asio::buffer(answer), use_fiber);
    EXPECT_EQ(answer, text);
    stream.async_shutdown(use_fiber);
    group.join();
}

} // namespace
