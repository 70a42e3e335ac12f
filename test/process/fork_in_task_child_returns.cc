// exit: 0
// stdout: ^parent.child ended with 0.$

// A child that simply returns from the task has nothing left to do: it ends, and runs none of the parent's
// work.

#include "support/leaves_fibers_behind.hpp"

#include <frond/frond.hpp>

#include <cstdio>
#include <sys/wait.h>
#include <unistd.h>

int main() {
    frond::Group group;
    int status = -1;
    group.spawn([&] {
        pid_t const child = ::fork();
        if (child == 0) return;
        ::waitpid(child, &status, 0);
    });
    group.join();
    std::puts("parent");
    std::printf("child ended with %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status));
}
