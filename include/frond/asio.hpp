#pragma once

#include <frond/detail/asio_cancellation.hpp>
#include <frond/detail/asio_operation.hpp>
#include <frond/detail/asio_resolve.hpp>
#include <frond/detail/export.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/error_code.hpp>

namespace frond::inline v0 {

/// The calling thread's `io_context`, for the sockets, timers and resolvers made on this thread. The
/// scheduler runs it: whenever nothing else can run, and every few dozen switches besides. From the first
/// call on the thread sleeps in Asio. Do not call `run` or `poll` on it; `stop` has no lasting effect.
///
/// Handlers that are plain functions run on a stack of 256 KiB that belongs to no task. They may spawn tasks;
/// a frond call that would wait throws `std::logic_error` there. An exception that leaves a handler goes to
/// the unhandled-error handler, under the name "asio handler", and nothing else stops.
///
/// An operation under way is a reason for the program to wait, so there is no `Deadlock` by stall meanwhile.
/// A resolver starts a thread of Asio's own; from then on stalls are not found at all.
///
/// *Suspends* never. @throws Closed when the thread's end has begun
///
/// Lifetime: never destroyed, so a socket may outlive its thread. When a thread ends, its context is at rest
/// until another thread asks for one and gets it; operations that were pending complete there. The main
/// thread's is its own to the end. A forked child gets a new one and cannot use inherited sockets.
///
/// Thread safety: the reference may be used from any thread; a socket or timer by one at a time.
FROND_API boost::asio::io_context& io_context();

namespace detail {
template <class... A>
struct FiberResult;
}

/// The type of `use_fiber`.
class use_fiber_t {
public:
    constexpr use_fiber_t() noexcept = default;

    /// Stores a leading error code in `ec` instead of throwing it; `ec` is cleared on success. `ec` must live
    /// until the operation has ended.
    constexpr use_fiber_t operator[](boost::system::error_code& ec) const noexcept {
        use_fiber_t token;
        token.code_ = &ec;
        return token;
    }

    /// An executor whose I/O objects need not be told `use_fiber`.
    template <class Executor>
    struct ExecutorWithDefault : Executor {
        using default_completion_token_type = use_fiber_t;

        template <class Other>
            requires(!std::same_as<Other, ExecutorWithDefault> && std::convertible_to<Other const&, Executor>)
        ExecutorWithDefault(Other const& other) noexcept : Executor(other) {}
    };

    /// An I/O object type with `use_fiber` as its default: `use_fiber_t::as_default_on_t<tcp::socket>`.
    template <class Object>
    using as_default_on_t =
        typename Object::template rebind_executor<ExecutorWithDefault<typename Object::executor_type>>::other;

    template <class Object>
    static auto as_default_on(Object&& object) {
        return as_default_on_t<std::decay_t<Object>>(std::forward<Object>(object));
    }

private:
    template <class... A>
    friend struct detail::FiberResult;

    boost::system::error_code* code_ = nullptr;
};

/// The completion token that makes an asynchronous operation of Asio, or of anything built on it, look like a
/// blocking call: only the calling fiber waits.
///
/// Example:
///     tcp::socket socket{frond::io_context()};
///     boost::asio::async_connect(socket, endpoints, frond::use_fiber);
///     std::size_t n = boost::asio::async_read(socket, buffer, frond::use_fiber);
///     socket.async_read_some(buffer, frond::use_fiber[ec]);           // as above, but does not throw
///
/// The result is what the operation's signature holds: nothing, a value, or a tuple of several. A leading
/// `error_code` is thrown as `boost::system::system_error`, unless `[ec]` takes it; a leading `exception_ptr`
/// is rethrown. An operation that is abandoned (its context destroyed, its handler dropped) ends with
/// `operation_aborted`; `[ec]` takes that, too, unless the result cannot be default-constructed.
///
/// When the task is cancelled, or a deadline around the call passes, the operation is told to end through its
/// cancellation slot (`cancellation_type::all`), its end is awaited, and `Cancelled` is thrown, also with
/// `[ec]`. A result that the operation had by then counts, so nothing that was read is lost; the socket,
/// timer or channel can be used again. An operation that consists of several, such as `asio::async_read`, may
/// have moved some bytes when it is told: how many is not known then, and a stream of TLS, WebSocket or HTTP
/// cannot go on. Where a task must stop already, no operation starts.
///
/// An operation that knows no cancellation slot, or whose executor belongs to another thread's context, is
/// awaited to its natural end. Asio's resolver is left behind instead: the fiber goes on at once, and the
/// answer is dropped when it comes.
///
/// *Suspends* the calling fiber until the operation's handler has run; never resumes it before the initiating
/// function has returned. @throws Cancelled, as above; std::logic_error inside a handler, before the
/// operation starts
///
/// Thread safety: usable in tasks, in the main fiber of any thread, and with any executor. An operation that
/// completes on another thread wakes the fiber on its own. An initiation of your own for work on another
/// thread must have `get_executor`, or it is taken for one of this thread's.
///
/// Cost: no allocation by the token; up to 1 KiB of what an operation allocates through its handler lies on
/// the fiber's stack. In a task, or under a deadline, Asio takes a block of some 50 bytes from the heap for
/// each operation that consists of several.
inline constexpr use_fiber_t use_fiber{};

namespace detail {

// Libraries rely on conversions between the arguments that they pass to an initiation and its parameters
// (Beast's WebSocket does); the compiler would blame the line below.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"

/// What Asio calls for an operation whose handler takes `A`.
template <class... A>
struct FiberResult {
    using Operation = typename FiberHandler<A...>::Operation;
    using return_type = typename Operation::Result;

    template <class Initiation, class... Args>
    static return_type initiate(Initiation&& initiation, use_fiber_t token, Args&&... args) {
        if constexpr (is_resolution<void(std::decay_t<A>...), std::decay_t<Args>...>) {
            using Handler = ResolutionHandler<A...>;
            typename Handler::Operation operation;
            start<Handler>(operation, std::forward<Initiation>(initiation), std::forward<Args>(args)...);
            return operation.take(token.code_);
        } else {
            Operation operation{context_of(initiation, args...)};
            start<FiberHandler<A...>>(operation, std::forward<Initiation>(initiation),
                                      std::forward<Args>(args)...);
            return operation.take(token.code_);
        }
    }

private:
    template <class Handler, class Initiation, class... Args>
    static void start(typename Handler::Operation& operation, Initiation&& initiation, Args&&... args) {
        try {
            std::forward<Initiation>(initiation)(Handler{operation}, std::forward<Args>(args)...);
        } catch (...) {
            // The handler may have been handed on before. Its end must be awaited: it refers to this frame.
            operation.wait();
            throw;
        }
        operation.wait();
    }
};

#pragma GCC diagnostic pop

} // namespace detail

} // namespace frond::inline v0

namespace boost::asio {

template <class R, class... A>
class async_result<frond::use_fiber_t, R(A...)> : public frond::detail::FiberResult<A...> {};

template <class R, class... A>
class async_result<frond::use_fiber_t, R(A...) noexcept> : public frond::detail::FiberResult<A...> {};

} // namespace boost::asio
