#include <frond/asio.hpp>

#include "io/loopback.hpp"

#include <frond/group.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace asio = boost::asio;
namespace error = boost::asio::error;
using namespace std::chrono_literals;
using asio::ip::tcp;
using boost::system::error_code;
using boost::system::system_error;
using frond::Group;
using frond::io_context;
using frond::use_fiber;
using frond::test::any_loopback_port;
using frond::test::connected_pair;

namespace {

struct NoDefault {
    explicit NoDefault(int v) : value{v} {}
    int value;
};

/// An operation with the given signature that calls @p body with the handler.
template <class Signature, class Token, class Body>
auto start(Token token, Body body) {
    return asio::async_initiate<Token, Signature>([&](auto handler) { body(std::move(handler)); }, token);
}

/// The same, whose handler is called with @p values once the operation has been started.
template <class Signature, class Token, class... T>
auto later(Token token, T... values) {
    return start<Signature>(token, [&](auto handler) {
        asio::post(io_context(), [handler = std::move(handler), ... values = std::move(values)]() mutable {
            handler(std::move(values)...);
        });
    });
}

/// What the error code of the exception is that @p f throws; none if it throws none.
template <class F>
error_code thrown_by(F f) {
    try {
        f();
        return {};
    } catch (system_error const& e) {
        return e.code();
    }
}

// --- results -------------------------------------------------------------------------------------------

TEST(UseFiber, GivesNothingForNoArguments) {
    static_assert(std::is_void_v<decltype(later<void()>(use_fiber))>);
    static_assert(std::is_void_v<decltype(later<void(error_code)>(use_fiber, error_code{}))>);
    static_assert(std::is_void_v<decltype(later<void(std::exception_ptr)>(use_fiber, std::exception_ptr{}))>);
    later<void()>(use_fiber);
    later<void(error_code)>(use_fiber, error_code{});
    later<void(std::exception_ptr)>(use_fiber, std::exception_ptr{});
}

TEST(UseFiber, GivesTheOneValueOfASignature) {
    EXPECT_EQ(later<void(int)>(use_fiber, 7), 7);
    EXPECT_EQ((later<void(error_code, std::string)>(use_fiber, error_code{}, std::string{"text"})), "text");
    EXPECT_EQ((later<void(std::exception_ptr, int)>(use_fiber, std::exception_ptr{}, 7)), 7);
}

TEST(UseFiber, GivesATupleOfSeveralValues) {
    auto const [number, text] =
        later<void(error_code, int, std::string)>(use_fiber, error_code{}, 7, std::string{"x"});
    EXPECT_EQ(number, 7);
    EXPECT_EQ(text, "x");
}

TEST(UseFiber, GivesMoveOnlyValuesAndThoseWithoutADefault) {
    EXPECT_EQ(*later<void(std::unique_ptr<int>)>(use_fiber, std::make_unique<int>(7)), 7);
    EXPECT_EQ((later<void(error_code, NoDefault)>(use_fiber, error_code{}, NoDefault{7}).value), 7);
}

TEST(UseFiber, CopiesWhatASignatureNamesByReference) {
    std::string const text = "text";
    auto const got = start<void(std::string const&)>(use_fiber, [&](auto handler) { handler(text); });
    static_assert(std::is_same_v<decltype(got), std::string const>);
    EXPECT_EQ(got, "text");
}

TEST(UseFiber, TakesSignaturesThatPromiseNotToThrow) {
    EXPECT_EQ(start<void(int) noexcept>(use_fiber, [](auto handler) { handler(7); }), 7);
}

// --- errors --------------------------------------------------------------------------------------------

TEST(UseFiber, ThrowsALeadingErrorCode) {
    error_code const refused = error::connection_refused;
    EXPECT_EQ(thrown_by([&] { later<void(error_code, int)>(use_fiber, refused, 7); }), refused);
}

TEST(UseFiber, RethrowsALeadingException) {
    auto const failure = std::make_exception_ptr(std::out_of_range{"far"});
    EXPECT_THROW((later<void(std::exception_ptr, int)>(use_fiber, failure, 7)), std::out_of_range);
}

TEST(UseFiber, StoresTheErrorCodeWhereItIsTold) {
    error_code ec;
    EXPECT_EQ((later<void(error_code, int)>(use_fiber[ec], error::eof, 7)), 7);
    EXPECT_EQ(ec, error::eof);
}

TEST(UseFiber, ClearsTheStoredErrorCodeOnSuccess) {
    error_code ec = error::eof;
    later<void(error_code)>(use_fiber[ec], error_code{});
    EXPECT_FALSE(ec);
    ec = error::eof;
    later<void(int)>(use_fiber[ec], 7);
    EXPECT_FALSE(ec);
}

TEST(UseFiber, ThrowsWhatCopyingAnArgumentThrows) {
    struct Uncopyable {
        Uncopyable() = default;
        Uncopyable(Uncopyable const&) { throw std::runtime_error{"copy"}; }
    };
    Uncopyable const source;
    EXPECT_THROW(start<void(Uncopyable const&)>(use_fiber, [&](auto handler) { handler(source); }),
                 std::runtime_error);
}

TEST(UseFiber, EndsAnOperationWhoseHandlerIsDropped) {
    auto const drop = [](auto) {};
    EXPECT_EQ(thrown_by([&] { start<void()>(use_fiber, drop); }), error::operation_aborted);
    error_code ec;
    EXPECT_EQ((start<void(error_code, int)>(use_fiber[ec], drop)), 0);
    EXPECT_EQ(ec, error::operation_aborted);
    ec.clear();
    EXPECT_EQ(thrown_by([&] { start<void(error_code, NoDefault)>(use_fiber[ec], drop); }),
              error::operation_aborted);
}

TEST(UseFiber, EndsAnOperationWhoseContextIsDestroyed) {
    auto context = std::make_unique<asio::io_context>();
    Group group;
    auto const waits = group.spawn([&] { return thrown_by([&] { asio::post(*context, use_fiber); }); });
    frond::yield();
    EXPECT_EQ(waits.state(), frond::TaskState::waiting);
    context.reset();
    EXPECT_EQ(waits.get(), error::operation_aborted);
}

TEST(UseFiber, ThrowsEndOfFileAndRefusal) {
    tcp::socket socket{io_context()};
    EXPECT_EQ(thrown_by([&] { socket.async_connect(frond::test::dead_endpoint(), use_fiber); }),
              error::connection_refused);
    auto [ours, theirs] = connected_pair();
    theirs.close();
    std::array<char, 1> byte;
    EXPECT_EQ(thrown_by([&] { ours.async_read_some(asio::buffer(byte), use_fiber); }), error::eof);
}

TEST(UseFiber, ThrowsOperationAbortedWhenTheSocketIsCancelled) {
    auto [ours, theirs] = connected_pair();
    Group group;
    auto const reads = group.spawn([&socket = ours] {
        std::array<char, 1> byte;
        return thrown_by([&] { socket.async_read_some(asio::buffer(byte), use_fiber); });
    });
    frond::yield();
    ours.cancel();
    EXPECT_EQ(reads.get(), error::operation_aborted);
}

// --- initiation ----------------------------------------------------------------------------------------

TEST(UseFiber, DoesNotResumeBeforeTheInitiationHasReturned) {
    bool returned = false;
    int const got = start<void(int)>(use_fiber, [&](auto handler) {
        handler(7);
        frond::yield();
        returned = true;
    });
    EXPECT_TRUE(returned);
    EXPECT_EQ(got, 7);
}

TEST(UseFiber, WaitsForAHandlerThatAFailingInitiationHasHandedOn) {
    bool called = false;
    auto const fail = [&](auto handler) {
        asio::post(io_context(), [&called, handler = std::move(handler)]() mutable {
            called = true;
            handler(7);
        });
        throw std::runtime_error{"no"};
    };
    EXPECT_THROW(start<void(int)>(use_fiber, fail), std::runtime_error);
    EXPECT_TRUE(called);
}

TEST(UseFiber, RunsComposedOperations) {
    auto const step = [n = 0](auto& self, error_code = {}) mutable {
        if (n == 3) return self.complete(error_code{}, n);
        ++n;
        asio::post(io_context(), std::move(self));
    };
    EXPECT_EQ(
        (asio::async_compose<frond::use_fiber_t const, void(error_code, int)>(step, use_fiber, io_context())),
        3);
}

// --- with Asio's own -----------------------------------------------------------------------------------

TEST(UseFiber, AcceptsConnectsReadsAndWrites) {
    tcp::acceptor acceptor{io_context(), any_loopback_port()};
    Group group;
    group.spawn([&] {
        tcp::socket peer = acceptor.async_accept(use_fiber);
        asio::async_write(peer, asio::buffer("hello", 5), use_fiber);
    });
    tcp::socket socket{io_context()};
    socket.async_connect(acceptor.local_endpoint(), use_fiber);
    std::string text(5, ' ');
    EXPECT_EQ(asio::async_read(socket, asio::buffer(text), use_fiber), 5U);
    EXPECT_EQ(text, "hello");
    group.join();
}

TEST(UseFiber, IsTheDefaultOfAdaptedObjects) {
    using Acceptor = frond::use_fiber_t::as_default_on_t<tcp::acceptor>;
    using Socket = frond::use_fiber_t::as_default_on_t<tcp::socket>;
    Acceptor acceptor{io_context(), any_loopback_port()};
    Group group;
    group.spawn([&] {
        auto peer = frond::use_fiber_t::as_default_on(acceptor.async_accept());
        peer.async_write_some(asio::buffer("x", 1));
    });
    Socket socket{io_context()};
    socket.async_connect(acceptor.local_endpoint());
    char byte = ' ';
    EXPECT_EQ(socket.async_read_some(asio::buffer(&byte, 1)), 1U);
    EXPECT_EQ(byte, 'x');
    group.join();
}

TEST(UseFiber, ResolvesNames) {
    tcp::resolver resolver{io_context()};
    auto const found = resolver.async_resolve("localhost", "80", use_fiber);
    ASSERT_FALSE(found.empty());
    for (auto const& entry : found) {
        EXPECT_TRUE(entry.endpoint().address().is_loopback());
        EXPECT_EQ(entry.endpoint().port(), 80);
    }
}

TEST(UseFiber, WaitsForTimers) {
    auto const before = std::chrono::steady_clock::now();
    asio::steady_timer timer{io_context(), 20ms};
    timer.async_wait(use_fiber);
    EXPECT_GE(std::chrono::steady_clock::now() - before, 20ms);
}

TEST(UseFiber, LetsOthersRunMeanwhile) {
    asio::steady_timer timer{io_context(), 1h};
    Group group;
    auto const waits = group.spawn([&] { return thrown_by([&] { timer.async_wait(use_fiber); }); });
    group.spawn([&] { timer.cancel(); });
    EXPECT_EQ(waits.get(), error::operation_aborted);
}

asio::awaitable<int> add_slowly(int a, int b) {
    asio::steady_timer timer{co_await asio::this_coro::executor, 1ms};
    co_await timer.async_wait(asio::use_awaitable);
    if (a < 0) throw std::invalid_argument{"negative"};
    co_return a + b;
}

TEST(UseFiber, AwaitsCoroutines) {
    EXPECT_EQ(asio::co_spawn(io_context(), add_slowly(3, 4), use_fiber), 7);
    EXPECT_THROW(asio::co_spawn(io_context(), add_slowly(-1, 4), use_fiber), std::invalid_argument);
}

} // namespace
