#pragma once

#include "connection.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace crawl {

/// What bounds one request, whatever the server does.
struct RequestLimits {
    std::chrono::milliseconds timeout{10'000}; ///< from the lookup of the name to the last byte
    std::uint32_t max_header = 64 * 1024;      ///< bytes
    std::uint64_t max_body = 10 * 1024 * 1024; ///< bytes of an HTML page
};

/// What a server answered, or why there is no answer.
struct Response {
    unsigned status = 0;
    std::string content_type; ///< in lower case, without parameters
    std::string charset;
    std::string location;
    std::uint64_t bytes = 0; ///< of the body, as far as it was read
    std::string error;       ///< empty if the answer is complete
};

/// Fetches by GET and keeps connections open for the next request to the same server. Any number of fibers of
/// one thread may use it at once; threads need one each.
class HttpClient {
public:
    /// Sees each piece of the body of an HTML page, in order.
    using BodySink = std::function<void(Response const& head, std::string_view piece)>;

    /// @param max_idle connections that it keeps open for later; more are closed
    HttpClient(Connector connect, RequestLimits limits,
               std::size_t max_idle = std::numeric_limits<std::size_t>::max())
        : connect_{std::move(connect)}, limits_{limits}, max_idle_{max_idle} {}

    /// Never throws for what a server or network does: that stands in `Response::error`. Bodies that are not
    /// HTML are read only where they are so small that reading is cheaper than a new connection.
    /// @throws frond::Cancelled where the task is, its connection closed
    Response get(Url const& url, BodySink const& on_html);

private:
    struct Attempt;

    std::unique_ptr<Connection> take_idle(Url const& url);
    void keep(Url const& url, std::unique_ptr<Connection> connection);
    bool exchange(Connection& connection, Url const& url, Response& response, BodySink const& on_html,
                  error_code& ec);
    bool read_body(Connection& connection, ResponseParser& parser, Response& response,
                   BodySink const& on_html, error_code& ec);
    std::string reason(error_code const& ec) const;

    Connector connect_;
    RequestLimits limits_;
    std::size_t max_idle_;
    std::size_t idle_count_ = 0;
    std::unordered_map<std::string, std::vector<std::unique_ptr<Connection>>> idle_;
};

} // namespace crawl
