#include <frond/frond.hpp>

#include <atomic>
#include <chrono>
#include <iostream>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace {

int primes_between(int from, int to) {
    int found = 0;
    for (int n = from; n < to; ++n) {
        bool prime = n > 1;
        for (int d = 2; d * d <= n && prime; ++d) prime = n % d != 0;
        found += prime ? 1 : 0;
    }
    return found;
}

// A task of the runtime makes the pool, so it lives there: any thread starts its tasks, one cap for all.
void one_cap_for_all_threads() {
    frond::Pool pool{3};
    std::vector<frond::Task<int>> parts;
    for (int from = 0; from < 100'000; from += 1'000)
        parts.push_back(pool.spawn([from] { return primes_between(from, from + 1'000); }));
    int total = 0;
    for (auto const& part : parts) total += part.get();
    std::cout << total << " primes, more than 3 tasks at a time: " << (pool.stats().active_peak > 3) << '\n';
}

// What several tasks touch needs a lock now. A std::mutex will do where nobody waits in frond with it held.
void shared_data() {
    std::mutex mutex;
    std::set<int> seen;
    frond::Group group;
    for (int i = 0; i < 1'000; ++i) {
        group.spawn([&, i] {
            std::lock_guard const lock{mutex};
            seen.insert(i % 10);
        });
    }
    group.join();
    std::cout << seen.size() << " different numbers seen\n";
}

// Pinned tasks start on the thread that spawns them, one at a time: what only they touch needs no lock.
void pinned_tasks() {
    int sum = 0;
    bool all_here = true;
    auto const here = std::this_thread::get_id();
    frond::Group group;
    for (int i = 1; i <= 10; ++i) {
        group.spawn({.pinned = true}, [&, i] {
            frond::sleep_for(1ms);
            sum += i;
            all_here = all_here && std::this_thread::get_id() == here;
        });
    }
    group.join();
    std::cout << "pinned: sum " << sum << ", all on the spawner's thread: " << all_here << '\n';
}

thread_local int handled = 0; // each thread counts for itself

// A started task stays on its thread, so what is thread-local is the same before a wait and after it.
void thread_locals(frond::Runtime& runtime) {
    runtime.run([] {
        frond::Group group;
        for (int i = 0; i < 1'000; ++i) {
            group.spawn([] {
                frond::yield();
                ++handled;
            });
        }
        group.join();
    });
    std::atomic<int> total{0};
    runtime.run_on_each([&total] { total += handled; }); // asks each thread for its own
    std::cout << "thread-local counters: " << total << " tasks in all\n";
}

} // namespace

int main() {
    std::cout << std::boolalpha;
    frond::Runtime runtime{{.threads = 4}}; // without options: as many as the machine has cores
    runtime.run(one_cap_for_all_threads);
    runtime.run(shared_data);
    runtime.run(pinned_tasks);
    thread_locals(runtime);
} // ~Runtime waits for all tasks that live in it, and ends its threads
