// exit: 0
// stdout: ^map: 100 race: 0 first_of: 1.$

// main returns while a task of a static pool reads streams of its own: these go on to their end.

#include <frond/frond.hpp>

#include <chrono>
#include <cstdio>
#include <ranges>
#include <stdexcept>

using namespace std::chrono_literals;

int main() {
    static frond::Pool pool{4};
    static frond::Event started;
    pool.spawn([] {
        auto const numbers = pool.map(std::views::iota(0, 100), [](int i) {
            if (i == 5) started.set();
            frond::sleep_for(1ms);
            return i;
        });
        auto const nap = [](std::chrono::milliseconds d) {
            return [d] {
                frond::sleep_for(d);
                if (d == 2ms) throw std::runtime_error{"too early"};
            };
        };
        std::printf("map: %zu ", numbers.size());
        std::printf("race: %zu ", frond::race(nap(3ms), nap(1h)).index());
        std::printf("first_of: %zu\n", frond::first_of(nap(2ms), nap(3ms)).index());
    });
    started.wait();
}
