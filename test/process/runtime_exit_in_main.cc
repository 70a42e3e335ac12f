// exit: 3
// stdout: ^exiting.task 0 ends.task 1 ends.task 2 ends.task 3 ends.$

// A static runtime ends in the course of exit: what was spawned is finished.

#include <frond/frond.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace {

std::unique_ptr<frond::Pool> pool;
frond::Runtime runtime{{.threads = 2}};

} // namespace

int main() {
    pool = runtime.run([] { return std::make_unique<frond::Pool>(1); });
    for (int i = 0; i < 4; ++i)
        pool->spawn([i] {
            frond::sleep_for(std::chrono::milliseconds{2});
            std::printf("task %d ends\n", i);
        });
    std::puts("exiting");
    std::fflush(stdout);
    std::exit(3);
}
