// exit: 0
// stdout: ^child: logic_error logic_error logic_error 6.parent's task.child ended with 3.$
// sanitizers: off ThreadSanitizer forgets its fibers at a fork and takes their switches for races

#include "support/leaves_fibers_behind.hpp"

#include <frond/frond.hpp>

#include <cstdio>
#include <stdexcept>
#include <string>
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

} // namespace

int main() {
    frond::Pool pool{1};
    frond::Group group;
    auto task = group.spawn([] {
        frond::yield();
        std::puts("parent's task");
    });
    pool.spawn([] { frond::yield(); });
    frond::yield();
    std::fflush(stdout);
    pid_t const child = ::fork();
    if (child == 0) {
        std::printf("child: %s", outcome([&] { group.spawn([] { std::puts("inherited"); }); }));
        std::printf(" %s", outcome([&] { pool.join(); }));
        std::printf(" %s", outcome([&] { task.get(); }));
        int sum = 0;
        {
            frond::Pool own{2};
            for (int i = 1; i <= 3; ++i)
                own.spawn([&sum, i] {
                    frond::yield();
                    sum += i;
                });
            own.join();
        }
        std::printf(" %d\n", sum);
        return 3; // the inherited groups die here, quietly
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    group.join();
    pool.join();
    std::printf("child ended with %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status));
}
