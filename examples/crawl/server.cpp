#include "server.hpp"

#include <frond/asio.hpp>
#include <frond/group.hpp>
#include <frond/this_task.hpp>

#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace crawl {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace fs = std::filesystem;
using asio::ip::tcp;
using beast::error_code;
using frond::use_fiber;
using namespace std::chrono_literals;

using Request = http::request<http::empty_body>;

std::string_view media_type(fs::path const& path) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 9> types{{
        {".html", "text/html"},
        {".htm", "text/html"},
        {".css", "text/css"},
        {".js", "text/javascript"},
        {".txt", "text/plain"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".gif", "image/gif"},
    }};
    auto const extension = path.extension().string();
    for (auto const& [name, type] : types) {
        if (extension == name) return type;
    }
    return "application/octet-stream";
}

/// Decodes the path of a request. Gives nothing for one that is malformed or tries to leave the root.
std::optional<std::string> decoded_path(std::string_view target) {
    target = target.substr(0, target.find('?'));
    if (!target.starts_with('/')) return std::nullopt;
    std::string path;
    for (std::size_t i = 0; i < target.size(); ++i) {
        if (target[i] != '%') {
            path += target[i];
            continue;
        }
        unsigned byte = 0;
        for (char const c : target.substr(i + 1, 2)) {
            auto const digit = std::string_view{"0123456789abcdef"}.find(static_cast<char>(c | 0x20));
            if (digit == std::string_view::npos) return std::nullopt;
            byte = byte * 16 + static_cast<unsigned>(digit);
        }
        if (i + 2 >= target.size() || byte == 0) return std::nullopt;
        path += static_cast<char>(byte);
        i += 2;
    }
    for (auto const& segment : fs::path{path}) {
        if (segment == "..") return std::nullopt;
    }
    return path;
}

class Session {
public:
    Session(tcp::socket socket, FileServer::Options const& options)
        : stream_{std::move(socket)}, options_{options} {}

    void run() {
        beast::flat_buffer buffer;
        for (error_code ec; !ec;) {
            stream_.expires_after(60s);
            Request request;
            http::async_read(stream_, buffer, request, use_fiber[ec]);
            if (ec) return; // the client went away, or does not speak HTTP
            if (options_.latency > 0ms) frond::sleep_for(options_.latency);
            answer(request, ec);
            if (!request.keep_alive()) {
                stream_.socket().shutdown(tcp::socket::shutdown_send, ec);
                return;
            }
        }
    }

private:
    void answer(Request const& request, error_code& ec) {
        bool const is_head = request.method() == http::verb::head;
        if (request.method() != http::verb::get && !is_head)
            return refuse(request, http::status::method_not_allowed, ec);
        auto const path = decoded_path({request.target().data(), request.target().size()});
        if (!path) return refuse(request, http::status::bad_request, ec);

        auto file = options_.root / path->substr(1);
        std::error_code ignored;
        if (fs::is_directory(file, ignored)) {
            // Without the slash the relative links of the page would lead to the wrong places.
            if (!path->ends_with('/')) return redirect(request, std::string{request.target()} + '/', ec);
            file /= "index.html";
        }
        http::file_body::value_type body;
        error_code no_file;
        if (fs::is_regular_file(file, ignored)) {
            body.open(file.c_str(), beast::file_mode::scan, no_file);
        } else {
            no_file = beast::errc::make_error_code(beast::errc::no_such_file_or_directory);
        }
        if (no_file) return refuse(request, http::status::not_found, ec);

        auto const size = body.size();
        auto const type = media_type(file);
        if (is_head) {
            auto response = prepared<http::empty_body>(request, http::status::ok);
            response.set(http::field::content_type, {type.data(), type.size()});
            response.content_length(size);
            return send(response, ec);
        }
        auto response = prepared<http::file_body>(request, http::status::ok);
        response.set(http::field::content_type, {type.data(), type.size()});
        response.body() = std::move(body);
        response.content_length(size);
        send(response, ec);
    }

    void refuse(Request const& request, http::status status, error_code& ec) {
        auto response = prepared<http::string_body>(request, status);
        response.set(http::field::content_type, "text/plain");
        if (request.method() != http::verb::head)
            response.body() = std::string{http::obsolete_reason(status)} + '\n';
        response.prepare_payload();
        send(response, ec);
    }

    void redirect(Request const& request, std::string const& target, error_code& ec) {
        auto response = prepared<http::empty_body>(request, http::status::moved_permanently);
        response.set(http::field::location, target);
        response.content_length(0);
        send(response, ec);
    }

    template <class Body>
    static http::response<Body> prepared(Request const& request, http::status status) {
        http::response<Body> response{status, request.version()};
        response.set(http::field::server, "frond");
        response.keep_alive(request.keep_alive());
        return response;
    }

    template <class Response>
    void send(Response& response, error_code& ec) {
        http::async_write(stream_, response, use_fiber[ec]);
    }

    beast::tcp_stream stream_;
    FileServer::Options const& options_;
};

} // namespace

FileServer::FileServer(Options options)
    : options_{std::move(options)},
      acceptor_{frond::io_context(), tcp::endpoint{asio::ip::address_v4::loopback(), options_.port}} {}

unsigned short FileServer::port() const { return acceptor_.local_endpoint().port(); }

void FileServer::run() {
    frond::Group sessions;
    for (;;) {
        error_code ec;
        tcp::socket socket = acceptor_.async_accept(use_fiber[ec]);
        if (ec) {
            frond::sleep_for(10ms); // out of descriptors, most likely: sessions that end give some back
            continue;
        }
        socket.set_option(tcp::no_delay{true}, ec);
        sessions.spawn(
            [this, socket = std::move(socket)]() mutable { Session{std::move(socket), options_}.run(); });
    }
}

} // namespace crawl
