#pragma once

#include <frond/detail/asio_cancellation.hpp>
#include <frond/detail/asio_handler_memory.hpp>
#include <frond/detail/io_wait.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/asio/experimental/channel_error.hpp>
#include <boost/system/errc.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

namespace frond::inline v0::detail {

/// What is left of a completion signature once a leading error has been taken off: void, a value, or a tuple.
template <class... T>
struct Collapsed {
    using Type = std::tuple<T...>;
};
template <>
struct Collapsed<> {
    using Type = void;
};
template <class T>
struct Collapsed<T> {
    using Type = T;
};

enum class LeadingError : unsigned char { none, code, exception };

template <class... T>
struct CompletionShape {
    static constexpr auto error = LeadingError::none;
    using Result = typename Collapsed<T...>::Type;
};
template <class... T>
struct CompletionShape<boost::system::error_code, T...> {
    static constexpr auto error = LeadingError::code;
    using Result = typename Collapsed<T...>::Type;
};
template <class... T>
struct CompletionShape<std::exception_ptr, T...> {
    static constexpr auto error = LeadingError::exception;
    using Result = typename Collapsed<T...>::Type;
};

inline bool says_cancelled(boost::system::error_code const& error) noexcept {
    return error == boost::system::errc::operation_canceled ||
           error == boost::asio::experimental::error::channel_cancelled;
}
inline bool says_cancelled(std::exception_ptr const& error) noexcept {
    if (!error) return false;
    try {
        std::rethrow_exception(error);
    } catch (boost::system::system_error const& e) {
        return says_cancelled(e.code());
    } catch (...) {
        return false;
    }
}

/// An operation under way, in the frame of the fiber that waits for it. `T`: the decayed arguments of the
/// handler.
template <class... T>
class FiberOperation : protected IoWait {
public:
    using Shape = CompletionShape<T...>;
    using Result = typename Shape::Result;

    /// Nothing tells it to end.
    FiberOperation() noexcept(false) = default;
    /// @param where it lives, as for CancellationLine::take
    explicit FiberOperation(boost::asio::execution_context const* where) : link_{where} {}

    HandlerMemory& memory() noexcept { return memory_; }
    boost::asio::cancellation_slot slot() const noexcept { return link_.slot(); }

    void wait() noexcept {
        end_ = IoWait::wait(link_ ? [](IoWait& self) noexcept {
            static_cast<FiberOperation&>(self).link_->emit();
            return false;
        } : Interrupt{});
    }

    template <class... A>
    void complete(A&&... args) noexcept {
        try {
            arguments_.emplace(std::forward<A>(args)...);
        } catch (...) {
            failure_ = std::current_exception();
        }
        IoWait::complete();
    }
    /// The handler was destroyed: it will never be called.
    void abandon() noexcept { IoWait::complete(); }

    /// Stores a leading error code in `code`, if given, and throws every other error. If the operation was
    /// told to end, and has, throws why; if its result was under way by then, that counts.
    Result take(boost::system::error_code* code) {
        if (end_ != End::complete && was_cut_short()) throw_cut_short();
        if (failure_) std::rethrow_exception(std::move(failure_));
        if (!arguments_) return give_up(code);
        if (code) code->clear();
        if constexpr (Shape::error == LeadingError::code) {
            auto const& error = std::get<0>(*arguments_);
            if (error && !code) throw boost::system::system_error{error};
            if (code) *code = error;
        } else if constexpr (Shape::error == LeadingError::exception) {
            if (std::get<0>(*arguments_)) std::rethrow_exception(std::get<0>(std::move(*arguments_)));
        }
        constexpr std::size_t first = Shape::error == LeadingError::none ? 0 : 1;
        return rest<first>(std::make_index_sequence<sizeof...(T) - first>{});
    }

protected:
    void set_end(End end) noexcept { end_ = end; }

private:
    bool was_cut_short() const noexcept {
        if (failure_) return false;
        if (!arguments_) return true;
        if constexpr (Shape::error == LeadingError::none)
            return false;
        else
            return says_cancelled(std::get<0>(*arguments_));
    }

    Result give_up(boost::system::error_code* code) {
        boost::system::error_code const aborted = boost::asio::error::operation_aborted;
        if constexpr (std::is_void_v<Result> || std::default_initializable<Result>) {
            if (code) {
                *code = aborted;
                return Result();
            }
        }
        throw boost::system::system_error{aborted, "frond: the operation was abandoned"};
    }

    template <std::size_t First, std::size_t... I>
    Result rest(std::index_sequence<I...>) {
        if constexpr (!std::is_void_v<Result>) return Result(std::get<First + I>(std::move(*arguments_))...);
    }

    End end_ = End::complete;
    CancellationLink link_;
    HandlerMemory memory_;
    std::optional<std::tuple<T...>> arguments_;
    std::exception_ptr failure_; ///< of a copy or move of an argument
};

/// The handler that Asio calls, moves about and at last destroys. `A`: its arguments as the signature has
/// them.
template <class... A>
class FiberHandler {
public:
    using Operation = FiberOperation<std::decay_t<A>...>;
    using allocator_type = HandlerAllocator<void>;
    using cancellation_slot_type = boost::asio::cancellation_slot;

    explicit FiberHandler(Operation& operation) noexcept : operation_{&operation} {}
    FiberHandler(FiberHandler&& other) noexcept : operation_{std::exchange(other.operation_, nullptr)} {}
    FiberHandler& operator=(FiberHandler&& other) noexcept {
        std::swap(operation_, other.operation_);
        return *this;
    }
    ~FiberHandler() {
        if (operation_) operation_->abandon();
    }

    allocator_type get_allocator() const noexcept { return allocator_type{operation_->memory()}; }
    cancellation_slot_type get_cancellation_slot() const noexcept { return operation_->slot(); }

    void operator()(A... args) noexcept {
        // The operation is gone as soon as it is complete.
        std::exchange(operation_, nullptr)->complete(std::forward<A>(args)...);
    }

private:
    Operation* operation_;
};

} // namespace frond::inline v0::detail
