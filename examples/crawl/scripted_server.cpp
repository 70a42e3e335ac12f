#include "scripted_server.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
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

std::map<std::string, ScriptedServer::Answer> star(int count, ScriptedServer::Answer const& answer) {
    std::map<std::string, ScriptedServer::Answer> answers;
    std::string start;
    for (int i = 0; i < count; ++i) {
        std::string name{"/"};
        name += std::to_string(i);
        start += "<a href=" + name + ">";
        answers[name] = answer;
    }
    answers["/"] = {ok(start)};
    return answers;
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
    release();
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

int ScriptedServer::requests() const {
    std::scoped_lock const lock{mutex_};
    return all_requests_;
}

int ScriptedServer::connections() const {
    std::scoped_lock const lock{mutex_};
    return connections_;
}

bool ScriptedServer::await_connections(int count) const {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, std::chrono::minutes{1}, [&] { return connections_ >= count; });
}

bool ScriptedServer::await_requests(int count) const {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, std::chrono::minutes{1}, [&] { return all_requests_ >= count; });
}

bool ScriptedServer::await_all_closed() const {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, std::chrono::minutes{1}, [&] { return closed_ == connections_; });
}

void ScriptedServer::release() {
    std::scoped_lock const lock{mutex_};
    is_released_ = true;
    changed_.notify_all();
}

int ScriptedServer::most_at_once() const {
    std::scoped_lock const lock{mutex_};
    return most_at_once_;
}

void ScriptedServer::accept() {
    for (;;) {
        int const socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (socket < 0) return;
        std::scoped_lock const lock{mutex_};
        ++connections_;
        changed_.notify_all();
        sockets_.push_back(socket);
        sessions_.emplace_back([this, socket] { serve(socket); });
    }
}

/// Counts a request, and lets the caller answer once there have been enough of them. If they never come, some
/// expectation fails; the test does not hang.
void ScriptedServer::note(std::string const& target, Answer const& answer) {
    std::unique_lock lock{mutex_};
    ++requests_[target];
    ++all_requests_;
    most_at_once_ = std::max(most_at_once_, ++under_way_);
    changed_.notify_all();
    changed_.wait_for(lock, std::chrono::seconds{20}, [&] { return most_at_once_ >= answer.at_once; });
    changed_.wait(lock, [&] { return !answer.held || is_released_; });
    --under_way_; // before the answer, after which the client may send the next request
}

void ScriptedServer::serve(int socket) {
    converse(socket);
    std::scoped_lock const lock{mutex_};
    ++closed_;
    changed_.notify_all();
}

/// Returns when no more can be said, on whichever side.
void ScriptedServer::converse(int socket) {
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
        auto const found = answers_.find(target);
        Answer const missing{"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"};
        auto const& answer = found == answers_.end() ? missing : found->second;
        note(target, answer);
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
