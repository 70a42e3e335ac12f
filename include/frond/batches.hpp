#pragma once

#include <frond/detail/stream_source.hpp>
#include <frond/duration.hpp>
#include <frond/errors.hpp>
#include <frond/stream.hpp>
#include <frond/sync/mutex.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace frond::inline v0 {

namespace detail {

/// Collects in the fiber that reads; what it has collected stays where a read ends early.
template <class T>
class BatchSource final : public StreamSource<std::vector<Held<T>>> {
    using Batch = std::vector<Held<T>>;

public:
    BatchSource(Stream<T> stream, std::chrono::nanoseconds max_wait, std::size_t max_size)
        : stream_{std::move(stream)}, max_wait_{max_wait}, max_size_{max_size} {}

    std::optional<Outcome<Batch>> read(Clock::time_point deadline) override {
        std::unique_lock const turn{mutex_, deadline}; // readers get a batch each
        if (!turn) return std::nullopt;
        if (batch_.empty()) {
            if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
            if (error_) return Outcome<Batch>{std::exchange(error_, nullptr), count_++};
            auto first = next(deadline);
            if (!first) return std::nullopt;
            if (!first->has_value()) return Outcome<Batch>{first->error(), count_++};
            add(*std::move(first));
            closes_ = deadline_after(max_wait_);
        }
        for (int late = 0; !failure_ && !error_ && batch_.size() < max_size_;) {
            auto const until = std::min(closes_, deadline);
            // What is there when the time is up still comes along, but the list ends where more never ceases.
            constexpr int most_late = 1000;
            bool const is_late = Clock::now() >= until;
            std::optional<Outcome<T>> more;
            try {
                if (!is_late || ++late <= most_late) more = next(until);
            } catch (Cancelled const&) {
                throw;
            } catch (Deadlock const&) {
                throw;
            } catch (...) { // the input of the stream: it comes after what was collected
                failure_ = std::current_exception();
                break;
            }
            if (!more) {
                bool const at_end = !is_late && Clock::now() < until;
                if (!at_end && until < closes_) return std::nullopt; // the caller's own deadline
                break;
            }
            if (more->has_value())
                add(*std::move(more));
            else
                error_ = more->error();
        }
        return Outcome<Batch>{std::in_place, std::exchange(batch_, {}), count_++};
    }
    std::size_t cancel(std::string_view reason) override { return stream_.cancel(reason); }
    void request_cancel(std::string_view reason) noexcept override { stream_.request_cancel(reason); }

private:
    std::optional<Outcome<T>> next(Clock::time_point deadline) {
        return stream_.outcomes().next_until(deadline);
    }
    void add(Outcome<T>&& outcome) {
        if constexpr (std::is_void_v<T>)
            batch_.emplace_back();
        else
            batch_.emplace_back(std::move(outcome).value());
    }

    Mutex mutex_;
    Stream<T> stream_;
    std::chrono::nanoseconds max_wait_;
    std::size_t max_size_;
    std::size_t count_ = 0;
    Batch batch_;
    Clock::time_point closes_;
    std::exception_ptr error_;   ///< a result of the stream that comes after the batch
    std::exception_ptr failure_; ///< thrown after it
};

} // namespace detail

/// The results of a stream in lists: each holds what came within `max_wait` after its first, at most
/// `max_size`, never none. An error is yielded by itself, after the list of what came before it. Where
/// `max_wait` is not positive a list holds what is there when its first is read.
///
/// Example:
///     for (auto&& rows : frond::batches(pool.imap_unordered(keys, look_up), 50ms)) database.insert(rows);
///
/// *Suspends* never; reading the stream does. Lifetime: as that of the stream that it takes.
/// @throws std::invalid_argument for a size of 0; std::logic_error for an empty stream
template <class T>
Stream<std::vector<detail::Held<T>>> batches(Stream<T> stream, std::chrono::nanoseconds max_wait,
                                             std::size_t max_size = unlimited) {
    detail::checked_count(max_size, "frond: batches: the size must be positive");
    stream.outcomes();
    return Stream<std::vector<detail::Held<T>>>{
        std::make_unique<detail::BatchSource<T>>(std::move(stream), max_wait, max_size)};
}
template <class T, class Rep, class Period>
Stream<std::vector<detail::Held<T>>> batches(Stream<T> stream, std::chrono::duration<Rep, Period> max_wait,
                                             std::size_t max_size = unlimited) {
    return batches(std::move(stream), detail::saturate(max_wait), max_size);
}

} // namespace frond::inline v0
