#include "scripted_server.hpp"

#include <cerrno>
#include <cstddef>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace crawl {

std::string ok(std::string const& body, std::string const& type) {
    return "HTTP/1.1 200 OK\r\nContent-Type: " + type + "\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

ScriptedServer::ScriptedServer(std::map<std::string, Answer> answers) : answers_{std::move(answers)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 128) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        throw std::system_error{errno, std::generic_category(), "scripted server"};
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread{[this] { accept(); }};
}

ScriptedServer::~ScriptedServer() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
    {
        std::scoped_lock const lock{mutex_};
        for (int const socket : sockets_) ::shutdown(socket, SHUT_RDWR);
    }
    for (auto& session : sessions_) session.join();
    for (int const socket : sockets_) ::close(socket);
}

std::string ScriptedServer::url(std::string const& target) const {
    return "http://127.0.0.1:" + std::to_string(port_) + target;
}

int ScriptedServer::requests(std::string const& target) const {
    std::scoped_lock const lock{mutex_};
    auto const found = requests_.find(target);
    return found == requests_.end() ? 0 : found->second;
}

void ScriptedServer::accept() {
    for (;;) {
        int const socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (socket < 0) return;
        ++connections_;
        std::scoped_lock const lock{mutex_};
        sockets_.push_back(socket);
        sessions_.emplace_back([this, socket] { serve(socket); });
    }
}

void ScriptedServer::serve(int socket) {
    std::string input;
    char piece[4096];
    for (;;) {
        auto const end = input.find("\r\n\r\n");
        if (end == std::string::npos) {
            auto const n = ::recv(socket, piece, sizeof piece, 0);
            if (n <= 0) return;
            input.append(piece, static_cast<std::size_t>(n));
            continue;
        }
        auto const begin = input.find(' ') + 1;
        auto const target = input.substr(begin, input.find(' ', begin) - begin);
        input.erase(0, end + 4);
        {
            std::scoped_lock const lock{mutex_};
            ++requests_[target];
        }
        auto const found = answers_.find(target);
        Answer const missing{"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"};
        auto const& answer = found == answers_.end() ? missing : found->second;
        ::send(socket, answer.bytes.data(), answer.bytes.size(), MSG_NOSIGNAL);
        if (answer.then == Answer::Then::hang) {
            while (::recv(socket, piece, sizeof piece, 0) > 0) {
            }
            return;
        }
        if (answer.then == Answer::Then::close) {
            ::shutdown(socket, SHUT_RDWR);
            return;
        }
    }
}

} // namespace crawl
