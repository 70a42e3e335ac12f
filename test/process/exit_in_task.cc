// exit: 7
// stdout: ^exiting.static destroyed.$

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
    frond::Group group;
    group.spawn([] {
        Local const local;
        frond::sleep_for(std::chrono::hours{1});
    });
    group.spawn([&group] {
        group.spawn([] { std::puts("a task starts after exit"); });
        std::puts("exiting");
        std::exit(7);
    });
    group.join();
}
