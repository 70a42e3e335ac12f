#include <frond/listener.hpp>

#include "scheduler/home.hpp"
#include "scheduler/team.hpp"

#include <frond/this_task.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <exception>
#include <stdexcept>

#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include <sys/socket.h>
#include <unistd.h>

namespace frond::inline v0 {

namespace detail {

namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;
using boost::system::system_error;

constexpr std::chrono::milliseconds pause_after_error{10};

/// A descriptor that somebody must close.
class Descriptor {
public:
    explicit Descriptor(int fd) noexcept : fd_{fd} {}
    Descriptor(Descriptor const&) = delete;
    Descriptor& operator=(Descriptor const&) = delete;
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }

    int get() const noexcept { return fd_; }
    int release() noexcept { return std::exchange(fd_, -1); }

private:
    int fd_;
};

void check(int result, char const* what) {
    if (result < 0) throw system_error{errno, boost::system::system_category(), what};
}

void switch_on(Descriptor const& socket, int option) {
    int const on = 1;
    check(::setsockopt(socket.get(), SOL_SOCKET, option, &on, sizeof on), "frond: Listener: option");
}

enum class Port : unsigned char { ours_alone, shared };

/// The first socket binds without SO_REUSEPORT and takes it on only afterwards. So the port may be shared by
/// our own sockets, which come later, and yet a second server that binds like this is told that the address
/// is in use, instead of getting half of the connections.
int open_socket(tcp::endpoint const& where, Port port, int backlog) {
    Descriptor socket{
        ::socket(where.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP)};
    check(socket.get(), "frond: Listener: socket");
    switch_on(socket, SO_REUSEADDR);
    if (port == Port::shared) switch_on(socket, SO_REUSEPORT);
    check(::bind(socket.get(), where.data(), static_cast<socklen_t>(where.size())), "frond: Listener: bind");
    if (port == Port::ours_alone) switch_on(socket, SO_REUSEPORT);
    check(::listen(socket.get(), backlog), "frond: Listener: listen");
    return socket.release();
}

/// One that no connection is to blame for, and no lack of anything: it would come again for ever.
bool is_permanent(error_code const& error) noexcept {
    return error.value() == EBADF || error.value() == EINVAL || error.value() == ENOTSOCK;
}

struct CloseAtEnd {
    std::shared_ptr<ListeningSockets> sockets;
    ~CloseAtEnd() { sockets->close(); }
};

/// The fibers that accept for a group. They live where it lives.
class Acceptors : public Group {
public:
    explicit Acceptors(Group& connections) : Group(home_of(connections), {.name = "accept"}) {}

    std::size_t threads() const noexcept { return core_.home->team ? core_.home->team->homes.size() : 1; }

    template <class F>
    Task<void> spawn_on(std::size_t thread, F&& f, std::source_location at) {
        auto& n = make(at, std::forward<F>(f));
        if (core_.home->team) pin(n, *core_.home->team->homes[thread]);
        submit(n, SpawnMode::queue);
        return handle(n);
    }

private:
    static Home& home_of(Group& g) noexcept { return *(g.*&Acceptors::core_).home; }
};

} // namespace

// --- the sockets ---------------------------------------------------------------------------------------

ListeningSockets::ListeningSockets(tcp::endpoint const& where, ListenerOptions const& options)
    : backlog_{options.backlog}, where_{where} {
    if (backlog_ <= 0) throw std::invalid_argument("frond: ListenerOptions::backlog must be positive");
    Descriptor socket{open_socket(where, options.reuse_port ? Port::shared : Port::ours_alone, backlog_)};
    auto size = static_cast<socklen_t>(where_.capacity());
    check(::getsockname(socket.get(), where_.data(), &size), "frond: Listener: getsockname");
    where_.resize(size);
    first_ = socket.release();
}

ListeningSockets::~ListeningSockets() {
    if (first_ >= 0) ::close(first_);
}

bool ListeningSockets::is_closed() const {
    std::lock_guard const lock{mutex_};
    return closed_;
}

/// A socket belongs to the thread that accepts from it, and `cancel` or `close` would have to be called
/// there. A shut-down may come from any thread: to whoever accepts, now or later, it is an error of the
/// socket, and the port is closed when this returns.
void ListeningSockets::close() {
    std::lock_guard const lock{mutex_};
    closed_ = true;
    for (int const fd : open_) ::shutdown(fd, SHUT_RDWR);
    if (first_ >= 0) ::close(std::exchange(first_, -1));
}

// --- accepting -----------------------------------------------------------------------------------------

Acceptor::Acceptor(ListeningSockets& sockets) : sockets_{sockets}, acceptor_{io_context()} {
    std::lock_guard const lock{sockets_.mutex_};
    if (sockets_.closed_) return;
    sockets_.open_.reserve(sockets_.open_.size() + 1);
    int const first = std::exchange(sockets_.first_, -1);
    Descriptor socket{first >= 0 ? first : open_socket(sockets_.where_, Port::shared, sockets_.backlog_)};
    acceptor_.assign(sockets_.where_.protocol(), socket.get());
    sockets_.open_.push_back(socket.release());
}

Acceptor::~Acceptor() {
    if (!acceptor_.is_open()) return;
    std::lock_guard const lock{sockets_.mutex_};
    std::erase(sockets_.open_, acceptor_.native_handle());
    error_code error;
    if (acceptor_.close(error)) return; // the descriptor is gone in any case
}

std::optional<tcp::socket> Acceptor::next() {
    while (acceptor_.is_open()) {
        error_code error;
        tcp::socket socket = acceptor_.async_accept(use_fiber[error]);
        if (!error) return socket;
        if (sockets_.is_closed()) break;
        if (is_permanent(error)) throw system_error{error, "frond: Listener: accept"};
        sleep_for(pause_after_error);
    }
    return std::nullopt;
}

void accept_on_each_thread(Group& connections, std::shared_ptr<ListeningSockets> sockets,
                           std::function<void()> const& accept, std::source_location at) {
    Home::current().check_may_wait();
    Acceptors acceptors{connections};
    std::vector<Task<void>> tasks;
    CloseAtEnd const at_end{std::move(sockets)};
    for (std::size_t i = 0; i < acceptors.threads(); ++i) {
        auto accept_here = [open = at_end.sockets, accept] {
            CloseAtEnd const at_end_of_one{open};
            accept();
        };
        tasks.push_back(acceptors.spawn_on(i, std::move(accept_here), at));
    }
    std::exception_ptr first;
    for (auto const& task : tasks)
        if (auto const error = task.error(); error && !first) first = error;
    if (first) std::rethrow_exception(first);
}

} // namespace detail

Listener::Listener(boost::asio::ip::tcp::endpoint const& where, ListenerOptions const& options)
    : sockets_{std::make_shared<detail::ListeningSockets>(where, options)} {}

Listener::~Listener() { close(); }

} // namespace frond::inline v0
