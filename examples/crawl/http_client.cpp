#include "http_client.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <optional>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/beast/core/error.hpp>

namespace crawl {

namespace {

namespace asio = boost::asio;

/// Up to here it is cheaper to read a body that nobody wants than to open a new connection.
constexpr std::uint64_t worth_draining = 64 * 1024;
constexpr int max_interim_responses = 8;

std::string lower(std::string_view text) {
    std::string result{text};
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t' || text.front() == '"'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '"'))
        text.remove_suffix(1);
    return text;
}

void read_content_type(std::string_view value, Response& response) {
    auto const semicolon = std::min(value.find(';'), value.size());
    response.content_type = lower(trimmed(value.substr(0, semicolon)));
    auto const parameters = lower(value.substr(semicolon));
    if (auto const charset = parameters.find("charset="); charset != std::string::npos) {
        auto const begin = charset + std::string_view{"charset="}.size();
        response.charset =
            trimmed(std::string_view{parameters}.substr(begin, parameters.find(';', begin) - begin));
    }
}

Response head_of(ResponseParser const& parser) {
    auto const& message = parser.get();
    Response response;
    response.status = message.result_int();
    read_content_type(std::string{message[http::field::content_type]}, response);
    response.location = std::string{trimmed(std::string_view{message[http::field::location]})};
    return response;
}

/// What a server does that closed an idle connection just as it was used again.
bool is_stale(error_code const& ec) {
    return ec == http::error::end_of_stream || ec == asio::error::eof ||
           ec == asio::error::connection_reset || ec == asio::error::broken_pipe ||
           ec == asio::error::connection_aborted || ec == asio::ssl::error::stream_truncated;
}

Request request_for(Url const& url) {
    Request request{http::verb::get, {url.target().data(), url.target().size()}, 11};
    request.set(http::field::host, boost::beast::string_view{url.authority().data(), url.authority().size()});
    request.set(http::field::user_agent, "frond-crawl/0.1 (link checker)");
    request.set(http::field::accept, "text/html,*/*;q=0.1");
    return request;
}

} // namespace

Response HttpClient::get(Url const& url, BodySink const& on_html) {
    auto const deadline = std::chrono::steady_clock::now() + limits_.timeout;
    auto connection = take_idle(url);
    bool const reused = connection != nullptr;
    Response response;
    error_code ec;
    bool reusable = false;
    bool retry = false;
    if (reused) {
        connection->set_deadline(deadline);
        reusable = exchange(*connection, url, response, on_html, ec);
        retry = is_stale(ec) && response.status == 0;
    }
    if (!reused || retry) {
        // Once only, and not with the next idle connection: the server may have closed all of them.
        connection = connect_(url);
        connection->set_deadline(deadline);
        ec = {};
        connection->open(url, ec);
        if (!ec) reusable = exchange(*connection, url, response, on_html, ec);
    }
    if (ec && response.error.empty()) response.error = reason(ec);
    if (reusable && response.error.empty()) keep(url, std::move(connection));
    return response;
}

/// Sends the request and reads the answer. @return whether the connection can serve another request
bool HttpClient::exchange(Connection& connection, Url const& url, Response& response, BodySink const& on_html,
                          error_code& ec) {
    auto request = request_for(url);
    connection.write(request, ec);
    if (ec) return false;

    std::optional<ResponseParser> parser;
    for (int i = 0; i <= max_interim_responses; ++i) {
        parser.emplace();
        parser->header_limit(limits_.max_header);
        parser->body_limit(boost::none); // counted where the body is read, since not every body need be
        connection.read_header(*parser, ec);
        if (ec) return false;
        if (parser->get().result_int() / 100 != 1) break;
    }
    response = head_of(*parser);
    return read_body(connection, *parser, response, on_html, ec);
}

bool HttpClient::read_body(Connection& connection, ResponseParser& parser, Response& response,
                           BodySink const& on_html, error_code& ec) {
    bool const wanted = response.status == 200 && response.content_type == "text/html";
    auto const length = parser.content_length();
    if (!wanted && length && *length > worth_draining) return false;

    // Not on the stack: a fiber's is small.
    auto const piece = std::make_unique<std::array<char, 16 * 1024>>();
    while (!parser.is_done()) {
        auto& body = parser.get().body();
        body.data = piece->data();
        body.size = piece->size();
        body.more = true;
        connection.read_body(parser, ec);
        if (ec == http::error::need_buffer) ec = {};
        auto const size = piece->size() - body.size;
        response.bytes += size;
        if (wanted && response.bytes > limits_.max_body) {
            response.error = "body larger than " + std::to_string(limits_.max_body) + " bytes";
            return false;
        }
        if (wanted && size > 0) on_html(response, {piece->data(), size});
        if (ec || (!wanted && response.bytes > worth_draining)) return false;
    }
    return parser.get().keep_alive() && !connection.has_unread();
}

std::unique_ptr<Connection> HttpClient::take_idle(Url const& url) {
    auto const found = idle_.find((url.is_https() ? "https://" : "http://") + std::string{url.authority()});
    if (found == idle_.end() || found->second.empty()) return nullptr;
    auto connection = std::move(found->second.back());
    found->second.pop_back();
    --idle_count_;
    return connection;
}

void HttpClient::keep(Url const& url, std::unique_ptr<Connection> connection) {
    if (idle_count_ >= max_idle_) return;
    idle_[(url.is_https() ? "https://" : "http://") + std::string{url.authority()}].push_back(
        std::move(connection));
    ++idle_count_;
}

std::string HttpClient::reason(error_code const& ec) const {
    if (ec == boost::beast::error::timeout || ec == asio::error::timed_out)
        return "no complete answer within " + std::to_string(limits_.timeout.count()) + " ms";
    if (ec == http::error::header_limit || ec == http::error::buffer_overflow)
        return "header larger than " + std::to_string(limits_.max_header) + " bytes";
    if (ec == http::error::end_of_stream) return "connection closed without an answer";
    if (ec == http::error::partial_message || ec == asio::ssl::error::stream_truncated)
        return "answer cut short";
    if (ec.category() == http::make_error_code(http::error::bad_version).category())
        return "not an HTTP answer: " + ec.message();
    std::string text = ec.message();
    if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    return text;
}

} // namespace crawl
