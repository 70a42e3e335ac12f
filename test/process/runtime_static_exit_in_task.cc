// exit: 9
// stdout: ^exiting.static destroyed.$

// The runtime is static and destroyed by the exit that one of its own tasks called for. Nobody waits for the
// others.

#include "support/leaves_fibers_behind.hpp"

#include <frond/frond.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace {

struct Static {
    ~Static() { std::puts("static destroyed"); }
} last;

frond::Runtime runtime{{.threads = 3}};
std::unique_ptr<frond::Pool> pool;
std::atomic<int> asleep{0};

} // namespace

int main() {
    pool = runtime.run([] { return std::make_unique<frond::Pool>(2); });
    for (int i = 0; i < 2; ++i)
        pool->spawn([] {
            ++asleep;
            frond::sleep_for(std::chrono::hours{1});
        });
    for (int i = 0; i < 5; ++i) pool->spawn([] { std::puts("a task starts after exit"); });
    runtime.run([] {
        // What is just starting on another thread would meet the destruction of its pool.
        while (asleep < 2) frond::yield();
        std::puts("exiting");
        std::exit(9);
    });
}
