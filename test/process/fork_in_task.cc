// exit: 0
// stdout: ^child: logic_error 2.parent goes on: 2 tasks.child ended with 6.$
// sanitizers: off ThreadSanitizer forgets its fibers at a fork and takes their switches for races

// Forked inside a task: the child goes on there, runs its own work and exits normally.

#include "support/leaves_fibers_behind.hpp"

#include <frond/frond.hpp>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

int main() {
    frond::Pool pool{2};
    int ended = 0;
    int status = 0;
    pool.spawn([&] {
        std::fflush(stdout);
        pid_t const child = ::fork();
        if (child == 0) {
            try {
                pool.spawn([] { std::puts("inherited"); });
            } catch (std::logic_error const&) {
                std::printf("child: logic_error");
            }
            frond::Group own;
            auto two = own.spawn([] {
                frond::yield();
                return 2;
            });
            std::printf(" %d\n", two.get());
            own.join();
            std::exit(6);
        }
        ::waitpid(child, &status, 0);
        ++ended;
    });
    pool.spawn([&] {
        frond::yield();
        ++ended;
    });
    pool.join();
    std::printf("parent goes on: %d tasks\n", ended);
    std::printf("child ended with %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status));
}
