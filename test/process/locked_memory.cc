// exit: 0
// stdout: ^(100 tasks, [1-9][0-9]* guards by mprotect, 0 unguarded|no right to lock memory).$

// Where memory is locked the kernel refuses the cheap guards; each stack must then get the other kind.

#include <frond/frond.hpp>

#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>
#include <sys/resource.h>

int main() {
    rlimit const unlimited{RLIM_INFINITY, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_MEMLOCK, &unlimited) != 0 || ::mlockall(MCL_FUTURE) != 0) {
        std::puts("no right to lock memory");
        return EXIT_SUCCESS;
    }
    int done = 0;
    frond::Group group;
    for (int i = 0; i < 100; ++i)
        group.spawn([&done] {
            frond::yield();
            ++done;
        });
    group.join();
    auto const stats = frond::stats();
    std::printf("%d tasks, %zu guards by mprotect, %zu unguarded\n", done, stats.guarded_by_mprotect,
                stats.unguarded);
    return stats.guarded_by_mprotect > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
