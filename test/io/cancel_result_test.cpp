// What an operation gives whose fiber is cancelled while it is under way.

#include "io/loopback.hpp"

#include <frond/asio.hpp>
#include <frond/cancel.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

namespace asio = boost::asio;
namespace error = boost::asio::error;
using namespace std::chrono_literals;
using boost::system::error_code;
using boost::system::system_error;
using frond::Cancelled;
using frond::Group;
using frond::io_context;
using frond::TaskState;
using frond::TimedOut;
using frond::use_fiber;

namespace {

/// An operation that ends when the test says so, and how.
template <class... A>
class ManualOperation {
public:
    using Handler = frond::detail::FiberHandler<A...>;

    template <class Token>
    auto run(Token token) {
        return asio::async_initiate<Token, void(A...)>(
            [this](Handler handler) { handler_.emplace(std::move(handler)); }, token);
    }
    bool has_started() const { return handler_.has_value(); }
    asio::cancellation_slot slot() const { return asio::get_associated_cancellation_slot(*handler_); }
    /// It is told to end from now on, and not before.
    template <class F>
    void listen(F f) {
        slot().assign([f](asio::cancellation_type) { f(); });
    }
    void end(A... how) { take()(how...); }
    void drop() { take(); }

private:
    Handler take() {
        Handler handler = std::move(*handler_);
        handler_.reset();
        return handler;
    }

    std::optional<Handler> handler_;
};

/// A task in the middle of such an operation.
class CancelledOperation : public testing::Test {
protected:
    using Operation = ManualOperation<error_code, int>;

    CancelledOperation() { io_context(); }

    frond::Task<int> start(frond::use_fiber_t token = use_fiber) {
        auto task = group.spawn([this, token] { return operation.run(token); });
        while (!operation.has_started()) frond::yield();
        return task;
    }

    Operation operation;
    Group group;
};

TEST_F(CancelledOperation, GivesItsResultIfThatCameFirst) {
    auto const task = start();
    operation.end({}, 7);
    task.request_cancel();
    EXPECT_EQ(task.get(), 7);
}

TEST_F(CancelledOperation, GivesItsResultIfItCouldNotBeStoppedAnyMore) {
    auto const task = start();
    task.request_cancel();
    frond::yield();
    operation.end({}, 7);
    EXPECT_EQ(task.get(), 7);
}

TEST_F(CancelledOperation, IsAwaitedBeforeTheFiberGoesOn) {
    auto const task = start();
    task.request_cancel();
    EXPECT_FALSE(task.wait_for(20ms));
    operation.end(error::operation_aborted, 0);
    EXPECT_THROW(task.get(), Cancelled);
}

TEST_F(CancelledOperation, ThrowsCancelledAlsoWhereTheErrorCodeIsStored) {
    error_code ec;
    auto const task = start(use_fiber[ec]);
    task.request_cancel();
    frond::yield();
    operation.end(error::operation_aborted, 0);
    EXPECT_THROW(task.get(), Cancelled);
}

TEST_F(CancelledOperation, ThrowsCancelledWhenItsHandlerIsDropped) {
    auto const task = start();
    task.request_cancel();
    frond::yield();
    operation.drop();
    EXPECT_THROW(task.get(), Cancelled);
}

TEST_F(CancelledOperation, ThrowsErrorsOfItsOwn) {
    auto const task = start();
    task.request_cancel();
    frond::yield();
    operation.end(error::connection_reset, 0);
    EXPECT_THROW(task.get(), system_error);
}

TEST_F(CancelledOperation, ThrowsOperationAbortedWhenSomebodyElseAbortedIt) {
    auto const task = start();
    operation.end(error::operation_aborted, 0);
    EXPECT_THROW(task.get(), system_error);
}

TEST_F(CancelledOperation, IsToldAgainWhereItHasMissedIt) {
    auto const task = start();
    task.request_cancel();
    frond::sleep_for(2ms);
    operation.listen([this] { operation.end(error::operation_aborted, 0); });
    EXPECT_THROW(task.get(), Cancelled);
}

TEST_F(CancelledOperation, IsNotToldBehindAShield) {
    bool told = false;
    auto const task = group.spawn([this] {
        frond::Shield const shield;
        return operation.run(use_fiber);
    });
    while (!operation.has_started()) frond::yield();
    operation.listen([&] { told = true; });
    task.request_cancel();
    EXPECT_FALSE(task.wait_for(5ms));
    operation.end({}, 7);
    EXPECT_EQ(task.get(), 7);
    EXPECT_FALSE(told);
}

TEST_F(CancelledOperation, LeavesNothingBehindInItsSlot) {
    auto const kept = std::make_shared<int>();
    auto const task = start();
    operation.listen([kept] {});
    EXPECT_EQ(kept.use_count(), 2);
    operation.end({}, 7);
    EXPECT_EQ(task.get(), 7);
    EXPECT_EQ(kept.use_count(), 1);
}

TEST_F(CancelledOperation, DoesNotStartInACancelledTask) {
    auto const task = group.spawn([this] {
        try {
            frond::sleep_for(1h);
        } catch (Cancelled const&) {
        }
        return operation.run(use_fiber);
    });
    frond::yield();
    EXPECT_TRUE(task.cancel());
    EXPECT_FALSE(operation.has_started());
}

TEST_F(CancelledOperation, DoesNotStartAfterADeadline) {
    EXPECT_THROW(frond::with_timeout(0s, [this] { operation.run(use_fiber); }), TimedOut);
    EXPECT_FALSE(operation.has_started());
}

TEST(CancelledOperations, ThrowCancelledForAnExceptionThatSaysAborted) {
    io_context();
    ManualOperation<std::exception_ptr> operation;
    Group group;
    auto const task = group.spawn([&] { operation.run(use_fiber); });
    frond::yield();
    task.request_cancel();
    frond::yield();
    operation.end(std::make_exception_ptr(system_error{error::operation_aborted}));
    EXPECT_THROW(task.get(), Cancelled);
}

TEST(CancelledOperations, WithoutAnErrorEndAsEver) {
    io_context();
    ManualOperation<int> operation;
    Group group;
    auto const task = group.spawn([&] { return operation.run(use_fiber); });
    frond::yield();
    task.request_cancel();
    frond::yield();
    operation.end(7);
    EXPECT_EQ(task.get(), 7);
}

// --- operations of other threads -----------------------------------------------------------------------

/// An initiation that says on which executor its operation runs.
template <class Executor>
struct InitiateOn {
    using executor_type = Executor;

    Executor executor;
    bool* connected;

    executor_type get_executor() const noexcept { return executor; }
    template <class Handler>
    void operator()(Handler handler) const {
        *connected = asio::get_associated_cancellation_slot(handler).is_connected();
        handler();
    }
};

template <class Executor>
bool is_told_on(Executor executor) {
    bool connected = false;
    asio::async_initiate<frond::use_fiber_t const, void()>(InitiateOn<Executor>{executor, &connected},
                                                           use_fiber);
    return connected;
}

TEST(CancelledOperations, AreToldOnlyWhereThatIsSafe) {
    Group group;
    group.spawn([] {
        asio::thread_pool others{1};
        asio::io_context another;
        EXPECT_TRUE(is_told_on(io_context().get_executor()));
        EXPECT_TRUE(is_told_on(asio::any_io_executor{io_context().get_executor()}));
        EXPECT_FALSE(is_told_on(others.get_executor()));
        EXPECT_FALSE(is_told_on(another.get_executor()));
    });
    group.join();
}

TEST(CancelledOperations, OfOtherThreadsAreAwaited) {
    asio::thread_pool others{1};
    asio::steady_timer timer{others, 30ms};
    Group group;
    auto const task = group.spawn([&] { timer.async_wait(use_fiber); });
    frond::yield();
    task.cancel();
    EXPECT_EQ(task.state(), TaskState::done);
    EXPECT_LE(timer.expiry(), std::chrono::steady_clock::now());
}

} // namespace
