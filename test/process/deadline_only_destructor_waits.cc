// exit: 0
// stdout: ^timed out.no stall.$

// Where only a destructor waits, a stall would end the program; under a deadline there is none, the tasks are
// cancelled, and what the user sees is TimedOut.

#include <frond/frond.hpp>

#include <chrono>
#include <cstdio>

int main() {
    frond::Pool paused{1};
    paused.resize(0);
    try {
        frond::with_timeout(std::chrono::milliseconds{50}, [&] {
            frond::Group group{paused};
            group.spawn([] { std::puts("starts in a paused pool"); });
        });
    } catch (frond::TimedOut const&) {
        std::puts("timed out");
    }
    std::puts("no stall");
}
