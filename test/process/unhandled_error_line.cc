// exit: 0
// stdout: ^done.$
// stderr: frond: nobody saw the error of task 'parse' #[0-9]+, spawned at
// stderr: /unhandled_error_line.cc:15: bad header .and 2 more..$

#include <frond/frond.hpp>

#include <cstdio>
#include <stdexcept>

int main() {
    {
        frond::Group group;
        auto const fails = [] { throw std::runtime_error("bad header"); };
        group.spawn({.name = "parse"}, fails);
        group.spawn(fails);
        group.spawn(fails);
        auto seen = group.spawn(fails);
        (void)seen.error();
    }
    std::puts("done");
}
