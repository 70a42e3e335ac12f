#pragma once

#include <frond/detail/stream_source.hpp>
#include <frond/duration.hpp>
#include <frond/outcome.hpp>

#include <chrono>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace frond::inline v0 {

/// "As many as the pool admits", as a stream's limit: its cap when the stream is made (1 if it is paused; if
/// it is unlimited nothing bounds the stream); min(32, processors + 4) where there is no pool.
inline constexpr std::size_t by_pool = unlimited - 1;
/// "As follows from the limit", as a stream's buffer or window.
inline constexpr std::size_t by_limit = unlimited - 1;

/// How far a stream works ahead of who reads it. What runs and what is unread together are never more than
/// `limit + buffer`, nor than `window` where results come in order.
struct StreamOptions {
    std::size_t limit = by_pool;   ///< tasks in flight, queued ones included
    std::size_t buffer = by_limit; ///< unread results beyond those; by_limit: as many as `limit`
    std::size_t window =
        by_limit; ///< ordered: how far past the first unread one work may start; by_limit: limit + buffer
};

/// Results that are worked out while they are read: what `Group::imap`, `Group::imap_unordered`,
/// `concurrent`, `as_completed` and `batches` return. Each comes as the value, as an exception in its place,
/// or as an `Outcome`.
///
/// Example:
///     auto sizes = pool.imap(urls, [](Url url) { return fetch(url).size(); });
///     for (std::size_t&& size : sizes) std::cout << size << '\n';
///
/// The input is read by one task of its own, which needs no slot: an element only when a task for it may be
/// spawned and its result has a place. Reading it may wait. An exception from the input comes after the
/// results of what was read before it, as a `ProviderError`, once, and never as an outcome.
///
/// Lifetime: the destructor, so also leaving the loop, stops the reading of the input, drops what is queued,
/// cancels what runs and waits for it. An input given as an lvalue must live until then. A pool or group that
/// the stream was made from must outlive it.
/// Thread safety: any fiber or thread may read, several at once, too. Moving and destroying it is for one.
/// Cost: two allocations and a task for the stream; for each element that of a task.
template <class T>
class Stream {
public:
    using value_type = detail::Held<T>; ///< of references a std::reference_wrapper, of void a std::monostate
    using iterator = detail::ResultIterator<T, value_type>;

    /// A stream that is at its end.
    Stream() noexcept = default;
    explicit Stream(std::unique_ptr<detail::StreamSource<T>> source) noexcept : source_{std::move(source)} {}

    /// Takes the next result. *Suspends* while there is none and more may come. @return nothing: at the end
    /// @throws the exception that came instead, and the next call goes on after it; ProviderError, Cancelled,
    /// Deadlock
    std::optional<value_type> next() { return source_ ? source_->next() : std::nullopt; }
    /// The same, no longer than `d`. @return nothing also if that has passed, and nothing is lost then; which
    /// of the two it was, `next` tells
    template <class Rep, class Period>
    std::optional<value_type> next_for(std::chrono::duration<Rep, Period> d) {
        return source_ ? source_->next_until_deadline(detail::deadline_after(d)) : std::nullopt;
    }
    template <class C, class D>
    std::optional<value_type> next_until(std::chrono::time_point<C, D> t) {
        return source_ ? source_->next_until_deadline(detail::deadline_at(t)) : std::nullopt;
    }

    /// The results as a single-pass range, each taken as `next` does it. An exception leaves the loop; a new
    /// loop goes on after it. @throws std::logic_error while another loop reads, and for an empty stream
    iterator begin() { return source().begin(); }
    std::default_sentinel_t end() const noexcept { return {}; }
    /// The same as a range of `Outcome<T>&&`, which only a ProviderError leaves. @throws std::logic_error for
    /// an empty stream. It has `next`, `next_for` and `next_until`, too, which give one outcome.
    auto outcomes() & { return source().outcomes(); }
    /// Of a temporary: the range holds the stream.
    auto outcomes() && {
        source();
        return detail::Outcomes<T, std::unique_ptr<detail::StreamSource<T>>>{std::move(source_)};
    }

    /// Stops the input and cancels what is in flight, as `Group::cancel` does, and waits for it. Results that
    /// came before stay; then the stream is at its end. *Suspends* unless there is nothing to wait for.
    /// @return how many tasks it has reached
    std::size_t cancel(std::string_view reason = {}) { return source_ ? source_->cancel(reason) : 0; }
    /// The same without waiting. *Suspends* never.
    void request_cancel(std::string_view reason = {}) noexcept {
        if (source_) source_->request_cancel(reason);
    }

private:
    detail::StreamSource<T>& source() const {
        if (!source_) throw std::logic_error("frond: an empty stream");
        return *source_;
    }

    std::unique_ptr<detail::StreamSource<T>> source_;
};

} // namespace frond::inline v0
