#include <frond/frond.hpp>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

int main() {
    frond::Pool pool{10}; // never more than ten tasks in flight
    int visited = 0;
    for (int page = 0; page < 10; ++page) {
        pool.spawn([&] {
            frond::sleep_for(20ms); // stands for a request: only this fiber waits
            ++visited;
            frond::Group links{pool}; // the same cap, and something of our own to join
            for (int link = 0; link < 10; ++link) {
                links.spawn([&] {
                    frond::sleep_for(20ms);
                    ++visited;
                });
            }
            links.join(); // inside a task of a full pool: no deadlock, and still ten at most
        });
    }
    pool.join(); // the pages; each has joined its links
    std::cout << visited << " visits, at most " << pool.stats().active_peak << " at a time\n";
}
