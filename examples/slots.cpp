#include <frond/frond.hpp>

#include <chrono>
#include <iostream>
#include <optional>

using namespace std::chrono_literals;

namespace {

// A task waits for another of its own pool, with one slot for both: it lends its slot and gets it back.
void lending() {
    frond::Pool pool{1};
    auto outer = pool.spawn([&pool] {
        auto inner = pool.spawn([&pool] { return pool.stats().active; });
        return inner.get();
    });
    std::cout << "lending: " << outer.get() << " active, overdraft " << pool.stats().overdraft_peak << '\n';
}

// A task that sleeps keeps its slot: the limit is one on what is in flight, not on what runs.
void keeping() {
    frond::Pool pool{2};
    for (int i = 0; i < 2; ++i) pool.spawn([] { frond::sleep_for(20ms); });
    frond::yield();
    std::cout << "keeping: " << pool.free_count() << " free while both sleep\n";
    pool.wait_available();
    std::cout << "keeping: at least one free now: " << std::boolalpha << !pool.full() << '\n';
}

// Where the pool cannot see that a wait needs it, a task gives its slot back by hand.
void giving_back() {
    frond::Pool pool{1};
    bool done = false;
    pool.spawn([&] {
        frond::SlotLoan const loan = pool.release_slot();
        while (!done) frond::yield(); // for something that only a task of this pool can do
    });
    pool.spawn([&] { done = true; });
    pool.join();
    std::cout << "giving back: " << pool.stats().completed << " tasks done\n";
}

// Three ways to spawn: at once, when there is room, only if there is room.
void three_spawns() {
    frond::Pool pool{1};
    pool.spawn([] { frond::sleep_for(1ms); });  // takes the slot
    auto const refused = pool.try_spawn([] {}); // no slot: nothing is queued
    std::cout << "try_spawn: " << (refused ? "admitted" : "refused") << '\n';
    auto const admitted = pool.spawn_wait([] { return 7; }); // returns when the task has its slot
    std::cout << "spawn_wait: " << pool.pending() << " pending, result " << admitted.get() << '\n';
}

// A bounded backlog makes producers outside the pool wait.
void backlog() {
    frond::Pool pool{{.limit = 2, .max_pending = 3}};
    for (int i = 0; i < 100; ++i) pool.spawn([] { frond::yield(); });
    pool.join();
    auto const stats = pool.stats();
    std::cout << "backlog: " << stats.completed << " done, never more than " << stats.pending_peak
              << " pending\n";
}

} // namespace

int main() {
    lending();
    keeping();
    giving_back();
    three_spawns();
    backlog();
}
