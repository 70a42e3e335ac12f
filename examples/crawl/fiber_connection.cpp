#include "connection.hpp"

#include <frond/asio.hpp>
#include <frond/cancel.hpp>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>

#include <map>
#include <utility>

namespace crawl {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using frond::use_fiber;

using Endpoints = std::vector<tcp::endpoint>;

/// Looks names up once each.
class Resolver {
public:
    Endpoints resolve(Url const& url, error_code& ec) {
        auto const name = std::pair{url.host(), url.port()};
        if (auto const known = known_.find(name); known != known_.end()) return known->second;
        auto const results = resolver_.async_resolve(name.first, name.second, use_fiber[ec]);
        if (ec) return {};
        return known_[name] = Endpoints{results.begin(), results.end()};
    }

private:
    tcp::resolver resolver_{frond::io_context()};
    std::map<std::pair<std::string, std::string>, Endpoints> known_;
};

/// Beast over a stream of Asio; with `use_fiber` each operation reads like a blocking call. Where the task is
/// cancelled, the operation under way ends and `frond::Cancelled` passes through; no other call may follow.
template <class Stream>
class FiberConnection : public Connection {
public:
    template <class... A>
    explicit FiberConnection(std::shared_ptr<Resolver> resolver, A&&... stream)
        : resolver_{std::move(resolver)}, stream_{frond::io_context(), std::forward<A>(stream)...} {}

    void set_deadline(Deadline deadline) override { deadline_ = deadline; }

    void open(Url const& url, error_code& ec) override {
        in_time(ec, [&] { connect(url, ec); });
    }

    void write(Request& request, error_code& ec) override {
        in_time(ec, [&] { http::async_write(stream_, request, use_fiber[ec]); });
    }

    void read_header(ResponseParser& parser, error_code& ec) override {
        in_time(ec, [&] { http::async_read_header(stream_, buffer_, parser, use_fiber[ec]); });
    }

    void read_body(ResponseParser& parser, error_code& ec) override {
        in_time(ec, [&] { http::async_read(stream_, buffer_, parser, use_fiber[ec]); });
    }

    bool has_unread() const override { return buffer_.size() != 0; }

private:
    /// A scope for each call and not one for the whole request, so that what has arrived of a page by then is
    /// still read.
    template <class Call>
    void in_time(error_code& ec, Call const& call) {
        if (!frond::move_on_after(deadline_ - Deadline::clock::now(), call)) ec = beast::error::timeout;
    }

    void connect(Url const& url, error_code& ec) {
        auto const endpoints = resolver_->resolve(url, ec);
        if (ec) return;
        beast::get_lowest_layer(stream_).async_connect(endpoints, use_fiber[ec]);
        if (ec) return;
        beast::get_lowest_layer(stream_).socket().set_option(tcp::no_delay{true}, ec);
        if constexpr (!std::is_same_v<Stream, beast::tcp_stream>) {
            set_server_name(stream_.native_handle(), url, ec);
            if (!ec) stream_.async_handshake(asio::ssl::stream_base::client, use_fiber[ec]);
        }
    }

    std::shared_ptr<Resolver> resolver_;
    Stream stream_;
    beast::flat_buffer buffer_;
    Deadline deadline_ = Deadline::max();
};

} // namespace

Connector fiber_connector(asio::ssl::context& tls) {
    return [resolver = std::make_shared<Resolver>(), &tls](Url const& url) -> std::unique_ptr<Connection> {
        if (url.is_https())
            return std::make_unique<FiberConnection<beast::ssl_stream<beast::tcp_stream>>>(resolver, tls);
        return std::make_unique<FiberConnection<beast::tcp_stream>>(resolver);
    };
}

} // namespace crawl
