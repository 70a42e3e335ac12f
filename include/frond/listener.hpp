#pragma once

#include <frond/asio.hpp>
#include <frond/detail/export.hpp>
#include <frond/group.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <source_location>
#include <utility>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/socket_base.hpp>

namespace frond::inline v0 {

struct ListenerOptions {
    /// Connections that the system keeps a socket until they are accepted; at least one.
    int backlog = boost::asio::socket_base::max_listen_connections;
    /// Other listeners of the same user may have the same port, if they say so, too, and get their share of
    /// the connections: for servers of several processes.
    bool reuse_port = false;
};

namespace detail {

/// The sockets of one `Listener`.
/// Thread safety: all members may be called from any thread.
class FROND_API ListeningSockets {
public:
    /// Opens the first one. @throws as `Listener`
    ListeningSockets(boost::asio::ip::tcp::endpoint const& where, ListenerOptions const& options);
    ListeningSockets(ListeningSockets const&) = delete;
    ListeningSockets& operator=(ListeningSockets const&) = delete;
    ~ListeningSockets();

    boost::asio::ip::tcp::endpoint const& where() const noexcept { return where_; }
    bool is_closed() const;
    void close();

private:
    friend class Acceptor;

    int const backlog_;
    boost::asio::ip::tcp::endpoint where_;

    mutable std::mutex mutex_;
    bool closed_ = false;
    int first_;             ///< nobody accepts from it yet; -1: somebody does
    std::vector<int> open_; ///< those that somebody accepts from
};

/// Accepts on one thread, from a socket of its own.
class FROND_API Acceptor {
public:
    /// @throws boost::system::system_error
    explicit Acceptor(ListeningSockets& sockets);
    Acceptor(Acceptor const&) = delete;
    Acceptor& operator=(Acceptor const&) = delete;
    ~Acceptor();

    /// The next connection; nothing once the sockets are closed. *Suspends* until then.
    /// @throws boost::system::system_error where accepting can never succeed
    std::optional<boost::asio::ip::tcp::socket> next();

private:
    ListeningSockets& sockets_;
    boost::asio::ip::tcp::acceptor acceptor_;
};

/// Calls a copy of `accept` in a fiber on each thread of the group's home and waits until they have ended.
/// When one of them ends the sockets are closed. @throws what the first of them has thrown
FROND_API void accept_on_each_thread(Group& connections, std::shared_ptr<ListeningSockets> sockets,
                                     std::function<void()> const& accept, std::source_location at);

} // namespace detail

/// A TCP port at which connections are accepted and served, each by a task of its own.
///
/// In a `Runtime` each of its threads accepts, on a socket of its own, and serves what it has accepted: the
/// system spreads the connections by a hash of the peers' addresses, evenly if they are many, and whatever a
/// connection does stays on one thread. Elsewhere it is one socket and one thread.
///
/// Example:
///     frond::Listener listener{{tcp::v4(), 7}};
///     frond::Runtime runtime;
///     runtime.run([&] {
///         frond::Pool connections{10'000};
///         listener.serve(connections, [](tcp::socket socket) { echo(socket); });   // until listener.close()
///     });
///
/// Lifetime: the destructor closes; `serve` may go on for a moment and needs only its group.
/// Thread safety: all members but the destructor may be called from any thread, also inside handlers of Asio,
/// but for `serve`, which waits. Cost: accepting allocates the task and the socket. A thread that computes
/// without a wait leaves those who knock at its socket waiting meanwhile, although others may be idle.
class FROND_API Listener {
public:
    /// Listens from now on; who connects before `serve` is called waits. Port 0 takes one that is free.
    /// `TIME_WAIT`s of a server before this one do not matter, a server that still listens does.
    /// @throws boost::system::system_error: the address is in use, is none of ours, is not allowed…
    /// @throws std::invalid_argument for a backlog of 0 or less
    explicit Listener(boost::asio::ip::tcp::endpoint const& where, ListenerOptions const& options = {});
    Listener(Listener const&) = delete;
    Listener& operator=(Listener const&) = delete;
    ~Listener();

    /// Where it listens, with the true port.
    boost::asio::ip::tcp::endpoint local_endpoint() const { return sockets_->where(); }

    /// Accepts until `close` and spawns a copy of `handler` with each connection in `connections`, pinned to
    /// the thread that has accepted it, whose `io_context` the socket uses. The threads are those of the
    /// group's home; the caller may be anywhere. While the group's pool is full, each thread accepts one more
    /// connection and waits for its admission before it goes on. `OnError::report` suits groups of
    /// connections that live long.
    ///
    /// An error of one connection, or a lack of files or memory (`EMFILE`, `ENFILE`, `ENOBUFS`), ends
    /// nothing: the thread pauses for 10 ms and tries again.
    ///
    /// *Suspends* until all threads have stopped accepting, so that `connections` gets no more of them; those
    /// that it has go on, and are joined by whoever owns the group. When the caller is cancelled or its time
    /// is up, accepting ends in the same way, and the listener is closed; who waits for admission is
    /// disconnected. Cancelling `connections` does not end it.
    /// @throws boost::system::system_error if a thread gets no socket of its own; Closed if the group is
    /// closed before the listener; what copying the handler throws; Cancelled. What ends one thread's
    /// accepting closes the listener
    template <class F>
        requires std::copy_constructible<F> && detail::Spawnable<F const&, boost::asio::ip::tcp::socket>
    void serve(Group& connections, F handler, std::source_location at = std::source_location::current()) {
        auto const accept = [&connections, &sockets = *sockets_, handler = std::move(handler), at] {
            detail::Acceptor acceptor{sockets};
            while (auto socket = acceptor.next())
                connections.spawn_wait({.pinned = true, .at = at}, handler, std::move(*socket));
        };
        detail::accept_on_each_thread(connections, sockets_, accept, at);
    }

    /// No more connections; `serve` returns soon. Who knocks from now on is refused, who was not accepted yet
    /// is disconnected. Idempotent; `serve` of a closed listener returns at once. *Suspends* never.
    void close() { sockets_->close(); }

private:
    std::shared_ptr<detail::ListeningSockets> sockets_; ///< `serve` keeps them, too
};

} // namespace frond::inline v0
