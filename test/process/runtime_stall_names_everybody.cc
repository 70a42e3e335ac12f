// exit: 0
// stdout: Deadlock: frond: nothing can run any more
// stdout: of runtime 'workers'
// stdout: pool #[0-9]+ 'paused'
// stdout: 'getter': waiting, .* waits for task #[0-9]+ 'stuck'
// stdout: main fiber joins group
// sanitizers: off ThreadSanitizer has a thread of its own beside ours, and threads are counted

// All threads of the process are counted, no test helps: main's and the runtime's.

#include <frond/frond.hpp>

#include <cstdio>
#include <memory>

int main() {
    frond::Runtime runtime{{.threads = 3, .name = "workers"}};
    auto const pool = runtime.run(
        [] { return std::make_unique<frond::Pool>(frond::PoolOptions{.limit = 1, .name = "paused"}); });
    auto const group = runtime.run([] { return std::make_unique<frond::Group>(); });
    pool->resize(0);
    auto const stuck = pool->spawn({.name = "stuck"}, [] {});
    group->spawn({.name = "getter"}, [&stuck] { stuck.get(); });
    try {
        group->join();
    } catch (frond::Deadlock const& error) {
        std::printf("Deadlock: %s\n", error.what());
    }
    pool->resize(1);
    group->join();
}
