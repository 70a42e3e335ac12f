// Name resolution cannot be interrupted: a cancelled fiber leaves it behind.

#include "io/loopback.hpp"

#include <frond/asio.hpp>
#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/runtime.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/system/error_code.hpp>

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::tcp;
using boost::system::error_code;
using frond::Cancelled;
using frond::Group;
using frond::io_context;
using frond::Runtime;
using frond::TimedOut;
using frond::use_fiber;

namespace {

/// Looks to the token like Asio's resolver, and answers when the test says so.
class ManualResolver {
public:
    using Results = tcp::resolver::results_type;
    using Handler = frond::detail::ResolutionHandler<error_code, Results>;

    Results resolve() {
        asio::ip::basic_resolver_query<tcp> question{"localhost", "80"};
        return asio::async_initiate<frond::use_fiber_t const, void(error_code, Results)>(
            [this](Handler handler, auto const&) { handler_.emplace(std::move(handler)); }, use_fiber,
            question);
    }
    bool has_started() const { return handler_.has_value(); }
    void answer() { take()(error_code{}, Results::create(tcp::endpoint{}, "localhost", "80")); }
    void drop() { take(); }

private:
    Handler take() {
        Handler handler = std::move(*handler_);
        handler_.reset();
        return handler;
    }

    std::optional<Handler> handler_;
};

TEST(CancelledResolution, LetsTheFiberGoAtOnce) {
    ManualResolver resolver;
    Group group;
    auto const task = group.spawn([&] { resolver.resolve(); });
    frond::yield();
    ASSERT_TRUE(resolver.has_started());
    EXPECT_TRUE(task.cancel());
    resolver.answer();
}

TEST(CancelledResolution, LetsTheFiberGoAtADeadline) {
    ManualResolver resolver;
    EXPECT_THROW(frond::with_timeout(5ms, [&] { resolver.resolve(); }), TimedOut);
    resolver.drop();
}

TEST(CancelledResolution, GivesAnAnswerThatCameFirst) {
    ManualResolver resolver;
    Group group;
    auto const task = group.spawn([&] { return resolver.resolve().size(); });
    frond::yield();
    resolver.answer();
    task.request_cancel();
    EXPECT_EQ(task.get(), 1U);
}

TEST(CancelledResolution, EndsAsAbortedWhenItsHandlerIsDropped) {
    ManualResolver resolver;
    Group group;
    auto const task = group.spawn([&] { resolver.resolve(); });
    frond::yield();
    resolver.drop();
    EXPECT_THROW(task.get(), boost::system::system_error);
}

TEST(CancelledResolution, DropsAnAnswerThatComesAfterTheThreadsEnd) {
    ManualResolver resolver;
    std::thread{[&] {
        EXPECT_THROW(frond::with_timeout(1ms, [&] { resolver.resolve(); }), TimedOut);
    }}.join();
    resolver.answer();
}

TEST(CancelledResolution, NeedsTheCallersFrameNoMore) {
    ManualResolver resolver;
    for (int i = 0; i < 2; ++i) { // the second one lies where the first one lay
        EXPECT_THROW(frond::with_timeout(1ms, [&] { resolver.resolve(); }), TimedOut);
        resolver.answer();
    }
}

/// Answers come from another thread at the very moment of the cancellation.
TEST(CancelledResolution, DecidesOnceWhenAnswerAndCancellationMeet) {
    for (int round = 0; round < 500; ++round) {
        ManualResolver resolver;
        std::atomic<bool> go{false};
        Group group;
        auto const task = group.spawn([&] { return resolver.resolve().size(); });
        frond::yield();
        ASSERT_TRUE(resolver.has_started());
        std::thread other{[&] {
            while (!go) std::this_thread::yield();
            resolver.answer();
        }};
        go = true;
        task.request_cancel();
        try {
            EXPECT_EQ(task.get(), 1U);
        } catch (Cancelled const&) {
            EXPECT_EQ(task.state(), frond::TaskState::cancelled);
        }
        other.join();
    }
}

/// In threads of their own, whose ends come before the answers.
TEST(CancelledResolution, WorksWithAsiosResolver) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([i] {
            tcp::resolver resolver{io_context()};
            try {
                frond::with_timeout(std::chrono::microseconds{20 * i},
                                    [&] { return resolver.async_resolve("localhost", "80", use_fiber); });
            } catch (TimedOut const&) {
            }
        });
    }
    for (auto& thread : threads) thread.join();
}

TEST(CancelledResolution, IsRecognisedByItsSignatureAndItsQuestion) {
    using tcp_results = tcp::resolver::results_type;
    using udp_results = asio::ip::udp::resolver::results_type;
    using frond::detail::is_resolution;
    static_assert(is_resolution<void(error_code, tcp_results), asio::ip::basic_resolver_query<tcp>>);
    static_assert(is_resolution<void(error_code, tcp_results), tcp::endpoint>);
    static_assert(is_resolution<void(error_code, udp_results), asio::ip::udp::endpoint>);
    static_assert(!is_resolution<void(error_code, tcp_results)>);
    static_assert(!is_resolution<void(error_code, tcp_results), tcp::socket*>);
    static_assert(!is_resolution<void(error_code, tcp::endpoint), tcp_results>);
    using Initiated = decltype(std::declval<tcp::resolver&>().async_resolve("", "", use_fiber));
    static_assert(std::is_same_v<Initiated, tcp_results>);
}

} // namespace
