// exit: 0
// stdout: ^joined 10.main returns.$

// The pool dies before the runtime.

#include <frond/frond.hpp>

#include <atomic>
#include <cstdio>
#include <memory>

frond::Runtime runtime{{.threads = 2}};
std::unique_ptr<frond::Pool> pool;

int main() {
    std::atomic<int> done{0};
    pool = runtime.run([] { return std::make_unique<frond::Pool>(3); });
    for (int i = 0; i < 10; ++i)
        pool->spawn([&done] {
            frond::yield();
            ++done;
        });
    pool->join();
    std::printf("joined %d\n", done.load());
    std::puts("main returns");
}
