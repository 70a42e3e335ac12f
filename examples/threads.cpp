#include <frond/frond.hpp>

#include <atomic>
#include <iostream>
#include <thread>
#include <vector>

int main() {
    // The pool's home is this thread: whoever spawns, the tasks run here, one at a time.
    frond::Pool pool{4};
    int calls = 0; // needs no lock, because only tasks of this thread touch it
    auto const home = std::this_thread::get_id();
    std::atomic<bool> all_at_home{true};

    std::vector<std::thread> producers;
    for (int p = 0; p < 4; ++p) {
        producers.emplace_back([&] {
            for (int i = 0; i < 100; ++i) {
                auto const task = pool.spawn([&] {
                    ++calls;
                    if (std::this_thread::get_id() != home) all_at_home = false;
                });
                task.get(); // any thread may wait, and sees what the task did
            }
        });
    }
    // std::thread::join would block this thread, and with it the pool's home. On an offload thread it does
    // not.
    for (auto& producer : producers) frond::blocking([&] { producer.join(); });
    pool.join();
    std::cout << calls << " calls, all on the pool's home: " << std::boolalpha << all_at_home << '\n';

    // A thread's own groups are at home on that thread. Its end waits for them.
    int squares = 0;
    std::thread worker{[&squares] {
        frond::Group group;
        for (int i = 1; i <= 3; ++i) group.spawn([&squares, i] { squares += i * i; });
    }};
    worker.join(); // nothing lives on this thread now, so blocking it does no harm
    std::cout << "1 + 4 + 9 = " << squares << '\n';
}
