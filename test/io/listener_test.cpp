#include <frond/listener.hpp>

#include "io/loopback.hpp"
#include "scheduler/stack_arena.hpp"
#include "support/gate.hpp"
#include "support/scale.hpp"
#include "support/what_of.hpp"

#include <frond/blocking.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/runtime.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <iterator>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>

#include <sys/resource.h>
#include <unistd.h>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::tcp;
using boost::system::error_code;
using boost::system::system_error;
using frond::Group;
using frond::io_context;
using frond::Listener;
using frond::Pool;
using frond::Runtime;
using frond::use_fiber;
using frond::test::any_loopback_port;
using frond::test::Gate;
using frond::test::scaled;
using frond::test::yield_until;

namespace {

/// Answers everything until the peer closes.
void echo(tcp::socket socket) {
    std::array<char, 64> bytes;
    error_code ec;
    while (!ec) {
        std::size_t const n = socket.async_read_some(asio::buffer(bytes), use_fiber[ec]);
        if (!ec) asio::async_write(socket, asio::buffer(bytes, n), use_fiber[ec]);
    }
}

tcp::socket connect(tcp::endpoint const& where) {
    tcp::socket socket{io_context()};
    socket.async_connect(where, use_fiber);
    return socket;
}

/// Whether @p text comes back.
bool is_answered(tcp::socket& socket, std::string const& text = "frond") {
    asio::async_write(socket, asio::buffer(text), use_fiber);
    std::string answer(text.size(), ' ');
    error_code ec;
    asio::async_read(socket, asio::buffer(answer), use_fiber[ec]);
    return answer == text;
}

error_code connect_error(tcp::endpoint const& where) {
    tcp::socket socket{io_context()};
    error_code ec;
    socket.async_connect(where, use_fiber[ec]);
    return ec;
}

error_code listen_error(tcp::endpoint const& where, frond::ListenerOptions const& options = {}) {
    try {
        Listener const listener{where, options};
        return {};
    } catch (system_error const& e) {
        return e.code();
    }
}

/// A listener that is being served until the end of the scope.
class Server {
public:
    template <class Handler>
    Server(Group& connections, Handler handler) {
        serving_.spawn([this, &connections, handler] { listener.serve(connections, handler); });
    }
    explicit Server(Group& connections) : Server(connections, &echo) {}
    Server(Server const&) = delete;
    Server& operator=(Server const&) = delete;
    ~Server() { listener.close(); }

    void join() { serving_.join(); }
    tcp::endpoint where() const { return listener.local_endpoint(); }

    Listener listener{any_loopback_port()};

private:
    Group serving_;
};

/// The threads that something ran on.
class Threads {
public:
    void add() {
        std::lock_guard const lock{mutex_};
        ids_.insert(std::this_thread::get_id());
    }
    bool contains(std::thread::id id) const {
        std::lock_guard const lock{mutex_};
        return ids_.contains(id);
    }
    std::size_t size() const {
        std::lock_guard const lock{mutex_};
        return ids_.size();
    }

private:
    mutable std::mutex mutex_;
    std::set<std::thread::id> ids_;
};

auto echo_noting(Threads& threads) {
    return [&threads](tcp::socket socket) {
        threads.add();
        echo(std::move(socket));
    };
}

/// One connection after the other until @p count threads have served one: some open their sockets a little
/// later, and who gets a connection is left to chance, but not so often as this.
void connect_until(Server const& server, Threads const& servers, std::size_t count) {
    for (int i = 0; i < 10'000 && servers.size() < count; ++i) {
        auto socket = connect(server.where());
        ASSERT_TRUE(is_answered(socket));
    }
}

/// Runs on so many threads of a runtime; 0: on the test's own thread.
class ListenerOn : public testing::TestWithParam<std::size_t> {
protected:
    static std::size_t threads() { return GetParam() == 0 ? 1 : GetParam(); }
    static void run(std::function<void()> const& f) {
        if (GetParam() == 0)
            f();
        else
            Runtime{{.threads = GetParam()}}.run(f);
    }
};

INSTANTIATE_TEST_SUITE_P(Threads, ListenerOn, testing::Values(0, 1, 2, 4),
                         [](auto const& tested) { return std::to_string(tested.param); });

// --- opening -------------------------------------------------------------------------------------------

TEST(Listener, TellsThePortThatItWasGiven) {
    Listener const first{any_loopback_port()};
    Listener const second{any_loopback_port()};
    EXPECT_NE(first.local_endpoint().port(), 0);
    EXPECT_NE(first.local_endpoint(), second.local_endpoint());
    EXPECT_TRUE(first.local_endpoint().address().is_loopback());
}

TEST(Listener, ListensOnIpv6) {
    Listener const listener{tcp::endpoint{asio::ip::address_v6::loopback(), 0}};
    EXPECT_TRUE(listener.local_endpoint().address().is_v6());
    EXPECT_FALSE(connect_error(listener.local_endpoint()));
}

TEST(Listener, ThrowsWhenAnotherOneListensThere) {
    Listener const first{any_loopback_port()};
    EXPECT_EQ(listen_error(first.local_endpoint()), asio::error::address_in_use);
    EXPECT_EQ(listen_error(first.local_endpoint(), {.reuse_port = true}), error_code{})
        << "our own sockets share the port, so who asks for that may join";
}

TEST(Listener, SharesItsPortIfBothSaySo) {
    Listener const first{any_loopback_port(), {.reuse_port = true}};
    EXPECT_EQ(listen_error(first.local_endpoint(), {.reuse_port = true}), error_code{});
    EXPECT_EQ(listen_error(first.local_endpoint()), asio::error::address_in_use);
}

TEST(Listener, ThrowsForAnAddressOfSomebodyElse) {
    EXPECT_EQ(listen_error({asio::ip::make_address("192.0.2.1"), 0}),
              boost::system::errc::address_not_available);
}

TEST(Listener, ThrowsForABacklogOfNothing) {
    EXPECT_THROW((Listener{any_loopback_port(), {.backlog = 0}}), std::invalid_argument);
    EXPECT_THROW((Listener{any_loopback_port(), {.backlog = -1}}), std::invalid_argument);
}

// --- serving -------------------------------------------------------------------------------------------

TEST_P(ListenerOn, ServesAllWhoCome) {
    std::size_t const count = scaled(200);
    std::atomic<std::size_t> right{0};
    run([&] {
        Group connections;
        Server server{connections};
        Group clients;
        for (std::size_t i = 0; i < count; ++i) {
            clients.spawn([&, i] {
                auto socket = connect(server.where());
                for (int round = 0; round < 5; ++round)
                    right += is_answered(socket, std::to_string(i) + ' ' + std::to_string(round)) ? 1 : 0;
            });
        }
        clients.join();
    });
    EXPECT_EQ(right, 5 * count);
}

TEST_P(ListenerOn, ServesWhoCameBefore) {
    run([] {
        Group connections;
        Listener listener{any_loopback_port()};
        auto socket = connect(listener.local_endpoint());
        Group serving;
        serving.spawn([&] { listener.serve(connections, &echo); });
        EXPECT_TRUE(is_answered(socket));
        listener.close();
    });
}

TEST_P(ListenerOn, ServesOnTheThreadThatOwnsTheSocket) {
    run([] {
        // Each gets the one slot from the one before, as a rule on another thread.
        Pool connections{1};
        std::atomic<bool> owned{true};
        Server server{connections, [&](tcp::socket socket) {
                          auto const thread = std::this_thread::get_id();
                          using Executor = asio::io_context::executor_type;
                          auto const executor = socket.get_executor();
                          if (&executor.target<Executor>()->context() != &io_context()) owned = false;
                          echo(std::move(socket));
                          if (std::this_thread::get_id() != thread) owned = false;
                      }};
        Group clients;
        for (std::size_t i = 0; i < scaled(100); ++i) {
            clients.spawn([&server] {
                auto socket = connect(server.where());
                EXPECT_TRUE(is_answered(socket));
            });
        }
        clients.join();
        EXPECT_TRUE(owned);
    });
}

TEST_P(ListenerOn, SpreadsConnectionsOverAllThreads) {
    Threads servers;
    run([&] {
        Group connections;
        Server server{connections, echo_noting(servers)};
        connect_until(server, servers, threads());
    });
    EXPECT_EQ(servers.size(), threads());
}

TEST_P(ListenerOn, AcceptsOneConnectionAThreadBeyondAFullPool) {
    constexpr std::size_t limit = 3;
    run([&] {
        Pool connections{limit};
        Gate gate;
        std::atomic<std::size_t> served{0};
        Server server{connections, [&](tcp::socket) {
                          gate.pass();
                          ++served;
                      }};
        std::vector<tcp::socket> clients;
        for (int i = 0; i < 30; ++i) clients.push_back(connect(server.where()));
        yield_until([&] { return connections.pending() >= 1; });
        frond::sleep_for(5ms);
        gate.open();
        yield_until([&] { return served == clients.size(); });
        EXPECT_LE(connections.stats().pending_peak, threads());
        EXPECT_LE(connections.stats().active_peak, limit);
    });
}

TEST_P(ListenerOn, LeavesErrorsOfHandlersToTheGroup) {
    run([] {
        Group connections;
        Server server{connections, [](tcp::socket socket) {
                          std::string word(3, ' ');
                          asio::async_read(socket, asio::buffer(word), use_fiber);
                          if (word == "bad") throw std::range_error{"from a handler"};
                          asio::async_write(socket, asio::buffer(word), use_fiber);
                      }};
        auto bad = connect(server.where());
        EXPECT_FALSE(is_answered(bad, "bad"));
        for (int i = 0; i < 10; ++i) {
            auto socket = connect(server.where());
            EXPECT_TRUE(is_answered(socket, "yes"));
        }
        server.listener.close();
        server.join();
        EXPECT_EQ(frond::test::what_is_thrown_by([&] { connections.join(); }), "from a handler");
    });
}

TEST(Listener, ServesOnTheThreadsOfTheGroupWhereverItIsCalled) {
    Runtime runtime{{.threads = 2}};
    std::optional<Group> theirs;
    runtime.run([&] { theirs.emplace(); });
    Threads workers;
    runtime.run_on_each([&] { workers.add(); });
    std::atomic<bool> all_there{true};
    {
        Server server{*theirs, [&](tcp::socket socket) {
                          if (!workers.contains(std::this_thread::get_id())) all_there = false;
                          echo(std::move(socket));
                      }};
        for (int i = 0; i < 20; ++i) {
            auto socket = connect(server.where());
            EXPECT_TRUE(is_answered(socket));
        }
    }
    theirs.reset();
    EXPECT_TRUE(all_there);
}

TEST(Listener, ServesOnThePlainThreadOfTheGroupWhereverItIsCalled) {
    Group connections;
    Listener listener{any_loopback_port()};
    auto const here = std::this_thread::get_id();
    std::thread other{[&] {
        listener.serve(connections, [here](tcp::socket socket) {
            EXPECT_EQ(std::this_thread::get_id(), here);
            echo(std::move(socket));
        });
    }};
    {
        auto socket = connect(listener.local_endpoint());
        EXPECT_TRUE(is_answered(socket));
    }
    listener.close();
    connections.join(); // goes on serving this thread, whose acceptor is to end
    frond::blocking([&] { other.join(); });
}

TEST_P(ListenerOn, GoesOnWhenThereWereNoFilesLeft) {
    // Clang's check of vtables opens a pipe to look at memory, and takes its failure for a bad object.
    if (frond::detail::under_address_sanitizer)
        GTEST_SKIP() << "UndefinedBehaviorSanitizer needs files itself";
    run([] {
        Group connections;
        Threads servers;
        std::atomic<int> served{0};
        Server server{connections, [&, echo = echo_noting(servers)](tcp::socket socket) {
                          ++served;
                          echo(std::move(socket));
                      }};
        connect_until(server, servers, threads()); // all have what files they need
        yield_until([&] { return connections.empty(); });
        int const before = served;
        tcp::socket client{io_context()};
        client.open(tcp::v4());
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        int const next_file = ::dup(STDIN_FILENO);
        ::close(next_file);
        rlimit const none{static_cast<rlim_t>(next_file), limit.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &none);
        error_code ec;
        client.async_connect(server.where(), use_fiber[ec]);
        frond::sleep_for(20ms);
        EXPECT_EQ(served, before);
        ::setrlimit(RLIMIT_NOFILE, &limit);
        ASSERT_FALSE(ec);
        EXPECT_TRUE(is_answered(client));
    });
}

// --- closing -------------------------------------------------------------------------------------------

TEST_P(ListenerOn, RefusesConnectionsFromItsCloseOn) {
    run([] {
        Group connections;
        Server server{connections};
        {
            auto socket = connect(server.where());
            EXPECT_TRUE(is_answered(socket));
        }
        server.listener.close();
        EXPECT_EQ(connect_error(server.where()), asio::error::connection_refused);
        server.join();
    });
}

TEST_P(ListenerOn, LetsConnectionsGoOnAfterItsClose) {
    run([] {
        Group connections;
        Server server{connections};
        auto socket = connect(server.where());
        EXPECT_TRUE(is_answered(socket));
        server.listener.close();
        server.join();
        EXPECT_EQ(connections.size(), 1U);
        EXPECT_TRUE(is_answered(socket));
        socket.close();
        connections.join();
    });
}

TEST_P(ListenerOn, ReturnsWhenAPlainThreadClosesIt) {
    run([] {
        Group connections;
        Listener listener{any_loopback_port()};
        std::thread other{[&] {
            std::this_thread::sleep_for(1ms);
            listener.close();
        }};
        listener.serve(connections, &echo);
        EXPECT_EQ(connections.size(), 0U);
        other.join();
    });
}

TEST_P(ListenerOn, ReturnsWhenAHandlerClosesIt) {
    run([] {
        Group connections;
        Listener listener{any_loopback_port()};
        auto const socket = connect(listener.local_endpoint());
        listener.serve(connections, [&](tcp::socket) { listener.close(); });
    });
}

TEST_P(ListenerOn, ReturnsWhenItDies) {
    run([] {
        Group connections;
        Group serving;
        {
            Listener listener{any_loopback_port()};
            Gate begun;
            serving.spawn([&] {
                begun.open();
                listener.serve(connections, &echo);
            });
            begun.pass();
            EXPECT_FALSE(connect_error(listener.local_endpoint()));
        }
        serving.join();
    });
}

TEST_P(ListenerOn, ReturnsAtOnceWhenItIsClosed) {
    run([] {
        Group connections;
        Listener listener{any_loopback_port()};
        listener.close();
        listener.close();
        EXPECT_EQ(connect_error(listener.local_endpoint()), asio::error::connection_refused);
        listener.serve(connections, &echo);
    });
}

TEST_P(ListenerOn, ClosesWhileConnectionsCome) {
    run([] {
        for (std::size_t i = 0; i < scaled(100); ++i) {
            Group connections{{.on_error = frond::OnError::report}};
            Server server{connections};
            Group clients;
            for (int c = 0; c < 4; ++c) clients.spawn([where = server.where()] { connect_error(where); });
            std::thread other{[&] { server.listener.close(); }};
            clients.join();
            server.join();
            other.join();
        }
    });
}

TEST_P(ListenerOn, ThrowsClosedWhenItsPoolIsClosedFirst) {
    run([] {
        Pool connections{2};
        Listener listener{any_loopback_port()};
        Group serving;
        auto const server = serving.spawn([&] { listener.serve(connections, &echo); });
        connections.close();
        connect_error(listener.local_endpoint());
        EXPECT_THROW(server.get(), frond::Closed);
        EXPECT_EQ(connect_error(listener.local_endpoint()), asio::error::connection_refused);
    });
}

TEST_P(ListenerOn, ThrowsWhatCopyingTheHandlerThrows) {
    struct Handler {
        std::atomic<bool>* fails;
        explicit Handler(std::atomic<bool>& f) : fails{&f} {}
        Handler(Handler const& other) : fails{other.fails} {
            if (*fails) throw std::range_error{"copy"};
        }
        void operator()(tcp::socket socket) const { echo(std::move(socket)); }
    };
    run([] {
        Group connections;
        Listener listener{any_loopback_port()};
        std::atomic<bool> fails{false};
        Group serving;
        auto const server = serving.spawn([&] { listener.serve(connections, Handler{fails}); });
        auto socket = connect(listener.local_endpoint());
        EXPECT_TRUE(is_answered(socket));
        fails = true;
        connect_error(listener.local_endpoint());
        EXPECT_THROW(server.get(), std::range_error);
        EXPECT_EQ(connect_error(listener.local_endpoint()), asio::error::connection_refused);
    });
}

TEST_P(ListenerOn, LeavesNoFileOpen) {
    auto const files = [] {
        std::filesystem::directory_iterator const open{"/proc/self/fd"};
        return std::distance(begin(open), end(open));
    };
    run([&] {
        io_context();
        auto const serve_once = [] {
            Group connections;
            Server server{connections};
            auto socket = connect(server.where());
            EXPECT_TRUE(is_answered(socket));
        };
        serve_once(); // every thread has its io_context now
        auto const before = files();
        for (std::size_t i = 0; i < scaled(20); ++i) serve_once();
        EXPECT_EQ(files(), before);
    });
}

} // namespace
