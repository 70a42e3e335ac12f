// How a thread of a runtime gets tasks that others have not started yet.

#include "scheduler/home.hpp"

#include <algorithm>
#include <mutex>

namespace frond::inline v0::detail {

namespace {

/// Half of a queue of a million would be walked through under its lock.
constexpr std::size_t taken_at_once = 256;
/// Pinned tasks in the way that a search steps over once it has something. Before, it goes on: there is
/// something.
constexpr std::size_t passed_at_once = 64;

/// Moves up to `most` tasks from the back of `from` to `to`, in their order.
std::size_t take_back(TaskQueue& from, TaskQueue& to, std::size_t most) noexcept {
    std::size_t taken = 0;
    std::size_t passed = 0;
    for (TaskNode* t = from.tail; t && taken < most && (taken == 0 || passed < passed_at_once);) {
        TaskNode* const before = t->queue_prev;
        if (t->pinned) {
            ++passed;
        } else {
            from.erase(*t);
            to.push_front(*t);
            t->in_run_queue = false; // in none: a waiter must not move it up meanwhile
            ++taken;
        }
        t = before;
    }
    return taken;
}

} // namespace

/// One search at a time: more would only get in each other's way.
bool Home::steal(std::size_t leave) noexcept {
    if (team->searching.exchange(true, std::memory_order_acquire)) return false;
    team->searches.fetch_add(1, std::memory_order_relaxed);
    std::size_t taken = 0;
    auto const n = team->homes.size();
    for (std::size_t i = 1; i < n && taken == 0; ++i) {
        Home& victim = *team->homes[(team_place + i) % n];
        if (victim.startable() > leave) taken = take_from(victim, leave);
    }
    team->searching.store(false, std::memory_order_release);
    if (taken == 0) return false;
    team->steals.fetch_add(1, std::memory_order_relaxed);
    team->stolen.fetch_add(taken, std::memory_order_relaxed);
    if (taken > 1 && team->sleepers.load(std::memory_order_relaxed) > 0) team->wake_one();
    return true;
}

/// From the far end: what the owner would come to last.
std::size_t Home::take_from(Home& victim, std::size_t leave) noexcept {
    TaskQueue pools;
    TaskQueue others;
    std::size_t taken = 0;
    {
        std::lock_guard const guard{victim.state_lock};
        auto const have = victim.startable();
        if (have <= leave) return 0;
        auto const most = std::min({(have + 1) / 2, have - leave, taken_at_once});
        taken = take_back(victim.fifo_, pools, most);
        if (taken < most) {
            taken += take_back(victim.local_, others, most - taken);
            victim.oldest_ = nullptr;
        }
        if (taken < most) taken += take_back(victim.batch_, others, most - taken);
        victim.queued_.set(victim.queued_.get() - taken);
    }
    std::lock_guard const guard{state_lock};
    for (auto const* queue : {&pools, &others}) {
        for (TaskNode* t = queue->head; t; t = t->queue_next) {
            t->queued_at = this;
            t->in_run_queue = true;
        }
    }
    if (!others.empty()) {
        others.head->first_of_batch = true;
        local_.splice_front(others);
    }
    fifo_.splice_front(pools);
    queued_.set(queued_.get() + taken);
    return taken;
}

/// Before a sleep: whether something was put that the last look could not see yet.
bool Home::something_was_put() const noexcept {
    for (Home* h : team->homes) {
        std::lock_guard const guard{h->state_lock};
        if (h == this ? can_start() : h->startable() > 1) return true;
    }
    return false;
}

/// Whoever leaves for work, while nobody keeps watch and a task is left to a thread that may compute, has
/// another keep it. Looking under the locks: what is put later is announced, because nobody keeps watch.
void Home::pass_watch_on() noexcept {
    if (team->watched.load(std::memory_order_seq_cst) || team->sleepers.load(std::memory_order_seq_cst) == 0)
        return;
    if (!has_ready_fibers() && !woken_from_outside() && timers.next() > Clock::now()) return; // it sleeps on
    for (Home* h : team->homes) {
        std::unique_lock guard{h->state_lock};
        if (h->startable() == 0 || (h == this && h->startable() == 1 && ready_.empty())) continue;
        guard.unlock();
        team->wake_one();
        return;
    }
}

bool Home::wake_to_search() noexcept {
    auto expected = asleep;
    if (!sleeping_.compare_exchange_strong(expected, to_search, std::memory_order_seq_cst)) return false;
    wake_sleeper();
    return true;
}

} // namespace frond::inline v0::detail
