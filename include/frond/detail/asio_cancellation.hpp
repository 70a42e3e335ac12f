#pragma once

#include <frond/detail/export.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>

namespace frond::inline v0::detail {

class AsioReactor;

/// The cancellation signal of one operation after the other on one thread. Kept, because Asio takes the
/// memory of what an operation puts into the slot from the heap, unless there is some of an earlier one.
class FROND_API CancellationLine {
public:
    /// One for an operation that the calling fiber starts and that lives in `where`; nullptr: it is not known
    /// where. @return nullptr: the fiber cannot be stopped, or the operation runs on other threads, where a
    /// signal from here would be a data race
    static CancellationLine* take(boost::asio::execution_context const* where);
    /// After the operation's end, on the same thread. Destroys what is left in the slot.
    void give_back() noexcept;

    boost::asio::cancellation_slot slot() noexcept { return signal_.slot(); }
    /// What throws here, for want of memory, is tried again.
    void emit() noexcept;

private:
    explicit CancellationLine(AsioReactor& reactor) noexcept : reactor_{reactor} {}

    AsioReactor& reactor_;
    boost::asio::cancellation_signal signal_;
    CancellationLine* next_idle_ = nullptr;

    friend class CancellationLines;
};

/// A line for the length of one operation; or none.
class CancellationLink {
public:
    CancellationLink() noexcept = default;
    explicit CancellationLink(boost::asio::execution_context const* where)
        : line_{CancellationLine::take(where)} {}
    CancellationLink(CancellationLink const&) = delete;
    CancellationLink& operator=(CancellationLink const&) = delete;
    ~CancellationLink() {
        if (line_) line_->give_back();
    }

    explicit operator bool() const noexcept { return line_; }
    CancellationLine* operator->() const noexcept { return line_; }
    boost::asio::cancellation_slot slot() const noexcept {
        return line_ ? line_->slot() : boost::asio::cancellation_slot{};
    }

private:
    CancellationLine* line_ = nullptr;
};

// --- where an operation lives ------------------------------------------------------------------------------

template <class T>
concept HasExecutor = requires(T const& t) { t.get_executor(); };
template <class T>
concept PointsToExecutor = requires(T const& t) {
    static_cast<bool>(t);
    { *t } -> HasExecutor;
};
/// Beast's WebSocket hands on a pointer to the inside of its stream.
template <class T>
concept PointsToStream = requires(T const& t) {
    { t->stream() } -> HasExecutor;
};

template <class Executor>
boost::asio::execution_context const* context_of_executor(Executor const& executor) {
    if constexpr (boost::asio::can_query<Executor const&, boost::asio::execution::context_t>::value)
        return &boost::asio::query(executor, boost::asio::execution::context);
    else
        return &executor.context();
}

/// By the executor of the initiation, else by that of an argument that has one, as Beast's operations do:
/// theirs get the stream. @return nullptr: none of them has one
inline boost::asio::execution_context const* context_of() noexcept { return nullptr; }
template <class First, class... Rest>
boost::asio::execution_context const* context_of(First const& first, Rest const&... rest) {
    if constexpr (HasExecutor<First>)
        return context_of_executor(first.get_executor());
    else if constexpr (PointsToExecutor<First>)
        return first ? context_of_executor((*first).get_executor()) : context_of(rest...);
    else if constexpr (PointsToStream<First>)
        return context_of_executor(first->stream().get_executor());
    else
        return context_of(rest...);
}

} // namespace frond::inline v0::detail
