// exit: 9
// stdout: ^static destroyed.$

// Deep inside: pools, groups, waiting parents, a catch handler.

#include "support/leaves_fibers_behind.hpp"

#include <frond/frond.hpp>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

namespace {

struct Static {
    ~Static() { std::puts("static destroyed"); }
} last;

frond::Pool pool{1};

void nest(int depth) {
    if (depth == 0) {
        frond::yield();
        std::exit(9);
    }
    frond::Group group{pool};
    group.spawn([depth] {
        try {
            throw std::runtime_error("caught around the exit");
        } catch (std::runtime_error const&) {
            nest(depth - 1);
        }
    });
    group.join();
}

} // namespace

int main() { nest(20); }
