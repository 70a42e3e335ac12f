// Beast against a real server.

#include <frond/asio.hpp>

#include "io/nginx.hpp"
#include "support/scale.hpp"

#include <frond/group.hpp>
#include <frond/pool.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using frond::io_context;
using frond::use_fiber;
using frond::test::Nginx;

namespace {

using Response = http::response<http::string_body>;

template <class Stream>
Response get(Stream& stream, beast::flat_buffer& buffer, std::string const& path) {
    http::request<http::empty_body> request{http::verb::get, path, 11};
    request.set(http::field::host, "localhost");
    http::async_write(stream, request, use_fiber);
    Response response;
    http::async_read(stream, buffer, response, use_fiber);
    return response;
}

/// A body without a pattern that a lost or doubled block would keep.
std::string long_text(std::size_t size) {
    std::string text;
    for (std::size_t line = 0; text.size() < size; ++line) text += "line " + std::to_string(line) + '\n';
    return text;
}

/// One nginx for all tests here. They fail with its words if it cannot be started.
class HttpTest : public testing::Test {
protected:
    static void SetUpTestSuite() {
        try {
            nginx = std::make_unique<Nginx>();
        } catch (std::exception const& e) {
            failure = e.what();
            return;
        }
        nginx->put("short.txt", "hello");
        nginx->put("long.txt", long_text(3'000'000));
    }
    static void TearDownTestSuite() { nginx.reset(); }
    void SetUp() override {
        if (!nginx) FAIL() << failure;
    }

    static inline std::unique_ptr<Nginx> nginx;
    static inline std::string failure;
};

TEST_F(HttpTest, GetsPagesOverOneConnection) {
    beast::tcp_stream stream{io_context()};
    stream.async_connect(nginx->http(), use_fiber);
    beast::flat_buffer buffer;
    for (std::size_t i = frond::test::scaled(100); i > 0; --i) {
        Response const response = get(stream, buffer, "/short.txt");
        EXPECT_EQ(response.result(), http::status::ok);
        EXPECT_EQ(response.body(), "hello");
    }
    EXPECT_EQ(get(stream, buffer, "/none.txt").result(), http::status::not_found);
}

TEST_F(HttpTest, GetsLongBodiesWhole) {
    beast::tcp_stream stream{io_context()};
    stream.async_connect(nginx->http(), use_fiber);
    beast::flat_buffer buffer;
    EXPECT_EQ(get(stream, buffer, "/long.txt").body(), long_text(3'000'000));
}

TEST_F(HttpTest, ServesManyTasksUnderACap) {
    std::size_t right = 0;
    std::size_t const count = frond::test::scaled(200);
    frond::Pool pool{20};
    for (std::size_t i = 0; i < count; ++i) {
        pool.spawn([&] {
            beast::tcp_stream stream{io_context()};
            stream.async_connect(nginx->http(), use_fiber);
            beast::flat_buffer buffer;
            if (get(stream, buffer, "/short.txt").body() == "hello") ++right;
        });
    }
    pool.join();
    EXPECT_EQ(right, count);
}

TEST_F(HttpTest, SpeaksTlsAndChecksTheCertificate) {
    ssl::context context{ssl::context::tls_client};
    context.load_verify_file(nginx->certificate());
    context.set_verify_mode(ssl::verify_peer);
    frond::Group group;
    std::size_t right = 0;
    for (int i = 0; i < 10; ++i) {
        group.spawn([&] {
            beast::ssl_stream<beast::tcp_stream> stream{io_context(), context};
            stream.set_verify_callback(ssl::host_name_verification{"localhost"});
            beast::get_lowest_layer(stream).async_connect(nginx->tls(), use_fiber);
            stream.async_handshake(ssl::stream_base::client, use_fiber);
            beast::flat_buffer buffer;
            if (get(stream, buffer, "/short.txt").body() == "hello") ++right;
            if (get(stream, buffer, "/long.txt").body() == long_text(3'000'000)) ++right;
        });
    }
    group.join();
    EXPECT_EQ(right, 20U);
}

TEST_F(HttpTest, RefusesACertificateThatNobodyKnows) {
    ssl::context context{ssl::context::tls_client};
    context.set_verify_mode(ssl::verify_peer);
    beast::ssl_stream<beast::tcp_stream> stream{io_context(), context};
    beast::get_lowest_layer(stream).async_connect(nginx->tls(), use_fiber);
    EXPECT_THROW(stream.async_handshake(ssl::stream_base::client, use_fiber), boost::system::system_error);
}

TEST_F(HttpTest, EndsARequestThatTakesTooLong) {
    tcp::acceptor silent{io_context(), frond::test::any_loopback_port()};
    beast::tcp_stream stream{io_context()};
    stream.expires_after(std::chrono::milliseconds{50});
    stream.async_connect(silent.local_endpoint(), use_fiber);
    beast::flat_buffer buffer;
    try {
        get(stream, buffer, "/");
        FAIL() << "nobody answers, and yet there was an answer";
    } catch (boost::system::system_error const& e) {
        EXPECT_EQ(e.code(), beast::error::timeout);
    }
}

} // namespace
