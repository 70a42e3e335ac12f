#pragma once

#include <frond/detail/pool_core.hpp>
#include <frond/group.hpp>

#include <concepts>
#include <cstddef>
#include <string>

namespace frond::inline v0 {

struct PoolOptions {
    std::size_t limit = 0;               ///< tasks in flight at most; must be given; `unlimited` is allowed
    std::size_t max_pending = unlimited; ///< tasks that may wait for a slot before `spawn` from outside waits
    Order order = Order::fifo;
    /// How long each task may run, from its start on, time in the queue excluded; see SpawnOptions::timeout.
    std::chrono::nanoseconds task_timeout = forever;
    std::string name = {};   ///< shown by `dump`
    GroupOptions group = {}; ///< for the pool's own tasks
};

/// A snapshot of a pool, over everything bound to it.
struct PoolStats {
    std::size_t limit;
    std::size_t active;  ///< tasks that hold a slot
    std::size_t pending; ///< tasks that wait for a slot
    std::size_t live;    ///< tasks that have not ended
    std::size_t active_peak;
    std::size_t pending_peak;
    std::size_t admitted;       ///< tasks that were ever given a slot
    std::size_t completed;      ///< tasks that ended after having had one
    std::size_t overdraft;      ///< how far `active` is above the limit now
    std::size_t overdraft_peak; ///< and ever was
};

/// A slot given back before its task ends; the destructor takes one again without waiting, which can overdraw
/// the pool (`PoolStats::overdraft`). Belongs to the task that made it.
class FROND_API SlotLoan {
public:
    SlotLoan(SlotLoan&& other) noexcept : task_{std::exchange(other.task_, nullptr)} {}
    SlotLoan& operator=(SlotLoan&& other) noexcept;
    ~SlotLoan() { end(); }

private:
    friend class Pool;
    explicit SlotLoan(detail::TaskNode* task) noexcept : task_{task} {}
    void end() noexcept;

    detail::TaskNode* task_;
};

/// A cap on how many tasks are in flight, and a group of its own. Share one pool between many groups
/// (`Group group{pool}`), make it live long, resize it at will.
///
/// A task is *active* from its admission to its end, also while it sleeps, does I/O or waits for a lock. Only
/// while what it waits for (a task, a group), directly or through others of its thread or `Runtime`, needs a
/// slot of the same pool, it lends its own; so nested use neither deadlocks nor exceeds the cap. When what it
/// waits for ends, that slot goes straight to it. A lender that goes on for another reason (a deadline, a
/// second waiter on one task, its own `spawn_wait`) does not wait for a slot: the pool is overdrawn by it,
/// counts that, and admits nothing until it is repaid.
///
/// Example:
///     frond::Pool pool{10};
///     for (auto const& url : urls) pool.spawn([&] { visit(url, pool); });   // visit() spawns into pool, too
///     pool.join();
///
/// `spawn` never waits but for `max_pending`. First in, first out; waiting for a queued task moves it to the
/// front.
/// `join`, `errors`, `cancel`, `size`, `active` and `pending` are about what was spawned by `pool.spawn`;
/// `stats`, `shutdown` and the destructor about every group that is bound to the pool.
/// Lifetime: the destructor rejects spawns from outside and waits for every group bound to the pool. One that
/// dies by an exception cancels its own tasks first; those of bound groups it leaves alone.
/// Thread safety: as `Group`. A static pool is safe.
/// Cost: admission is a few instructions on the home thread, in a `Runtime` under one lock for the pool; a
/// queued task about 128 bytes.
class FROND_API Pool : public Group {
public:
    /// @throws std::invalid_argument for zero and negative numbers
    template <std::integral I>
    explicit Pool(I limit)
        : Pool(PoolOptions{.limit =
                               detail::checked_count(limit, "frond: Pool: the limit must be positive")}) {}
    /// @throws std::invalid_argument for a limit or `max_pending` of 0
    explicit Pool(PoolOptions options);
    ~Pool();

    /// *Suspends* never, as `free_count`, `full` and `stats`; on other threads, and in a `Runtime`, what
    /// these tell may be old news.
    std::size_t limit() const noexcept;
    /// Slots that a spawn would get at once. Falls when a task is admitted: at its spawn if a slot is free.
    std::size_t free_count() const noexcept;
    bool full() const noexcept { return free_count() == 0; }
    /// Waits until a slot is free. *Suspends* while the pool is full. @return false: `d` passed first
    /// @throws Closed if the pool ends meanwhile; Deadlock
    template <class Rep, class Period>
    bool wait_available(std::chrono::duration<Rep, Period> d) {
        return wait_available_until(detail::deadline_after(d));
    }
    /// @return true
    bool wait_available() { return wait_available_until(Clock::time_point::max()); }

    /// Changes the limit at any time; 0 pauses admission. What runs goes on. *Suspends* until the home
    /// answers, as `close` does.
    /// @throws std::invalid_argument for negative numbers
    template <std::integral I>
    void resize(I limit) {
        set_limit(detail::checked_count(limit, "frond: Pool::resize: negative", true));
    }
    /// No more spawns, from nobody; what is queued still runs, spawners that wait get `Closed`. Idempotent.
    void close();
    /// Closes, and waits until everything bound to it has ended; what has not after `grace` is cancelled, and
    /// its end awaited. *Suspends*. @return whether nothing had to be cancelled. @throws Deadlock from one of
    /// its tasks
    template <class Rep, class Period>
    bool shutdown(std::chrono::duration<Rep, Period> grace) {
        return shutdown_until(detail::deadline_after(grace));
    }
    /// Gives the calling member's slot back until the loan dies, for a wait that the pool cannot see.
    /// *Suspends* never. @throws std::logic_error if the caller is no member or holds no slot
    [[nodiscard]] SlotLoan release_slot();
    PoolStats stats() const;

private:
    bool wait_available_until(Clock::time_point deadline);
    bool wait_for_last_member(Clock::time_point deadline);
    bool shutdown_until(Clock::time_point grace);
    void wait_for_last_member() noexcept;
    void set_limit(std::size_t limit);

    detail::PoolCore pool_;
};

} // namespace frond::inline v0
