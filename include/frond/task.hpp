#pragma once

#include <frond/detail/callable_node.hpp>
#include <frond/duration.hpp>
#include <frond/errors.hpp>
#include <frond/outcome.hpp>

#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <string_view>
#include <type_traits>
#include <utility>

namespace frond::inline v0 {

class Group;

namespace detail {

enum class EndWait : std::uint8_t {
    plain,
    shielded,  ///< whatever happens to the caller
    cancelling ///< the task was cancelled: what it waits for no longer matters
};

/// Waits for the end of `n`. `move_up`: a task that has no slot yet goes to the front of its pool.
/// @return false: the deadline came first. @throws Deadlock, Cancelled
FROND_API bool wait_for_end(TaskNode& n, Clock::time_point deadline, bool move_up,
                            EndWait how = EndWait::plain);
/// The same without a deadline, for a task that refers to what lives in the caller's frame: if the wait is
/// cut short, the task is cancelled, and its end is awaited. @throws Cancelled, Deadlock
FROND_API void run_to_end(TaskNode& n, bool move_up);
FROND_API void request_cancel(TaskNode& n) noexcept;
FROND_API bool cancel_and_wait(TaskNode& n);
/// Throws what the task threw, or Cancelled; returns if it ended well. Marks the error as seen.
FROND_API void rethrow_failure(TaskNode& n);
FROND_API std::exception_ptr failure_of(TaskNode& n);
FROND_API std::string_view name_of(TaskNode const& n) noexcept;
FROND_API void claim_result(TaskNode& n); ///< @throws std::logic_error when it was taken before
[[noreturn]] FROND_API void throw_empty_handle();
/// `next` is to run after `source`, in its slot. Takes the node in any case. @throws as `submit`
FROND_API void follow(TaskNode& source, TaskNode& next);

template <class F, class T>
concept TakesOutcome = std::invocable<std::decay_t<F>, Outcome<T>&>;
template <class F, class T>
inline constexpr bool takes_result = std::invocable<std::decay_t<F>, std::add_lvalue_reference_t<T>>;
template <class F>
inline constexpr bool takes_result<F, void> = std::invocable<std::decay_t<F>>;
/// What can come after a task whose result is a `T`.
template <class F, class T>
concept Continuation =
    std::constructible_from<std::decay_t<F>, F> && (TakesOutcome<F, T> || takes_result<F, T>);

/// Calls a continuation with what came of its source.
template <class T, class F>
struct ContinuationCall;
template <class F, class T>
    requires Continuation<F, T>
using ResultOfContinuation = Kept<std::invoke_result_t<ContinuationCall<T, std::decay_t<F>>>>;

} // namespace detail

/// A handle to a spawned task: who wants its result, its error or its end. Dropping the handle changes
/// nothing for the task; the group that spawned it owns it.
///
/// Lifetime: the result lives as long as the last handle; a reference from `get` must not outlive that.
/// Thread safety: any thread may wait, read or copy its own handle; one handle object is not for two threads
/// at once.
/// Cost: one pointer; a copy is a plain increment on the task's home thread, an atomic one elsewhere and in a
/// `Runtime`.
template <class T>
class Task {
public:
    using value_type = T;

    /// An empty handle: it is not `ready()`; everything else but assignment, `operator bool` and destruction
    /// throws std::logic_error.
    Task() noexcept = default;
    Task(Task const& other) noexcept : node_{other.node_} {
        if (node_) detail::add_ref(*node_);
    }
    Task(Task&& other) noexcept : node_{std::exchange(other.node_, nullptr)} {}
    Task& operator=(Task other) noexcept {
        std::swap(node_, other.node_);
        return *this;
    }
    ~Task() {
        if (node_) detail::drop_ref(*node_);
    }

    explicit operator bool() const noexcept { return node_ != nullptr; }

    /// Waits for the end and gives the result, any number of times; rethrows what the task threw, with its
    /// type. *Suspends* unless the task has ended.
    /// @throws Cancelled if the task was cancelled; Deadlock if the wait could never end; std::logic_error if
    /// the result was taken
    decltype(auto) get() const& {
        finish_waiting();
        if (node_->is_marked(detail::TaskNode::taken)) throw std::logic_error("frond: the result was taken");
        if constexpr (!std::is_void_v<T>) return static_cast<T&>(node_->result.get());
    }
    /// The same for a temporary: moves the result out.
    T get() && { return take(); }
    /// Waits and moves the result out, once for all handles. @throws as `get`
    T take() const {
        finish_waiting();
        return extract();
    }

    /// Waits for the end; never rethrows. *Suspends* unless the task has ended. @throws Deadlock
    void wait() const { detail::wait_for_end(node(), Clock::time_point::max(), true); }
    /// The same, but no longer than `d`. @return whether the task has ended
    template <class Rep, class Period>
    bool wait_for(std::chrono::duration<Rep, Period> d) const {
        return detail::wait_for_end(node(), detail::deadline_after(d), true);
    }
    template <class C, class D>
    bool wait_until(std::chrono::time_point<C, D> t) const {
        return detail::wait_for_end(node(), detail::deadline_at(t), true);
    }

    /// Whether it has ended, whatever way. *Suspends* never.
    bool ready() const noexcept {
        return node_ && detail::is_final(node_->state.load(std::memory_order_acquire));
    }
    /// Where it stands; may be old news when read on another thread than it runs on. *Suspends* never.
    TaskState state() const { return node().state.load(std::memory_order_acquire); }
    /// Waits for the end; what it threw, `Cancelled` if it was cancelled, nullptr if it ended well. Marks the
    /// error as seen, so that no `join` throws it.
    /// *Suspends* unless the task has ended. @throws Deadlock
    std::exception_ptr error() const {
        detail::wait_for_end(node(), Clock::time_point::max(), true);
        return detail::failure_of(*node_);
    }
    /// Asks it to stop and waits for its end. Not started, it never will, and its callable is destroyed;
    /// otherwise every wait in it throws `Cancelled` from now on. *Suspends* unless it has ended.
    /// @return whether it ended cancelled. @throws Cancelled at once in the task itself; Deadlock
    bool cancel() const { return detail::cancel_and_wait(node()); }
    /// The same without waiting. An empty handle: nothing. *Suspends* never.
    void request_cancel() const noexcept {
        if (node_) detail::request_cancel(*node_);
    }
    /// Spawns what is to come after it, into its group: `f(Outcome<T>&)`, which is called once whatever came
    /// of the task, cancelled or not; or `f(T&)` (`f()` for `void`), which is called with its result, and
    /// whose task otherwise ends as this one did. What the outcome refers to is the task's own result.
    ///
    /// It runs in the task's slot, before that is free; several one after another. After a task that has
    /// ended it is queued as by `Group::spawn`. Cancelling it cancels the task that it waits for; an `f` that
    /// takes an outcome is called even then, with its own waits ending in `Cancelled`. The error of the task
    /// before it counts as seen. It takes no options: no name, no timeout of its own, no `std::stop_token`.
    /// *Suspends* until the home answers, and as `Group::spawn`.
    /// @pre the task's group lives. @throws as `Group::spawn`
    template <class F>
        requires detail::Continuation<F, T>
    auto then(F&& f, std::source_location at = std::source_location::current()) const
        -> Task<detail::ResultOfContinuation<F, T>>;

    /// Unique in the process, never 0.
    std::uint64_t id() const { return node().id; }
    /// As given in `SpawnOptions`; empty otherwise. Valid as long as a handle.
    std::string_view name() const { return detail::name_of(node()); }

private:
    friend class Group;
    template <class>
    friend class Task;
    template <class, class>
    friend struct detail::ContinuationCall;

    explicit Task(detail::ResultNode<T>& n) noexcept : node_{&n} {}

    detail::ResultNode<T>& node() const {
        if (!node_) detail::throw_empty_handle();
        return *node_;
    }
    void finish_waiting() const {
        detail::wait_for_end(node(), Clock::time_point::max(), true);
        detail::rethrow_failure(*node_);
    }
    T extract() const {
        detail::claim_result(*node_);
        if constexpr (std::is_reference_v<T>)
            return node_->result.get();
        else if constexpr (!std::is_void_v<T>)
            return std::move(node_->result.get());
    }

    detail::ResultNode<T>* node_ = nullptr;
};

namespace detail {

template <class T, class F>
struct ContinuationCall {
    Task<T> source;
    F f;

    decltype(auto) operator()() && {
        if constexpr (TakesOutcome<F, T>) {
            auto outcome = outcome_of_source();
            return std::invoke(std::move(f), outcome);
        } else {
            this_task::check(); // it was cancelled although its source was not
            rethrow_failure(source.node());
            if (source.node().is_marked(TaskNode::taken))
                throw std::logic_error("frond: the result was taken");
            if constexpr (std::is_void_v<T>)
                return std::invoke(std::move(f));
            else
                return std::invoke(std::move(f), source.node().result.get());
        }
    }

private:
    Outcome<T> outcome_of_source() const {
        auto& n = source.node();
        if (auto error = failure_of(n)) return Outcome<T>{std::move(error)};
        if constexpr (std::is_void_v<T>)
            return Outcome<T>{};
        else if constexpr (std::is_reference_v<T>)
            return Outcome<T>{std::in_place, n.result.get()};
        else
            return Outcome<T>::borrowed(n.result.get());
    }
};

} // namespace detail

template <class T>
template <class F>
    requires detail::Continuation<F, T>
auto Task<T>::then(F&& f, std::source_location at) const -> Task<detail::ResultOfContinuation<F, T>> {
    using Call = detail::ContinuationCall<T, std::decay_t<F>>;
    detail::check_callable(f);
    auto& source = node();
    auto& next = *detail::make_node(*source.group, *source.home, at, Call{*this, std::forward<F>(f)});
    detail::follow(source, next);
    return Task<detail::ResultOfContinuation<F, T>>{next};
}

} // namespace frond::inline v0
