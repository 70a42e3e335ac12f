// exit: 0
// stdout: ^(1000000 results, sum 499999500000: within 4 MiB.)+$
// sanitizers: off (they keep what was freed)

// The memory of a stream does not depend on how much goes through it.

#include <frond/frond.hpp>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <ranges>
#include <sys/resource.h>

namespace {

long peak_kib() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

struct Sum {
    long results = 0;
    long total = 0;
};

Sum read(long elements) {
    frond::Pool pool{8};
    Sum sum;
    auto const sometimes_late = [](long i) {
        if (i % 64 == 0) frond::yield();
        return i;
    };
    for (long&& each : pool.imap(std::views::iota(0L, elements), sometimes_late, {.buffer = 32})) {
        sum.total += each;
        if (++sum.results % 1'000 == 0) // now and then a slow reader, whom all could outrun
            for (int turn = 0; turn < 1'000; ++turn) frond::yield();
    }
    return sum;
}

void measure() {
    read(20'000); // stacks, arenas, queues
    long const before = peak_kib();
    auto const [results, total] = read(1'000'000);
    long const growth = peak_kib() - before;
    std::printf("%ld results, sum %ld: ", results, total);
    if (growth <= 4 * 1024)
        std::puts("within 4 MiB");
    else
        std::printf("%ld KiB more\n", growth);
}

} // namespace

int main() {
    measure();
    frond::Runtime{{.threads = 2}}.run([] { measure(); });
    return EXIT_SUCCESS;
}
