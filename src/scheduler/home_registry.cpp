#include "scheduler/home_registry.hpp"

#include <algorithm>

namespace frond::inline v0::detail {

HomeRegistry& HomeRegistry::instance() {
    static auto& registry = *new HomeRegistry;
    return registry;
}

Home& HomeRegistry::acquire() {
    std::lock_guard const lock{mutex_};
    Home* h;
    if (free_.empty()) {
        homes_.reserve(homes_.size() + 1);
        free_.reserve(homes_.size() + 1); // so that recycle() need not allocate
        h = new Home;
        homes_.push_back(h);
    } else {
        h = free_.back();
        free_.pop_back();
    }
    h->number = ++numbers_;
    return *h;
}

void HomeRegistry::recycle(Home& h) noexcept {
    std::lock_guard const lock{mutex_};
    h.number = 0;
    h.team = nullptr; // here, for `for_each` reads it
    free_.push_back(&h);
}

std::size_t HomeRegistry::live_homes() {
    std::size_t n = 0;
    for_each([&](Home&) { ++n; });
    return n;
}

/// In a forked child, with the lock held since before the fork: the parent's homes are not ours.
void HomeRegistry::forget_parent() noexcept {
    for (Home* h : homes_) {
        h->state.store(HomeState::forked, std::memory_order_relaxed);
        h->state_lock.forget();
    }
    homes_.clear();
    free_.clear();
    idle_helpers.store(0, std::memory_order_relaxed);
}

} // namespace frond::inline v0::detail
