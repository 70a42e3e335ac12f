// exit: 0
// stdout: ^main returns.task 0 ends.task 1 ends.task 2 ends.task 3 ends.$

// The main thread's end finishes what was spawned: nothing is lost, nothing runs after the statics have gone.

#include <frond/frond.hpp>

#include <chrono>
#include <cstdio>

frond::Pool pool{2};

int main() {
    for (int i = 0; i < 4; ++i)
        pool.spawn([i] {
            frond::sleep_for(std::chrono::milliseconds{5});
            std::printf("task %d ends\n", i);
        });
    frond::yield();
    std::puts("main returns");
}
