// exit: 0
// stdout: ^main returns.task 0 ends.task 1 ends.task 2 ends.task 3 ends.pool: 4 completed, Closed.$

// Both are static, and the pool is destroyed last: the runtime's end finishes what was spawned, and what is
// left of the pool can still be asked.

#include <frond/frond.hpp>

#include <chrono>
#include <cstdio>
#include <memory>

namespace {

struct Last {
    std::unique_ptr<frond::Pool> pool;
    ~Last() {
        std::printf("pool: %zu completed, ", pool->stats().completed);
        try {
            pool->spawn([] {});
        } catch (frond::Closed const&) {
            std::puts("Closed");
        }
    }
} last;

frond::Runtime runtime{{.threads = 2}};

} // namespace

int main() {
    last.pool = runtime.run([] { return std::make_unique<frond::Pool>(1); });
    for (int i = 0; i < 4; ++i)
        last.pool->spawn([i] {
            frond::sleep_for(std::chrono::milliseconds{5});
            std::printf("task %d ends\n", i);
        });
    std::puts("main returns");
    std::fflush(stdout);
}
