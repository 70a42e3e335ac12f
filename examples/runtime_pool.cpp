#include <frond/frond.hpp>

#include <atomic>
#include <iostream>
#include <memory>
#include <thread>
#include <vector>

int main() {
    frond::Runtime runtime{{.threads = 2, .name = "worker"}};
    // A pool lives where it was made: one that is to use the runtime's threads is made by one of its tasks.
    auto const pool = runtime.run(
        [] { return std::make_unique<frond::Pool>(frond::PoolOptions{.limit = 8, .name = "jobs"}); });
    std::atomic<int> done{0};

    // Plain threads, or those of another library, hand in work and wait for it as usual.
    std::vector<std::thread> clients;
    for (int c = 0; c < 4; ++c) {
        clients.emplace_back([&pool, &done] {
            for (int i = 0; i < 100; ++i) {
                int const square = pool->run([i] { return i * i; });
                if (square == i * i) ++done;
            }
        });
    }
    for (auto& client : clients) client.join(); // this thread may block: nothing lives on it
    std::cout << done << " answers\n";

    // The home of a group made here is this thread, as if there were no runtime: its tasks are not spread.
    auto const here = std::this_thread::get_id();
    frond::Group group;
    auto const task = group.spawn([here] { return std::this_thread::get_id() == here; });
    std::cout << "made outside, runs outside: " << std::boolalpha << task.get() << '\n';
} // in this order: the group, the pool, the runtime with its threads
