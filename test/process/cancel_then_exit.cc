// exit: 7
// stdout: ^cancelling.static destroyed.$

// A task calls std::exit while a cancellation that it asked for is under way: the program ends with that
// code, and nobody's clean-up is waited for.

#include "support/leaves_fibers_behind.hpp"

#include <frond/frond.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace {

struct Static {
    ~Static() { std::puts("static destroyed"); }
} last;

} // namespace

int main() {
    frond::Group group;
    for (int i = 0; i < 3; ++i)
        group.spawn([] {
            try {
                frond::sleep_for(std::chrono::hours{1});
            } catch (...) {
                frond::Shield const shield;
                frond::sleep_for(std::chrono::hours{1});
                throw;
            }
        });
    frond::yield();
    group.spawn([&group] {
        frond::Shield const shield;
        group.request_cancel();
        frond::sleep_for(std::chrono::milliseconds{1});
        std::puts("cancelling");
        std::exit(7);
    });
    group.join();
}
