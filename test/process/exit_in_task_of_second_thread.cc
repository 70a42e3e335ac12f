// exit: 5
// stdout: ^static destroyed.$

#include "support/leaves_fibers_behind.hpp"

#include <frond/frond.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

struct Static {
    ~Static() { std::puts("static destroyed"); }
} last;

} // namespace

int main() {
    frond::Group on_main;
    std::thread second{[&] {
        frond::Group group;
        group.spawn([&] {
            on_main.spawn([] { frond::yield(); }).wait();
            std::exit(5);
        });
        group.join();
    }};
    // Serves the other thread's spawn, then waits for ever.
    frond::sleep_for(std::chrono::hours{1});
    second.join();
}
