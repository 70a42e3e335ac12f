// exit: 0
// stdout: ^main returns.$
// stderr: frond: nobody saw the error of task 'late' #[0-9]+, spawned at
// stderr: /static_pool_error_is_reported.cc:18: too late .and 1 more..$

#include <frond/frond.hpp>

#include <cstdio>
#include <stdexcept>

frond::Pool pool{1};

int main() {
    auto const fails = [] {
        frond::yield();
        throw std::runtime_error("too late");
    };
    pool.spawn({.name = "late"}, fails);
    pool.spawn(fails);
    std::puts("main returns");
}
