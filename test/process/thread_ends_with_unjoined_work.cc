// exit: 0
// stdout: ^20 tasks, Closed.$

// The pool lives on the heap and outlives its thread, which finishes what was spawned.

#include <frond/frond.hpp>

#include <cstdio>
#include <memory>
#include <thread>

int main() {
    std::unique_ptr<frond::Pool> pool;
    int done = 0;
    std::thread{[&] {
        pool = std::make_unique<frond::Pool>(3);
        for (int i = 0; i < 20; ++i)
            pool->spawn([&done] {
                frond::yield();
                ++done;
            });
    }}.join();
    std::printf("%d tasks, ", done);
    try {
        pool->spawn([] {});
    } catch (frond::Closed const&) {
        std::puts("Closed");
    }
    pool.reset();
}
