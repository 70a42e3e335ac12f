#pragma once

#include <frond/detail/group_core.hpp>
#include <frond/stream.hpp>
#include <frond/task.hpp>

#include <cstddef>
#include <optional>
#include <source_location>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace frond::inline v0 {

class Pool;

/// What a spawn can ask for beyond the defaults.
struct SpawnOptions {
    std::string name = {}; ///< shown by `dump`, in error reports and by `this_task::name`
    /// How long it may run, from its start on; then it is cancelled and fails with `TimedOut`.
    std::chrono::nanoseconds timeout = forever;
    int priority = 0; ///< larger first, in pools with `Order::priority`
    /// In a `Runtime`: only the spawning thread starts it (where a thread outside
    /// the runtime spawns: the one on which the group, or its pool, was made).
    /// For tasks that use what belongs to a thread, such as the sockets of its `io_context`. Elsewhere all
    /// tasks are pinned anyway.
    bool pinned = false;
    std::size_t stack = 0; ///< bytes of stack that it needs, rounded up to a class; 0: the default
    std::source_location at = std::source_location::current();
};

struct GroupOptions {
    OnError on_error = OnError::collect; ///< what becomes of its tasks' exceptions
    /// From the group's making on; then everything in it is cancelled, and `join` throws `TimedOut`.
    std::chrono::nanoseconds timeout = forever;
    std::stop_token stop = {}; ///< when it stops, everything in the group is cancelled, now and later
    std::string name = {};     ///< shown by `dump`
};

namespace detail {

enum class SpawnMode : std::uint8_t { queue, wait_for_slot, now_or_never };

/// Hands a node to its home. Takes the node in any case. @return false: `now_or_never` and no slot was free.
/// @throws Closed, Deadlock
FROND_API bool submit(TaskNode& n, SpawnMode mode);
FROND_API void submit_later(TaskNode& n, Clock::time_point when);
FROND_API void apply_options(TaskNode& n, SpawnOptions&& o);
FROND_API void pin(TaskNode& n, Home& thread);
FROND_API void check_open(GroupCore const& g);

} // namespace detail

/// Tasks with a common end: spawn any number, from anywhere, also from inside other tasks, and join them
/// once. Bound to a `Pool` its tasks count against that pool's cap; bound to none there is no cap.
/// Results are read through the `Task` handles; through a `Bag` or `imap` while others still run.
///
/// Example:
///     frond::Group group;
///     for (auto const& url : urls) group.spawn([&] { fetch(url); });
///     group.join();
///
/// Lifetime: the destructor waits for every task. A group that dies because of an exception cancels them
/// first; so does one whose destructor waits when its owner is cancelled or a deadline around it passes.
/// Errors that nobody has seen by then go to the unhandled-error handler.
/// Thread safety: all members may be called from any thread; the tasks run on the thread that made the group
/// (its *home*; a bound group's is its pool's), and start when that thread next waits or yields. The home of
/// what a `Runtime`'s task makes is that runtime: any of its threads starts the tasks.
/// A call of which it says "until the home answers" *suspends* where the home is another thread's own; what
/// lives in a `Runtime` is asked directly.
/// Cost: no allocation for the group (one with a timeout or a stop token); one of about 128 bytes a task, and
/// a stack only while it runs. The idea is gevent's; unlike there, a task may join groups of its own inside a
/// full pool.
class FROND_API Group {
public:
    /// @throws Closed when the thread's end has begun
    Group();
    explicit Group(GroupOptions options);
    /// Bound to `pool`, which should outlive it; when the pool goes first the group is closed. *Suspends*
    /// until the home answers. @throws Closed when the home has ended
    explicit Group(Pool& pool, GroupOptions options = {});
    Group(Group const&) = delete;
    Group& operator=(Group const&) = delete;
    /// *Suspends* until its tasks have ended. Never throws; a wait that could never end terminates the
    /// program.
    ~Group();

    /// Queues a call of `f` and returns at once: of a decayed copy, once, as an rvalue, with decayed copies
    /// of the arguments. One that takes a `std::stop_token` first gets its task's. *Suspends* never, but for
    /// a pool with `max_pending`: there a caller from outside the pool waits while the backlog is full.
    /// @throws Closed after its pool's `close`, or when the home has ended; std::invalid_argument for an
    /// empty callable, and for a stack above 8 MiB; std::bad_alloc; Deadlock from that wait
    template <class F>
        requires detail::Spawnable<F>
    auto spawn(F&& f, std::source_location at = std::source_location::current()) {
        auto& n = make(at, std::forward<F>(f));
        detail::submit(n, detail::SpawnMode::queue);
        return handle(n);
    }
    template <class F, class... A>
        requires detail::Spawnable<F, A...>
    auto spawn(SpawnOptions options, F&& f, A&&... args) {
        auto& n = make(std::move(options), std::forward<F>(f), std::forward<A>(args)...);
        detail::submit(n, detail::SpawnMode::queue);
        return handle(n);
    }

    /// Queues the call and waits until it is admitted: a natural brake for producers. A member of the pool
    /// lends its slot meanwhile. *Suspends* while the pool is full.
    /// @throws as `spawn`; Closed also when the pool closes while it waits; Cancelled: then its task is, too
    template <class F>
        requires detail::Spawnable<F>
    auto spawn_wait(F&& f, std::source_location at = std::source_location::current()) {
        auto& n = make(at, std::forward<F>(f));
        detail::submit(n, detail::SpawnMode::wait_for_slot);
        return handle(n);
    }
    template <class F, class... A>
        requires detail::Spawnable<F, A...>
    auto spawn_wait(SpawnOptions options, F&& f, A&&... args) {
        auto& n = make(std::move(options), std::forward<F>(f), std::forward<A>(args)...);
        detail::submit(n, detail::SpawnMode::wait_for_slot);
        return handle(n);
    }

    /// Spawns if a slot is free now and nobody is queued before it. *Suspends* until the home answers.
    /// @return nothing: there was no slot. @throws as `spawn`
    template <class F>
        requires detail::Spawnable<F>
    auto try_spawn(F&& f, std::source_location at = std::source_location::current()) {
        auto& n = make(at, std::forward<F>(f));
        return handle_if(detail::submit(n, detail::SpawnMode::now_or_never), n);
    }
    template <class F, class... A>
        requires detail::Spawnable<F, A...>
    auto try_spawn(SpawnOptions options, F&& f, A&&... args) {
        auto& n = make(std::move(options), std::forward<F>(f), std::forward<A>(args)...);
        return handle_if(detail::submit(n, detail::SpawnMode::now_or_never), n);
    }

    /// Queues the call once `delay` has passed, at once if that is not positive; until then it counts as
    /// pending. *Suspends* until the home answers. @throws as `spawn`
    template <class Rep, class Period, class F>
        requires detail::Spawnable<F>
    auto spawn_after(std::chrono::duration<Rep, Period> delay, F&& f,
                     std::source_location at = std::source_location::current()) {
        auto& n = make(at, std::forward<F>(f));
        detail::submit_later(n, detail::deadline_after(delay));
        return handle(n);
    }

    /// Spawns, waits and takes the result: a call under the cap. `f` may refer to the caller's variables: a
    /// caller that is cancelled, or gets `Deadlock`, cancels it and waits for its end. *Suspends*. @throws as
    /// `spawn` and `Task::get`
    template <class F>
        requires detail::Spawnable<F>
    auto run(F&& f, std::source_location at = std::source_location::current()) -> detail::ResultOf<F> {
        auto& n = make(at, std::forward<F>(f));
        detail::submit(n, detail::SpawnMode::queue);
        auto const task = handle(n);
        detail::run_to_end(n, from_inside());
        return task.take();
    }

    /// Calls `f` for each element of `input`, in tasks of a stream's own under this group's cap, and gives
    /// the results in order, while others are still worked out. *Suspends* until the home answers; reading
    /// the stream waits for results. Elements are copied (moved, from a container given as an rvalue) and
    /// passed as rvalues to one `f` for all, which in a `Runtime` several threads may call at a time; those
    /// of a tuple one by one, unless `f` takes the tuple. The input is read lazily and may be infinite. See
    /// `Stream`. The tasks are the stream's: the group's `join`, `cancel`, `on_error`, timeout and stop token
    /// do not concern them.
    /// @throws std::invalid_argument for zeros in the options, and for an empty `f`; Closed
    template <class Rng, class F>
    auto imap(Rng&& input, F f, StreamOptions options = {},
              std::source_location at = std::source_location::current());
    /// The same in the order in which the results come.
    template <class Rng, class F>
    auto imap_unordered(Rng&& input, F f, StreamOptions options = {},
                        std::source_location at = std::source_location::current());

    /// The same, returned together when all is done: a `std::vector` of the results, in order; nothing where
    /// `f` returns nothing. The first error in that order cancels the rest and, once it has ended, is thrown.
    /// *Suspends*.
    template <class Rng, class F>
    auto map(Rng&& input, F f, std::source_location at = std::source_location::current());
    /// The same, with errors in their places: a `std::vector` of an `Outcome` for each element.
    template <class Rng, class F>
    auto map_outcomes(Rng&& input, F f, std::source_location at = std::source_location::current());
    /// Spawns a task of this group for each element at once, and gives the handles in order. *Suspends* as
    /// `spawn`. @throws as `spawn`; ProviderError where the input fails: then those tasks were cancelled and
    /// have ended
    template <class Rng, class F>
    auto map_tasks(Rng&& input, F f, std::source_location at = std::source_location::current());

    /// Waits until nothing is queued and nothing runs, including what is spawned meanwhile. Then throws the
    /// first error since the last time that was so, to everybody who joins; a later call throws the next one
    /// that nobody has seen. Cancelled tasks are no errors. *Suspends* unless there is nothing to wait for.
    /// @throws TimedOut if the group's own deadline has ended tasks
    /// @throws Deadlock from one of its own tasks, or where the wait could never end
    void join();
    /// The same, no longer than `d`. @return whether everything has ended; only then errors are thrown
    template <class Rep, class Period>
    bool join_for(std::chrono::duration<Rep, Period> d) {
        return join_until_deadline(detail::deadline_after(d));
    }
    template <class C, class D>
    bool join_until(std::chrono::time_point<C, D> t) {
        return join_until_deadline(detail::deadline_at(t));
    }

    /// Cancels all its tasks, as `Task::cancel` does, and waits for their end. From then until nothing is
    /// left of them what is spawned into the group ends cancelled; afterwards it can be used again. Called by
    /// one of its tasks it reaches and awaits the others. *Suspends* unless there is nothing to wait for.
    /// @param reason for `Cancelled::reason`
    /// @return how many tasks it has reached. @throws Deadlock
    std::size_t cancel(std::string_view reason = {});
    /// The same without waiting, for the calling task, too. *Suspends* never.
    void request_cancel(std::string_view reason = {}) noexcept;

    /// Takes the errors that nobody has seen, oldest first; at most 64 are kept, the last one tells how many
    /// more there were. *Suspends* until the home answers.
    std::vector<TaskError> errors();

    /// Tasks that have not ended. *Suspends* never; on other threads than the home, and in a `Runtime`, it
    /// may be old news, as the three below.
    std::size_t size() const noexcept;
    std::size_t active() const noexcept;  ///< admitted and not ended; without a pool every task is admitted
    std::size_t pending() const noexcept; ///< waiting for a slot, or for their time
    bool empty() const noexcept { return size() == 0; }

protected:
    /// For `Pool`, which binds the group to itself.
    Group(GroupOptions options, detail::PoolCore* own_pool);
    /// Of a runtime.
    Group(detail::Home& home, GroupOptions options);
    /// Of the home and the pool of `like`; nullptr: the caller's home, and no pool.
    Group(Group const* like, GroupOptions options, detail::ResultBuffer* results = nullptr);
    void enlist();
    void wait_for_quiescence() noexcept;

    detail::GroupCore core_;

    template <class F, class... A>
    auto& make(std::source_location at, F&& f, A&&... args) {
        detail::check_open(core_);
        return *detail::make_node(core_, *core_.home, at, std::forward<F>(f), std::forward<A>(args)...);
    }
    template <class F, class... A>
    auto& make(SpawnOptions options, F&& f, A&&... args) {
        auto& n = make(options.at, std::forward<F>(f), std::forward<A>(args)...);
        detail::apply_options(n, std::move(options));
        return n;
    }
    template <class R>
    static Task<R> handle(detail::ResultNode<R>& n) noexcept {
        return Task<R>{n};
    }
    template <class R>
    static std::optional<Task<R>> handle_if(bool admitted, detail::ResultNode<R>& n) noexcept {
        Task<R> task{n};
        return admitted ? std::optional<Task<R>>{std::move(task)} : std::nullopt;
    }

private:
    bool from_inside() const noexcept;
    bool join_until_deadline(Clock::time_point deadline);
    void open(GroupOptions&& options, detail::PoolCore* pool);
};

} // namespace frond::inline v0

// The templates of streams, which are made of groups.
#include <frond/detail/group_map.hpp>
