#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace frond::inline v0::detail {

class Home;
struct Waiter;

/// The homes of one `Runtime`, a thread each. They share their tasks: what has not started yet may be taken
/// by any of them, and the state of each home is guarded by its lock instead of its thread.
///
/// How idle threads find work (after Go's scheduler, with one difference)
/// 1. A thread that runs dry searches once through the others. If it finds nothing it sleeps.
/// 2. Who makes a second task startable while somebody sleeps wakes one sleeper, and no other before that one
/// has
///    looked (`waking`).
/// 3. A single task is left to the thread that made it: it will most likely start it sooner than a sleeper
/// awakes. In
///    case it does not, because the running task computes, one of the sleepers keeps watch: it looks once a
///    millisecond, as long as any thread is awake.
class Team {
public:
    Team(std::size_t threads, std::string name);

    std::string const name;
    std::vector<Home*> homes; ///< complete before any of them runs a task
    /// Who finds one of the homes in the registry may look at the others only from then on.
    std::atomic<bool> is_complete{false};

    // --- for those who sleep; see Home::sleep
    std::atomic<std::size_t> sleepers{0};
    std::atomic<bool> searching{false};
    std::atomic<bool> waking{false};  ///< somebody was woken to search, and has not begun
    std::atomic<bool> watched{false}; ///< one of the sleepers keeps watch

    /// Under the lock of `at`, into whose run queue something was put: whether somebody must be told.
    bool should_announce(Home const& at) const noexcept;
    /// Afterwards, without it: wakes `at`, or one of the others to take from it.
    void announce(Home& at) noexcept;
    void wake_one() noexcept;

    /// `std::exit` was called in one of the tasks: that thread's fibers stay where they are, and nobody may
    /// wait for them.
    std::atomic<bool> abandoned{false};

    // --- guarded by all locks together
    std::uint64_t walks = 0;  ///< walks of the wait graph so far: the mark of the present one
    Waiter* enders = nullptr; ///< who waits for the last task of all homes
    std::size_t live_tasks() const noexcept;

    // --- counted, for `Runtime::stats`
    std::atomic<std::uint64_t> searches{0};
    std::atomic<std::uint64_t> steals{0};
    std::atomic<std::uint64_t> stolen{0};
    std::atomic<std::uint64_t> wakes{0};

    /// One of its homes has ended, and nothing refers to it any more. Recycles them all after the last one:
    /// until then somebody may still take all their locks.
    void home_is_unused() noexcept;
    /// The Runtime is gone.
    void drop() noexcept {
        if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

private:
    ~Team() = default;

    std::atomic<unsigned> refs_{2}; ///< the Runtime, and the homes together
    std::atomic<std::size_t> unused_homes_{0};
    std::atomic<std::size_t> next_to_wake_{0};
};

} // namespace frond::inline v0::detail
