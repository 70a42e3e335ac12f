#pragma once

#include <frond/detail/export.hpp>
#include <frond/detail/item_queue.hpp>
#include <frond/detail/spin_lock.hpp>
#include <frond/detail/wait_list.hpp>
#include <frond/duration.hpp>
#include <frond/errors.hpp>

#include <cassert>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

namespace frond::inline v0 {

namespace detail {
[[noreturn]] FROND_API void throw_channel_closed();
}

/// Hands items from those who push to those who pop, each item to one of them. Up to `capacity` items wait in
/// it; with capacity 0 a push waits until somebody takes the item. Producers close it when there is no more
/// to come, and consumers loop over it. After Go's channels; `Event` where there is nothing to hand over.
///
/// Everything is first in, first out: the items, the pushes that wait for room, the pops that wait for an
/// item. An item goes straight to the first pop that waits; the room that a pop makes goes to the first push
/// that waits. From that moment on it counts: no deadline or cancellation takes it back, so none loses an
/// item.
///
/// Example:
///     frond::Channel<Line> lines{100};
///     group.spawn([&] {
///         while (auto line = read_line()) lines.push(*std::move(line)); // waits while 100 are unread
///         lines.close();
///     });
///     for (Line&& line : lines) index(line); // ends once it is closed and drained
///
/// Lifetime: nobody may be waiting in a channel that dies; what is in it dies with it. Whoever has got the
/// last item, or the news that it was closed, may destroy it at once.
///
/// Thread safety: all members may be called in tasks and on any thread.
///
/// Cost: memory for `capacity` items from the start; blocks of some 2 KiB with `unlimited`. `T`'s move
/// constructor runs under a lock, over which nobody waits: it must not call frond. One that may throw runs
/// outside instead, at the price of an allocation an item; such a `T` must be assignable, because an item
/// that is not taken was moved there and back.
template <class T>
class Channel {
    static_assert(std::is_object_v<T> && std::move_constructible<T> &&
                      (std::is_nothrow_move_constructible_v<T> || std::is_move_assignable_v<T>),
                  "frond::Channel: items must be movable; assignable, too, if moving one may throw");

public:
    class iterator;

    /// A rendezvous: capacity 0.
    Channel() : Channel(0) {}
    /// @param capacity 0 and `unlimited` are allowed. @throws std::invalid_argument for negative numbers;
    /// std::bad_alloc
    template <std::integral I>
    explicit Channel(I capacity)
        : items_{detail::checked_count(capacity, "frond: Channel: negative capacity", true)} {}
    Channel(Channel const&) = delete;
    Channel& operator=(Channel const&) = delete;
    ~Channel() { assert(pushers_.empty() && poppers_.empty()); }

    /// Puts an item in. *Suspends* while there is no room for it and nobody waits for one. What is thrown
    /// means that it was not put in, and leaves it to the caller, as a `false` of the timed calls does.
    /// @throws Closed if the channel is, or is closed meanwhile; Cancelled, Deadlock while waiting;
    /// std::bad_alloc
    void push(T&& item) { send(std::move(item), never); }
    void push(T const& item)
        requires std::copy_constructible<T>
    {
        send_copy(item, never);
    }
    /// The same where that need not wait. *Suspends* never. @return false: it would have to
    [[nodiscard]] bool try_push(T&& item) { return send(std::move(item), AtOnce{}); }
    [[nodiscard]] bool try_push(T const& item)
        requires std::copy_constructible<T>
    {
        return send_copy(item, AtOnce{});
    }
    /// The same for a limited time. @return false: that has passed
    template <class Rep, class Period>
    [[nodiscard]] bool push_for(T&& item, std::chrono::duration<Rep, Period> d) {
        return send(std::move(item), after(d));
    }
    template <class Rep, class Period>
    [[nodiscard]] bool push_for(T const& item, std::chrono::duration<Rep, Period> d)
        requires std::copy_constructible<T>
    {
        return send_copy(item, after(d));
    }
    template <class C, class D>
    [[nodiscard]] bool push_until(T&& item, std::chrono::time_point<C, D> t) {
        return send(std::move(item), at(t));
    }
    template <class C, class D>
    [[nodiscard]] bool push_until(T const& item, std::chrono::time_point<C, D> t)
        requires std::copy_constructible<T>
    {
        return send_copy(item, at(t));
    }

    /// Takes the oldest item. *Suspends* while there is none. @return nothing: the channel is closed and
    /// drained. @throws Cancelled, Deadlock while waiting; what moving the item throws, and it is lost then
    std::optional<T> pop() { return receive(never); }
    /// The same where that need not wait. *Suspends* never. @return nothing: there is no item now
    std::optional<T> try_pop() { return receive(AtOnce{}); }
    /// The same for a limited time. @return nothing: that has passed, or there will be no more
    template <class Rep, class Period>
    std::optional<T> pop_for(std::chrono::duration<Rep, Period> d) {
        return receive(after(d));
    }
    template <class C, class D>
    std::optional<T> pop_until(std::chrono::time_point<C, D> t) {
        return receive(at(t));
    }

    /// No more items: pushes that wait, and later ones, get `Closed`; pops take what is in it, and then get
    /// nothing. Idempotent. *Suspends* never.
    void close() noexcept;
    /// Whether it was closed; there may still be items in it. *Suspends* never.
    bool is_closed() const noexcept {
        std::lock_guard const guard{lock_};
        return closed_;
    }
    /// Items in it now; those of pushes that wait are not.
    std::size_t size() const noexcept {
        std::lock_guard const guard{lock_};
        return items_.size();
    }
    std::size_t capacity() const noexcept { return items_.capacity(); }

    /// The items as an input range of `T&&`, each taken as `pop` does it; ends when the channel is closed and
    /// drained. There may be several at once: each item goes to one of them. Breaking out of a loop leaves
    /// the rest where it is.
    iterator begin() { return iterator{*this}; }
    std::default_sentinel_t end() const noexcept { return {}; }

private:
    /// What is moved under the lock.
    static constexpr bool is_boxed = !std::is_nothrow_move_constructible_v<T>;
    using Item = std::conditional_t<is_boxed, std::unique_ptr<T>, T>;
    using Queue = detail::ItemQueue<Item>;
    using Guard = std::unique_lock<detail::SpinLock>;

    /// In the frame of a push that waits.
    struct Offer {
        Item& item;
        bool taken = false;
    };

    // A deadline is a callable, called only when there is something to wait for: a clock costs more than a
    // push.
    struct AtOnce {};
    static constexpr auto never = []() noexcept { return Clock::time_point::max(); };
    template <class Rep, class Period>
    static auto after(std::chrono::duration<Rep, Period> d) {
        return [ns = detail::saturate(d)]() noexcept { return detail::deadline_after(ns); };
    }
    template <class C, class D>
    static auto at(std::chrono::time_point<C, D> t) {
        return [deadline = detail::deadline_at(t)]() noexcept { return deadline; };
    }

    template <class Deadline>
    bool send(T&& item, Deadline deadline);
    template <class Deadline>
    bool send_copy(T const& item, Deadline deadline);
    template <class Deadline>
    std::optional<T> receive(Deadline deadline);

    template <class Deadline>
    bool put(Item& item, Deadline deadline);
    template <class Deadline>
    void take(std::optional<Item>& to, Deadline deadline);
    Item& accept_first_offer(detail::Woken& woken) noexcept;

    mutable detail::SpinLock lock_;

    // Under the lock. Pushes wait only while the queue is full, pops only while it is empty.
    bool closed_ = false;
    Queue items_;
    detail::WaitList pushers_; ///< bring an Offer along
    detail::WaitList poppers_; ///< bring along a std::optional<Item>, to be filled
};

/// Its own item, so it is copied and moved as `T` is.
template <class T>
class Channel<T>::iterator {
public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    /// For it to be taken more than once is the caller's affair: it can be moved from.
    T&& operator*() const noexcept { return std::move(*item_); }
    T* operator->() const noexcept { return &*item_; }
    iterator& operator++() {
        item_.reset();
        if (auto next = channel_->pop()) item_.emplace(*std::move(next));
        return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(iterator const& i, std::default_sentinel_t) noexcept { return !i.item_; }

private:
    friend class Channel;
    explicit iterator(Channel& channel) : channel_{&channel}, item_{channel.pop()} {}

    Channel* channel_;
    mutable std::optional<T> item_;
};

template <class T>
template <class Deadline>
bool Channel<T>::send(T&& item, Deadline deadline) {
    if constexpr (is_boxed) {
        auto box = std::make_unique<T>(std::move(item));
        bool taken = false;
        try {
            taken = put(box, deadline);
        } catch (...) {
            item = std::move(*box);
            throw;
        }
        if (!taken) item = std::move(*box);
        return taken;
    } else {
        return put(item, deadline);
    }
}

template <class T>
template <class Deadline>
bool Channel<T>::send_copy(T const& item, Deadline deadline) {
    if constexpr (is_boxed) {
        auto box = std::make_unique<T>(item);
        return put(box, deadline);
    } else {
        T copy(item);
        return put(copy, deadline);
    }
}

template <class T>
template <class Deadline>
std::optional<T> Channel<T>::receive(Deadline deadline) {
    std::optional<Item> item;
    take(item, deadline);
    if constexpr (is_boxed) {
        if (!item) return std::nullopt;
        return std::optional<T>{std::move(**item)};
    } else {
        return item;
    }
}

template <class T>
template <class Deadline>
bool Channel<T>::put(Item& item, Deadline deadline) {
    detail::Woken woken;
    Guard guard{lock_};
    for (;;) {
        if (closed_) {
            guard.unlock();
            detail::throw_channel_closed();
        }
        if (!poppers_.empty()) {
            static_cast<std::optional<Item>*>(woken.take_first(poppers_))->emplace(std::move(item));
            return true;
        }
        if (items_.full()) break;
        if (!items_.needs_block()) {
            items_.push(std::move(item));
            return true;
        }
        guard.unlock();
        auto block = items_.new_block();
        guard.lock();
        if (items_.needs_block()) items_.give(std::move(block));
    }
    if constexpr (std::is_same_v<Deadline, AtOnce>) {
        return false;
    } else {
        Offer offer{item};
        guard.release();
        bool const in_time =
            detail::SyncWait{detail::SyncKind::push, this, &offer}.wait(lock_, pushers_, deadline());
        if (in_time && !offer.taken) detail::throw_channel_closed();
        return in_time;
    }
}

template <class T>
template <class Deadline>
void Channel<T>::take(std::optional<Item>& to, Deadline deadline) {
    typename Queue::OwnBlock too_many;
    detail::Woken woken;
    Guard guard{lock_};
    if (!items_.empty()) {
        too_many = items_.pop(to);
        if (!pushers_.empty()) items_.push(std::move(accept_first_offer(woken)));
        return;
    }
    if (!pushers_.empty()) {
        to.emplace(std::move(accept_first_offer(woken)));
        return;
    }
    if (closed_) return;
    if constexpr (!std::is_same_v<Deadline, AtOnce>) {
        guard.release();
        detail::SyncWait{detail::SyncKind::pop, this, &to}.wait(lock_, poppers_, deadline());
    }
}

/// Its push goes on as soon as `woken` is gone; until then the item stays where it is.
template <class T>
typename Channel<T>::Item& Channel<T>::accept_first_offer(detail::Woken& woken) noexcept {
    auto& offer = *static_cast<Offer*>(woken.take_first(pushers_));
    offer.taken = true;
    return offer.item;
}

template <class T>
void Channel<T>::close() noexcept {
    detail::Woken woken;
    Guard const guard{lock_};
    closed_ = true;
    woken.take_all(pushers_);
    woken.take_all(poppers_);
}

} // namespace frond::inline v0
