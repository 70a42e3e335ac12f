// A server on several threads: each accepts connections and serves its own to their end.

#include <frond/frond.hpp>
#include <frond/listener.hpp>

#include <array>
#include <atomic>
#include <iostream>
#include <string>
#include <thread>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

namespace asio = boost::asio;
using asio::ip::tcp;
using frond::use_fiber;

namespace {

std::atomic<int> strayed{0};

void echo(tcp::socket socket) {
    auto const thread = std::this_thread::get_id();
    std::array<char, 512> bytes;
    boost::system::error_code closed;
    while (true) {
        std::size_t const n = socket.async_read_some(asio::buffer(bytes), use_fiber[closed]);
        if (closed) break;
        asio::async_write(socket, asio::buffer(bytes, n), use_fiber);
    }
    if (std::this_thread::get_id() != thread) ++strayed; // a connection never changes its thread
}

/// @return whether it came back as it was
bool call(tcp::endpoint const& server, std::string const& text) {
    tcp::socket socket{frond::io_context()};
    socket.async_connect(server, use_fiber);
    asio::async_write(socket, asio::buffer(text), use_fiber);
    std::string answer(text.size(), ' ');
    asio::async_read(socket, asio::buffer(answer), use_fiber);
    return answer == text;
}

} // namespace

int main() {
    frond::Listener listener{tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
    frond::Runtime runtime{{.threads = 2}};
    std::atomic<int> right{0};

    runtime.run([&] {
        frond::Group clients;
        clients.spawn([&] {
            frond::Pool pool{50};
            for (int i = 0; i < 1000; ++i)
                pool.spawn([&, i] { right += call(listener.local_endpoint(), "call " + std::to_string(i)); });
            pool.join();
            listener.close(); // from any thread
        });

        frond::Pool connections{20}; // while 20 are being served, others wait
        listener.serve(connections, echo);
        connections.join();
        std::cout << "never more than " << connections.limit() << " at once: " << std::boolalpha
                  << (connections.stats().active_peak <= 20) << '\n';
    });
    std::cout << right << " of 1000 echoes are right; strayed from their threads: " << strayed << '\n';
}
