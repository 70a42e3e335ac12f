// A web server and its client in one program: every handler and every request reads like blocking code.

#include <frond/asio.hpp>
#include <frond/frond.hpp>

#include <chrono>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using frond::use_fiber;
using namespace std::chrono_literals;

namespace {

void serve(tcp::socket socket) {
    beast::flat_buffer buffer;
    http::request<http::string_body> request;
    http::async_read(socket, buffer, request, use_fiber);
    frond::sleep_for(50ms); // a database, say; only this request waits
    http::response<http::string_body> response{http::status::ok, request.version()};
    response.body() = "you asked for " + std::string{request.target()};
    response.prepare_payload();
    http::async_write(socket, response, use_fiber);
}

std::string fetch(tcp::endpoint const& server, std::string const& path) {
    beast::tcp_stream stream{frond::io_context()};
    stream.expires_after(10s);
    stream.async_connect(server, use_fiber);
    http::request<http::empty_body> request{http::verb::get, path, 11};
    request.set(http::field::host, "localhost");
    http::async_write(stream, request, use_fiber);
    beast::flat_buffer buffer;
    http::response<http::string_body> response;
    http::async_read(stream, buffer, response, use_fiber);
    return response.body();
}

} // namespace

int main() {
    tcp::acceptor acceptor{frond::io_context(), tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
    frond::Group server;
    server.spawn([&] {
        boost::system::error_code closed;
        while (true) {
            tcp::socket socket = acceptor.async_accept(use_fiber[closed]);
            if (closed) return;
            server.spawn([socket = std::move(socket)]() mutable { serve(std::move(socket)); });
        }
    });

    frond::Pool pool{10};
    std::vector<frond::Task<std::string>> answers;
    auto const begin = frond::Clock::now();
    for (int i = 1; i <= 20; ++i)
        answers.push_back(
            pool.spawn([&, i] { return fetch(acceptor.local_endpoint(), "/page/" + std::to_string(i)); }));
    pool.join();
    auto const took = frond::Clock::now() - begin;

    for (auto const& answer : answers) std::cout << answer.get() << '\n';
    // One after another they would take a second; ten at a time, a tenth of that.
    std::cout << "at least two rounds of 50 ms: " << std::boolalpha << (took >= 100ms)
              << ", one after another: " << (took >= 20 * 50ms) << '\n';
    acceptor.close();
    server.join();
}
