#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace crawl {

/// A server for tests that sends exactly the bytes it was told to, right or wrong, and does what no decent
/// server would. It runs on plain threads, so that nothing of frond is in its way.
class ScriptedServer {
public:
    struct Answer {
        std::string bytes;
        enum class Then { keep_open, close, hang } then = Then::keep_open;
        int at_once = 1;   ///< held back until so many requests have been under way at the same time
        bool held = false; ///< held back until `release`
    };

    /// @param answers by request target; anything else gets a 404.
    explicit ScriptedServer(std::map<std::string, Answer> answers);
    ScriptedServer(ScriptedServer const&) = delete;
    ScriptedServer& operator=(ScriptedServer const&) = delete;
    ~ScriptedServer();

    std::string url(std::string const& target) const;
    /// Gives how many connections have been made.
    int connections() const;
    /// Gives how many requests for `target` have come.
    int requests(std::string const& target) const;
    /// Gives how many requests have come in all.
    int requests() const;
    /// Waits until so many connections have been made or requests have come, for a minute at most. @return
    /// whether they have
    bool await_connections(int count) const;
    bool await_requests(int count) const;
    /// Waits until the other side has closed all connections, for a minute at most. @return whether it has
    bool await_all_closed() const;
    /// Sends the answers that are held back, and from now on holds back none.
    void release();
    /// Gives how many requests were under way at once, at most: received and not answered.
    int most_at_once() const;

private:
    void accept();
    void serve(int socket);
    void converse(int socket);
    void note(std::string const& target, Answer const& answer);

    std::map<std::string, Answer> answers_;
    int listener_ = -1;
    int port_ = 0;

    mutable std::mutex mutex_; // guards all below
    mutable std::condition_variable changed_;
    int connections_ = 0;
    int closed_ = 0;
    std::map<std::string, int> requests_;
    int all_requests_ = 0;
    bool is_released_ = false;
    int under_way_ = 0;
    int most_at_once_ = 0;
    std::vector<int> sockets_;
    std::vector<std::thread> sessions_;

    std::thread acceptor_;
};

/// A start page with links to `count` others, /0, /1 and so on, which all get `answer`.
std::map<std::string, ScriptedServer::Answer> star(int count, ScriptedServer::Answer const& answer);

/// An answer as servers give it, with the length of its body.
std::string ok(std::string const& body, std::string const& type = "text/html");

} // namespace crawl
