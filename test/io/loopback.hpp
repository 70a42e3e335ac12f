#pragma once

#include <frond/asio.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <utility>

namespace frond::test {

inline boost::asio::ip::tcp::endpoint any_loopback_port() {
    return {boost::asio::ip::address_v4::loopback(), 0};
}

/// A port on which nobody listens.
inline boost::asio::ip::tcp::endpoint dead_endpoint() {
    return boost::asio::ip::tcp::acceptor{io_context(), any_loopback_port()}.local_endpoint();
}

/// Two connected sockets of this thread.
inline std::pair<boost::asio::ip::tcp::socket, boost::asio::ip::tcp::socket> connected_pair() {
    boost::asio::ip::tcp::acceptor acceptor{io_context(), any_loopback_port()};
    boost::asio::ip::tcp::socket first{io_context()};
    first.connect(acceptor.local_endpoint());
    auto second = acceptor.accept();
    first.set_option(boost::asio::ip::tcp::no_delay{true});
    second.set_option(boost::asio::ip::tcp::no_delay{true});
    return {std::move(first), std::move(second)};
}

} // namespace frond::test
