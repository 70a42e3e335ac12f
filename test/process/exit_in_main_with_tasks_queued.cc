// exit: 4
// stdout: ^static destroyed.$

// From the main fiber, with a group on the stack that nobody will join any more.

#include "support/leaves_fibers_behind.hpp"

#include <frond/frond.hpp>

#include <cstdio>
#include <cstdlib>

namespace {

struct Static {
    ~Static() { std::puts("static destroyed"); }
} last;

} // namespace

int main() {
    frond::Group group;
    group.spawn([] { frond::yield(); });
    frond::yield();
    std::exit(4);
}
