#pragma once

#include <frond/detail/collector.hpp>
#include <frond/detail/result_reader.hpp>
#include <frond/detail/typed_collector.hpp>
#include <frond/hold.hpp>
#include <frond/pool.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <optional>
#include <source_location>
#include <string_view>
#include <type_traits>
#include <utility>

namespace frond::inline v0 {

/// In which order an `OrderedBag` yields.
enum class Sequence : std::uint8_t {
    /// The order of the spawn calls. A `put` by a task of the bag, or by a descendant of one, takes that
    /// task's place; any other comes at the end.
    spawn,
    /// The order in which the serial program, where each spawn is a call, would have yielded: the same
    /// whatever the schedule. Only the bag's own tasks and the fiber that made it may then spawn and put.
    serial
};

struct BagOptions {
    /// While so many results are unread no task of the bag is admitted; what runs goes on. The first in order
    /// is admitted all the same.
    std::size_t buffer = unlimited;
    /// OrderedBag: so many tasks at most are admitted whose place has not been passed. Elsewhere it says
    /// nothing.
    std::size_t window = unlimited;
    Sequence sequence = Sequence::spawn; ///< OrderedBag
    /// `collect`: an error is yielded in its task's place. `cancel`: it also cancels the other tasks.
    /// `report`: it goes to the unhandled-error handler at once and is not yielded.
    OnError on_error = OnError::collect;
};

namespace detail {

/// What Bag and OrderedBag have in common: all but the order.
template <class T>
class BasicBag : private ResultReader<T> {
    static_assert(std::is_object_v<T> && std::move_constructible<T>,
                  "frond: the items of a bag must be movable");
    using Reader = ResultReader<T>;

public:
    using value_type = T;
    using iterator = typename Reader::iterator;

    /// Queues a call of `f`, as `Group::spawn` does. What it returns is yielded: a `T`, or what converts to
    /// one; the value of a `std::optional`, if there is one; `void` yields nothing. *Suspends* as
    /// `Group::spawn`.
    /// @throws as `Group::spawn`; std::logic_error with `Sequence::serial`, for others than the bag's own
    /// tasks and the fiber that made it
    template <class F>
        requires Spawnable<F> && MakesItem<ResultOf<F>, T>
    void spawn(F&& f, std::source_location at = std::source_location::current()) {
        collector_.submit(make_item_task<T>(collector_.core(), at, std::forward<F>(f)));
    }
    /// Without options there is no spawn site for `dump` and for reports.
    template <class F, class A0, class... A>
        requires(!std::same_as<std::remove_cvref_t<F>, SpawnOptions>) && Spawnable<F, A0, A...> &&
                MakesItem<ResultOf<F, A0, A...>, T>
    void spawn(F&& f, A0&& first, A&&... rest) {
        collector_.submit(make_item_task<T>(collector_.core(), std::source_location{}, std::forward<F>(f),
                                            std::forward<A0>(first), std::forward<A>(rest)...));
    }
    template <class F, class... A>
        requires Spawnable<F, A...> && MakesItem<ResultOf<F, A...>, T>
    void spawn(SpawnOptions options, F&& f, A&&... args) {
        ItemNode& n =
            make_item_task<T>(collector_.core(), options.at, std::forward<F>(f), std::forward<A>(args)...);
        apply_options(n, std::move(options));
        collector_.submit(n);
    }

    /// Yields a result besides those that tasks return: any number, from tasks and from anywhere. *Suspends*
    /// never, also where the buffer is full. @throws Closed if the home has ended, std::bad_alloc,
    /// std::logic_error as `spawn`, and what moving or copying throws; then it is not in
    void put(T&& item) { put_in(std::move(item)); }
    void put(T const& item)
        requires std::copy_constructible<T>
    {
        put_in(item);
    }

    /// Takes the next result. *Suspends* while there is none and tasks still run or a hold lives.
    /// @return nothing: nothing runs, and all was read; after further spawns there may be more
    /// @throws the error of the task in whose place it stands: the next call goes on after it; Cancelled,
    /// Deadlock
    std::optional<T> next() { return Reader::next(); }
    /// The same, no longer than `d`. @return nothing also if that has passed, and nothing is lost then; which
    /// of the two it was, `next` tells
    template <class Rep, class Period>
    std::optional<T> next_for(std::chrono::duration<Rep, Period> d) {
        return Reader::next_until_deadline(deadline_after(d));
    }
    template <class C, class D>
    std::optional<T> next_until(std::chrono::time_point<C, D> t) {
        return Reader::next_until_deadline(deadline_at(t));
    }

    /// The results as an input range of `T&&`, each taken as `next` does it. An error leaves the loop; a new
    /// loop goes on after it. @throws std::logic_error while another loop reads
    iterator begin() { return Reader::begin(); }
    std::default_sentinel_t end() const noexcept { return {}; }
    /// The same as a range of `Outcome<T>&&`, which no task's error leaves. It has `next`, `next_for` and
    /// `next_until`, too, which give one outcome.
    auto outcomes() noexcept { return Reader::outcomes(); }

    /// The bag is not at its end while what this returns lives, although nothing runs. *Suspends* never.
    [[nodiscard]] Hold keep_open() { return collector_.keep_open(); }

    /// Cancels its tasks and waits for their end, as `Group::cancel` does. Results that came before stay.
    /// *Suspends* unless there is nothing to wait for. @return how many tasks it has reached. @throws
    /// Deadlock
    std::size_t cancel(std::string_view reason = {}) { return collector_.cancel(reason); }
    /// The same without waiting. *Suspends* never.
    void request_cancel(std::string_view reason = {}) noexcept { collector_.request_cancel(reason); }
    /// Tasks that have not ended. May be old news on other threads than the home. *Suspends* never.
    std::size_t size() const noexcept { return collector_.size(); }

protected:
    BasicBag(Pool* cap, BagOptions const& options, ItemOrder order)
        : collector_{cap, rules_of(options, order), options.on_error} {}
    ~BasicBag() = default;

private:
    static ResultRules rules_of(BagOptions const& o, ItemOrder order) {
        ResultRules rules;
        rules.order = order;
        rules.buffer = checked_count(o.buffer, "frond: a bag's buffer must be positive");
        auto const window = checked_count(o.window, "frond: a bag's window must be positive");
        if (order != ItemOrder::completion) rules.window = window;
        return rules;
    }
    template <class U>
    void put_in(U&& item) {
        auto& core = collector_.core();
        collector_.put(build_node<PutItem<T>>(core, *core.home, std::forward<U>(item)));
    }
    std::optional<Outcome<T>> read(Clock::time_point deadline) override {
        bool at_end = false;
        return read_outcome<T>(collector_, deadline, at_end);
    }

    Collector collector_;
};

} // namespace detail
} // namespace frond::inline v0
