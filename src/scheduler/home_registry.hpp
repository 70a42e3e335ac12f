#pragma once

#include "scheduler/home.hpp"

#include <cstddef>
#include <mutex>
#include <optional>
#include <vector>

namespace frond::inline v0::detail {

/// All homes of the process, and the free ones. Never destroyed: late messages and static pools still find
/// it.
class HomeRegistry {
public:
    static HomeRegistry& instance();

    Home& acquire();
    void recycle(Home& h) noexcept;

    /// Calls `f` for each home whose thread is not over, under the lock: `f` must not take it again.
    template <class F>
    void for_each(F&& f) {
        std::lock_guard const lock{mutex_};
        for (Home* h : homes_)
            if (h->number != 0 && h->state.load(std::memory_order_acquire) <= HomeState::ending) f(*h);
    }
    std::size_t live_homes();

    /// Offload threads that have nothing to do are no sign of life.
    std::atomic<std::size_t> idle_helpers{0};

    void lock() { mutex_.lock(); }
    void unlock() { mutex_.unlock(); }
    void forget_parent() noexcept;

private:
    std::mutex mutex_;
    std::vector<Home*> homes_;
    std::vector<Home*> free_;
    std::uint32_t numbers_ = 0;
};

} // namespace frond::inline v0::detail
