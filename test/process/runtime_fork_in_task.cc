// exit: 0
// stdout: ^child: logic_error 3.parent goes on: 2 tasks.child ended with 6.$
// sanitizers: off ThreadSanitizer forgets its fibers at a fork and takes their switches for races

// Forked in a task of a runtime: the child is that task alone, without the runtime's threads.

#include "support/leaves_fibers_behind.hpp"

#include <frond/frond.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

int main() {
    std::atomic<int> ended{0};
    int status = 0;
    frond::Runtime runtime{{.threads = 2}};
    runtime.run([&] {
        frond::Pool pool{2};
        pool.spawn([&] {
            std::fflush(stdout);
            pid_t const child = ::fork();
            if (child == 0) {
                try {
                    pool.spawn([] { std::puts("inherited"); });
                } catch (std::logic_error const&) {
                    std::printf("child: logic_error");
                }
                frond::Runtime own{{.threads = 2}};
                std::printf(" %d\n", own.run([] { return frond::Group{}.run([] { return 3; }); }));
                std::exit(6);
            }
            ::waitpid(child, &status, 0);
            ++ended;
        });
        pool.spawn([&ended] {
            frond::yield();
            ++ended;
        });
        pool.join();
    });
    std::printf("parent goes on: %d tasks\n", ended.load());
    std::printf("child ended with %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status));
}
