#pragma once

#include "url.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>

#include <boost/asio/ssl/context.hpp>
#include <boost/beast/http.hpp>

namespace crawl {

namespace http = boost::beast::http;
using boost::beast::error_code;

using Request = http::request<http::empty_body>;
using ResponseParser = http::response_parser<http::buffer_body>;

/// One connection to a server, plain or TLS. There are two kinds: on fibers, where a call that waits lets
/// other fibers run, and on blocking sockets, where it stops the thread. All else of the crawler is common to
/// both.
class Connection {
public:
    using Deadline = std::chrono::steady_clock::time_point;

    virtual ~Connection() = default;
    Connection() = default;
    Connection(Connection const&) = delete;
    Connection& operator=(Connection const&) = delete;

    /// Bounds all calls up to the next `set_deadline`; they then fail with `boost::beast::error::timeout`.
    virtual void set_deadline(Deadline deadline) = 0;
    /// Resolves, connects and, for https, shakes hands.
    virtual void open(Url const& url, error_code& ec) = 0;
    virtual void write(Request& request, error_code& ec) = 0;
    virtual void read_header(ResponseParser& parser, error_code& ec) = 0;
    /// Reads into the parser's buffer until that is full or the body ends.
    virtual void read_body(ResponseParser& parser, error_code& ec) = 0;
    /// Tells whether the server sent more than it was asked for, after which the connection cannot be used
    /// again.
    virtual bool has_unread() const = 0;
};

/// Makes a connection, not yet open, of the kind that the URL's scheme asks for.
using Connector = std::function<std::unique_ptr<Connection>(Url const&)>;

/// @param tls must outlive the connector and its connections.
Connector fiber_connector(boost::asio::ssl::context& tls);
/// @param give_up ends the waits of the connections when it stops
Connector blocking_connector(boost::asio::ssl::context& tls, std::stop_token give_up);

/// Makes what https needs: the system's certificates, verified unless `insecure`.
boost::asio::ssl::context make_tls_context(bool insecure);

/// Prepares a TLS stream for the server of `url`: asks for it by name and accepts only its certificate (if
/// any is verified).
void set_server_name(SSL* ssl, Url const& url, error_code& ec);

} // namespace crawl
