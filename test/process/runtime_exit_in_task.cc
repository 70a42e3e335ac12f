// exit: 7
// stdout: ^exiting.static destroyed.$

// The runtime is on main's stack, which is abandoned like all other fibers.

#include "support/leaves_fibers_behind.hpp"

#include <frond/frond.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace {

struct Static {
    ~Static() { std::puts("static destroyed"); }
} last;

struct Local {
    ~Local() { std::puts("another fiber's local destroyed: it should have been abandoned"); }
};

} // namespace

int main() {
    frond::Runtime runtime{{.threads = 2}};
    runtime.run([] {
        frond::Group group;
        auto const sleeper = group.spawn([] {
            Local const local;
            frond::sleep_for(std::chrono::hours{1});
        });
        while (sleeper.state() != frond::TaskState::waiting) frond::yield();
        group.spawn([] {
            std::puts("exiting");
            std::exit(7);
        });
        group.join();
    });
}
