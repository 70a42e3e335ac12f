#include "scheduler/team.hpp"

#include "scheduler/home.hpp"
#include "scheduler/home_registry.hpp"

#include <utility>

namespace frond::inline v0::detail {

Team::Team(std::size_t threads, std::string team_name) : name{std::move(team_name)}, homes(threads) {}

std::size_t Team::live_tasks() const noexcept {
    std::size_t n = 0;
    for (Home const* h : homes) n += h->live_tasks;
    return n;
}

/// The order matters: who goes to sleep counts itself first, and then looks into this queue under its lock.
/// So either it is seen here, or it sees what was put.
bool Team::should_announce(Home const& at) const noexcept {
    if (sleepers.load(std::memory_order_relaxed) == 0) return false;
    return !at.is_here() || at.startable() > 1 || !watched.load(std::memory_order_relaxed);
}

void Team::announce(Home& at) noexcept {
    if (!at.is_here() && at.looks_asleep())
        at.interrupt();
    else if (sleepers.load(std::memory_order_relaxed) > 0)
        wake_one();
}

void Team::wake_one() noexcept {
    if (waking.exchange(true, std::memory_order_acq_rel)) return;
    auto const first = next_to_wake_.fetch_add(1, std::memory_order_relaxed);
    for (std::size_t i = 0; i < homes.size(); ++i) {
        if (!homes[(first + i) % homes.size()]->wake_to_search()) continue;
        wakes.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    waking.store(false, std::memory_order_release);
}

void Team::home_is_unused() noexcept {
    auto const all = homes.size(); // afterwards the last one may have deleted this
    if (unused_homes_.fetch_add(1, std::memory_order_acq_rel) + 1 < all) return;
    for (Home* h : homes) HomeRegistry::instance().recycle(*h);
    drop();
}

} // namespace frond::inline v0::detail
