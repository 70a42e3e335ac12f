#include <frond/sync/mutex.hpp>

#include <frond/errors.hpp>

#include <mutex>
#include <system_error>

namespace frond::inline v0 {

namespace {

constexpr std::uintptr_t contended = 1;

std::uintptr_t calling_fiber() noexcept {
    return reinterpret_cast<std::uintptr_t>(detail::current_fiber_id());
}

std::uintptr_t owner_in(std::uintptr_t word) noexcept { return word & ~contended; }

} // namespace

void Mutex::lock() {
    auto const self = calling_fiber();
    std::uintptr_t free = 0;
    if (!owner_.compare_exchange_strong(free, self, std::memory_order_acquire, std::memory_order_relaxed))
        [[unlikely]]
        lock_slowly(self, Clock::time_point::max());
}

bool Mutex::try_lock() {
    std::uintptr_t free = 0;
    return owner_.compare_exchange_strong(free, calling_fiber(), std::memory_order_acquire,
                                          std::memory_order_relaxed);
}

bool Mutex::try_lock_until_deadline(Clock::time_point deadline) {
    return try_lock() || lock_slowly(calling_fiber(), deadline);
}

void Mutex::unlock() {
    auto const self = calling_fiber();
    for (;;) {
        auto owner = self;
        if (owner_.compare_exchange_strong(owner, 0, std::memory_order_release, std::memory_order_relaxed))
            [[likely]]
            return;
        if (hand_over(self)) return;
    }
}

bool Mutex::lock_slowly(std::uintptr_t self, Clock::time_point deadline) {
    std::unique_lock guard{lock_};
    auto seen = owner_.load(std::memory_order_relaxed);
    for (;;) {
        if (seen == 0) {
            if (owner_.compare_exchange_weak(seen, self, std::memory_order_acquire,
                                             std::memory_order_relaxed))
                return true;
        } else if (owner_in(seen) == self) {
            guard.unlock();
            throw Deadlock("frond: Mutex: its owner locks it again");
        } else if ((seen & contended) != 0 ||
                   owner_.compare_exchange_weak(seen, seen | contended, std::memory_order_relaxed)) {
            break;
        }
    }
    guard.release(); // the wait lets go of it
    detail::SyncWait wait{detail::SyncKind::mutex, this, reinterpret_cast<void*>(self)};
    return wait.wait(lock_, waiting_, deadline);
}

/// @return false: nobody waits any more, and the mark is gone. The mutex becomes free without `lock_` and not
/// here: its next owner may destroy it at once.
bool Mutex::hand_over(std::uintptr_t self) {
    detail::Woken woken;
    std::lock_guard const guard{lock_};
    if (owner_in(owner_.load(std::memory_order_relaxed)) != self)
        throw std::system_error(std::make_error_code(std::errc::operation_not_permitted),
                                "frond: Mutex: unlock by another than its owner");
    if (waiting_.empty()) {
        owner_.store(self, std::memory_order_relaxed);
        return false;
    }
    auto const next = reinterpret_cast<std::uintptr_t>(woken.take_first(waiting_));
    owner_.store(waiting_.empty() ? next : next | contended, std::memory_order_relaxed);
    return true;
}

} // namespace frond::inline v0
