#include "connection.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>

#include <cerrno>
#include <poll.h>
#include <sys/socket.h>
#include <utility>
#include <vector>

namespace crawl {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;

/// A socket whose calls stop the thread until a deadline. Asio's own blocking calls know no timeout, and wait
/// for ever even where SO_RCVTIMEO is set; so the socket does not block, and the waiting is done here.
class BlockingStream {
public:
    using executor_type = tcp::socket::executor_type;
    using lowest_layer_type = tcp::socket::lowest_layer_type;

    explicit BlockingStream(asio::io_context& io) : socket_{io} {}

    executor_type get_executor() { return socket_.get_executor(); }
    lowest_layer_type& lowest_layer() { return socket_.lowest_layer(); }
    lowest_layer_type const& lowest_layer() const { return socket_.lowest_layer(); }

    void set_deadline(Connection::Deadline deadline) { deadline_ = deadline; }
    void set_stop(std::stop_token token) { stop_ = std::move(token); }

    void connect(tcp::endpoint const& endpoint, error_code& ec) {
        socket_.close(ec);
        socket_.open(endpoint.protocol(), ec);
        if (!ec) socket_.non_blocking(true, ec);
        if (ec) return;
        // Not Asio's, which waits for the end of it on any socket.
        if (::connect(socket_.native_handle(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) !=
                0 &&
            errno != EINPROGRESS) {
            ec.assign(errno, boost::system::system_category());
            return;
        }
        if (!wait_for(POLLOUT, ec)) return;
        int failure = 0;
        socklen_t size = sizeof failure;
        ::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_ERROR, &failure, &size);
        ec.assign(failure, boost::system::system_category());
        if (!ec) socket_.set_option(tcp::no_delay{true}, ec);
    }

    template <class Buffers>
    std::size_t read_some(Buffers const& buffers, error_code& ec) {
        return retried(POLLIN, ec, [&] { return socket_.read_some(buffers, ec); });
    }
    template <class Buffers>
    std::size_t write_some(Buffers const& buffers, error_code& ec) {
        return retried(POLLOUT, ec, [&] { return socket_.write_some(buffers, ec); });
    }
    template <class Buffers>
    std::size_t read_some(Buffers const& buffers) {
        error_code ec;
        auto const n = read_some(buffers, ec);
        return ec ? throw beast::system_error{ec} : n;
    }
    template <class Buffers>
    std::size_t write_some(Buffers const& buffers) {
        error_code ec;
        auto const n = write_some(buffers, ec);
        return ec ? throw beast::system_error{ec} : n;
    }

private:
    template <class Call>
    std::size_t retried(short events, error_code& ec, Call call) {
        std::size_t n = call();
        while (ec == asio::error::would_block && wait_for(events, ec)) n = call();
        return n;
    }

    bool wait_for(short events, error_code& ec) {
        // Another thread makes the socket ready, in its way, when this one is to give up.
        std::stop_callback const wake{stop_, [this] { ::shutdown(socket_.native_handle(), SHUT_RDWR); }};
        for (;;) {
            auto const left =
                std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Connection::Deadline::clock::now());
            pollfd descriptor{socket_.native_handle(), events, 0};
            int const ready = left.count() > 0 ? ::poll(&descriptor, 1, static_cast<int>(left.count())) : 0;
            if (ready < 0 && errno == EINTR) continue;
            if (stop_.stop_requested()) {
                ec = asio::error::operation_aborted;
            } else if (ready > 0) {
                ec = {};
            } else if (ready == 0) {
                ec = beast::error::timeout;
            } else {
                ec.assign(errno, boost::system::system_category());
            }
            return !ec;
        }
    }

    tcp::socket socket_;
    Connection::Deadline deadline_;
    std::stop_token stop_;
};

BlockingStream& lowest(BlockingStream& stream) { return stream; }
BlockingStream& lowest(beast::ssl_stream<BlockingStream>& stream) { return stream.next_layer(); }

template <class Stream>
class BlockingConnection : public Connection {
public:
    template <class... A>
    explicit BlockingConnection(std::stop_token const& give_up, A&&... stream)
        : stream_{io_, std::forward<A>(stream)...} {
        lowest(stream_).set_stop(give_up);
    }

    void set_deadline(Deadline deadline) override { lowest(stream_).set_deadline(deadline); }

    /// The lookup itself is bounded only by the system's resolver: a blocked thread cannot be called back.
    void open(Url const& url, error_code& ec) override {
        auto const endpoints = tcp::resolver{io_}.resolve(url.host(), url.port(), ec);
        if (ec) return;
        for (auto const& endpoint : endpoints) {
            lowest(stream_).connect(endpoint, ec);
            if (!ec || ec == beast::error::timeout || ec == asio::error::operation_aborted) break;
        }
        if (ec) return;
        if constexpr (!std::is_same_v<Stream, BlockingStream>) {
            set_server_name(stream_.native_handle(), url, ec);
            if (!ec) stream_.handshake(asio::ssl::stream_base::client, ec);
        }
    }

    void write(Request& request, error_code& ec) override { http::write(stream_, request, ec); }
    void read_header(ResponseParser& parser, error_code& ec) override {
        http::read_header(stream_, buffer_, parser, ec);
    }
    void read_body(ResponseParser& parser, error_code& ec) override {
        http::read(stream_, buffer_, parser, ec);
    }
    bool has_unread() const override { return buffer_.size() != 0; }

private:
    asio::io_context io_;
    Stream stream_;
    beast::flat_buffer buffer_;
};

} // namespace

Connector blocking_connector(asio::ssl::context& tls, std::stop_token give_up) {
    return [&tls, give_up = std::move(give_up)](Url const& url) -> std::unique_ptr<Connection> {
        if (url.is_https())
            return std::make_unique<BlockingConnection<beast::ssl_stream<BlockingStream>>>(give_up, tls);
        return std::make_unique<BlockingConnection<BlockingStream>>(give_up);
    };
}

} // namespace crawl
