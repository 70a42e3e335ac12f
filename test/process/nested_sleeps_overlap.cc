// exit: 0
// stdout: ^110 sleeps, never above 10 in the pool, at least 0.2 s, not one after another.$

// Ten tasks that sleep and each spawn ten that sleep: eleven seconds one after another.

#include <frond/frond.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>

int main() {
    using namespace std::chrono_literals;
    auto const start = frond::Clock::now();
    int sleeps = 0;
    frond::Group group;
    for (int i = 0; i < 10; ++i)
        group.spawn([&] {
            frond::sleep_for(100ms);
            ++sleeps;
            for (int j = 0; j < 10; ++j)
                group.spawn([&] {
                    frond::sleep_for(100ms);
                    ++sleeps;
                });
        });
    group.join();
    auto const unbounded = frond::Clock::now() - start;

    frond::Pool pool{10};
    int inside = 0;
    int most = 0;
    auto const nap = [&] {
        most = std::max(most, ++inside);
        frond::sleep_for(1ms);
        --inside;
    };
    for (int i = 0; i < 10; ++i)
        pool.spawn([&] {
            nap();
            for (int j = 0; j < 10; ++j) pool.spawn(nap);
        });
    pool.join();

    bool const all = sleeps == 110 && most == 10 && pool.stats().active_peak == 10;
    bool const overlap = unbounded >= 200ms && unbounded < 5s;
    std::printf("%d sleeps, %s above 10 in the pool, %s\n", sleeps, all ? "never" : "ever",
                overlap ? "at least 0.2 s, not one after another" : "wrong time");
}
