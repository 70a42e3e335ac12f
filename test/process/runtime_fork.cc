// exit: 0
// stdout: ^child: logic_error logic_error logic_error 10.parent: 6.child ended with 3.$
// sanitizers: off ThreadSanitizer forgets its fibers at a fork and takes their switches for races

// The child gets errors from what it inherited, makes its own runtime and exits cleanly; the parent's goes
// on.

#include "support/leaves_fibers_behind.hpp"

#include <frond/frond.hpp>

#include <atomic>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace {

template <class F>
char const* outcome(F&& f) {
    try {
        f();
    } catch (frond::Closed const&) {
        return "Closed";
    } catch (std::logic_error const&) {
        return "logic_error";
    }
    return "nothing";
}

int sum_to(frond::Runtime& runtime, int n) {
    std::atomic<int> sum{0};
    runtime.run([&] {
        frond::Pool pool{2};
        for (int i = 1; i <= n; ++i)
            pool.spawn([&sum, i] {
                frond::yield();
                sum += i;
            });
        pool.join();
    });
    return sum;
}

} // namespace

int main() {
    frond::Runtime runtime{{.threads = 3}};
    auto const pool = runtime.run([] { return std::make_unique<frond::Pool>(1); });
    std::atomic<bool> over{false};
    auto const task = pool->spawn([&over] {
        while (!over) frond::yield(); // so that the fork meets the runtime at work
    });
    std::fflush(stdout);
    pid_t const child = ::fork();
    if (child == 0) {
        std::printf("child: %s", outcome([&] { runtime.run([] { std::puts("inherited"); }); }));
        std::printf(" %s", outcome([&] { pool->spawn([] { std::puts("inherited"); }); }));
        std::printf(" %s", outcome([&] { task.get(); }));
        frond::Runtime own{{.threads = 2}};
        std::printf(" %d\n", sum_to(own, 4));
        return 3; // the inherited ones die here, quietly
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    over = true;
    task.wait();
    std::printf("parent: %d\n", sum_to(runtime, 3));
    std::printf("child ended with %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status));
}
