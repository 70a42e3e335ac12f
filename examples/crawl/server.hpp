#pragma once

#include <chrono>
#include <filesystem>

#include <boost/asio/ip/tcp.hpp>

namespace crawl {

/// A small HTTP server for a tree of files, one fiber a connection. It is meant for loopback: it gives every
/// file below its root to everybody and follows symbolic links out of it.
class FileServer {
public:
    struct Options {
        std::filesystem::path root;
        std::chrono::milliseconds latency{0}; ///< added to each request, to stand for a network
        unsigned short port = 0;              ///< 0: any that is free
    };

    /// Listens on 127.0.0.1. @throws boost::system::system_error if it cannot
    explicit FileServer(Options options);

    unsigned short port() const;
    /// Serves for ever.
    [[noreturn]] void run();

private:
    Options options_;
    boost::asio::ip::tcp::acceptor acceptor_;
};

} // namespace crawl
