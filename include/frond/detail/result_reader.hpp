#pragma once

#include <frond/detail/held.hpp>
#include <frond/duration.hpp>
#include <frond/outcome.hpp>

#include <atomic>
#include <cstddef>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace frond::inline v0::detail {

template <class T>
class ResultReader;

/// An input range over what a reader gives, one at a time: values, or outcomes.
template <class T, class Item>
class ResultIterator {
    using Reader = ResultReader<T>;

public:
    using value_type = Item;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    explicit ResultIterator(Reader& reader) : reading_{reader} { next(); }

    /// For it to be taken more than once is the caller's affair: it can be moved from.
    Item&& operator*() const noexcept { return std::move(*item_); }
    Item* operator->() const noexcept { return &*item_; }
    /// *Suspends* and throws as `next`. After an exception it can be called again, for what comes next.
    ResultIterator& operator++() {
        next();
        return *this;
    }
    void operator++(int) { next(); }
    friend bool operator==(ResultIterator const& i, std::default_sentinel_t) noexcept { return !i.item_; }

private:
    void next() {
        item_.reset();
        if (auto item = reading_.reader->template read_next<Item>()) item_.emplace(*std::move(item));
    }

    /// Marks the reader as being read.
    struct Reading {
        explicit Reading(Reader& r) : reader{&r} {
            if (r.is_read_.exchange(true))
                throw std::logic_error("frond: a second loop over results that are being read");
        }
        Reading(Reading&& other) noexcept : reader{std::exchange(other.reader, nullptr)} {}
        Reading& operator=(Reading&& other) noexcept {
            std::swap(reader, other.reader);
            return *this;
        }
        ~Reading() {
            if (reader) reader->is_read_ = false;
        }
        Reader* reader;
    };

    Reading reading_;
    mutable std::optional<Item> item_;
};

/// The same results as a range of outcomes. Reader: a pointer to what is read, which may own it.
template <class T, class Reader>
class Outcomes {
public:
    using iterator = ResultIterator<T, Outcome<T>>;

    explicit Outcomes(Reader reader) noexcept : reader_{std::move(reader)} {}

    iterator begin() const { return iterator{*reader_}; }
    std::default_sentinel_t end() const noexcept { return {}; }
    std::optional<Outcome<T>> next() const { return next_until(Clock::time_point::max()); }
    template <class Rep, class Period>
    std::optional<Outcome<T>> next_for(std::chrono::duration<Rep, Period> d) const {
        return next_until(deadline_after(d));
    }
    std::optional<Outcome<T>> next_until(Clock::time_point t) const { return reader_->read(t); }

private:
    Reader reader_;
};

/// What all that yields results has in common: the ways to read them. Reading several at a time from several
/// fibers is allowed, each result goes to one of them; looping is for one at a time.
template <class T>
class ResultReader {
public:
    using Item = Held<T>;
    using iterator = ResultIterator<T, Item>;

    ResultReader() noexcept = default;
    ResultReader(ResultReader const&) = delete;
    ResultReader& operator=(ResultReader const&) = delete;

    std::optional<Item> next() { return value_of(read(Clock::time_point::max())); }
    std::optional<Item> next_until_deadline(Clock::time_point t) { return value_of(read(t)); }
    iterator begin() { return iterator{*this}; }
    std::default_sentinel_t end() const noexcept { return {}; }

    Outcomes<T, ResultReader*> outcomes() noexcept { return Outcomes<T, ResultReader*>{this}; }

    /// The one thing to supply. @return nothing: there are no more, or the deadline has come
    virtual std::optional<Outcome<T>> read(Clock::time_point deadline) = 0;

protected:
    ~ResultReader() = default;

private:
    template <class, class>
    friend class ResultIterator;

    template <class I>
    std::optional<I> read_next() {
        if constexpr (std::is_same_v<I, Item>)
            return next();
        else
            return read(Clock::time_point::max());
    }
    static std::optional<Item> value_of(std::optional<Outcome<T>>&& outcome) {
        if (!outcome) return std::nullopt;
        if constexpr (std::is_void_v<T>) {
            (*std::move(outcome)).value();
            return Item{};
        } else {
            return std::optional<Item>{std::in_place, (*std::move(outcome)).value()};
        }
    }

    std::atomic<bool> is_read_{false};
};

} // namespace frond::inline v0::detail
