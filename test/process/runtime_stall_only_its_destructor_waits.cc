// exit: 134
// stderr: frond: nothing can run any more, and only a destructor waits:
// stderr: task #[0-9]+ 'stuck': queued
// sanitizers: off ThreadSanitizer has a thread of its own beside ours, and threads are counted

#include <frond/frond.hpp>

#include <memory>

int main() {
    std::unique_ptr<frond::Pool> pool;
    frond::Runtime runtime{{.threads = 2}};
    pool = runtime.run([] { return std::make_unique<frond::Pool>(1); });
    pool->resize(0);
    pool->spawn({.name = "stuck"}, [] {});
}
