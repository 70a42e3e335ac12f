/// Ten tasks sleep 0.1 s each, then spawn ten more that do the same: 110 sleeps, 11 s one after another.
/// In a `Group` all of one kind sleep at once: 0.2 s. Under `Pool(10)` never more than ten sleep, however
/// deep the spawning: 110 sleeps in rounds of ten, 1.1 s.
#include <frond/frond.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

struct Count {
    int sleeps = 0;
    int asleep = 0;
    int most_asleep = 0;
};

void doze(Count& count) {
    ++count.sleeps;
    count.most_asleep = std::max(count.most_asleep, ++count.asleep);
    frond::sleep_for(100ms);
    --count.asleep;
}

void run(char const* name, frond::Group& group, Clock::duration at_least) {
    Count count;
    auto const start = Clock::now();
    for (int i = 0; i < 10; ++i) {
        group.spawn([&] {
            doze(count);
            for (int j = 0; j < 10; ++j) group.spawn([&] { doze(count); });
        });
    }
    group.join();
    auto const took = Clock::now() - start;

    double const seconds = std::chrono::duration<double>(took).count();
    std::printf(
        "%-8s  %d sleeps, at most %d at once; not faster than possible: %s; faster than one by one: %s\n",
        name, count.sleeps, count.most_asleep, took >= at_least ? "yes" : "NO", took < 11s ? "yes" : "NO");
    std::fflush(stdout);
    // On stderr, since it is not the same each time.
    std::fprintf(stderr, "%-8s  took %.2f s; one after another it would be 11 s\n", name, seconds);
}

} // namespace

int main() {
    frond::Group group;
    run("Group", group, 200ms);
    frond::Pool pool{10};
    run("Pool(10)", pool, 1100ms);
    std::printf("Pool(10) says: at most %zu active, %zu over the limit\n", pool.stats().active_peak,
                pool.stats().overdraft_peak);
}
