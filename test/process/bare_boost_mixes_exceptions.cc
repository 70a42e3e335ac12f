// exit: 0
// stdout: ^(fibers that rethrew their own exception: 1 of 3.uncaught beside an unwinding fiber: 1|swapped).$
// sanitizers: off It does what must not be done.

// Why frond swaps the exception state of its fibers: the scheduler that comes with Boost.Fiber does not,
// before Boost 1.88. If this program ever prints something else with an older Boost, frond's own swap is
// wrong there.

#include <boost/fiber/fiber.hpp>
#include <boost/fiber/operations.hpp>
#include <boost/version.hpp>

#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>

namespace {

std::string rethrown_after_yields(std::string const& name) {
    try {
        try {
            throw std::runtime_error(name);
        } catch (...) {
            for (int i = 0; i < 3; ++i) boost::this_fiber::yield();
            throw;
        }
    } catch (std::exception const& e) {
        return e.what();
    }
}

struct YieldsWhileUnwinding {
    ~YieldsWhileUnwinding() { boost::this_fiber::yield(); }
};

} // namespace

int main() {
    if constexpr (BOOST_VERSION >= 108800) {
        std::cout << "swapped\n"; // Boost does it itself
        return 0;
    }
    std::string names[3];
    boost::fibers::fiber fibers[3];
    for (int i = 0; i < 3; ++i)
        fibers[i] = boost::fibers::fiber{
            [&names, i] { names[i] = rethrown_after_yields(std::string(1, static_cast<char>('a' + i))); }};
    for (auto& f : fibers) f.join();
    auto const own = (names[0] == "a") + (names[1] == "b") + (names[2] == "c");
    std::cout << "fibers that rethrew their own exception: " << own << " of 3";

    boost::fibers::fiber unwinding{[] {
        try {
            YieldsWhileUnwinding const guard;
            throw std::runtime_error("unwinding");
        } catch (std::runtime_error const&) {
        }
    }};
    int seen = 0;
    boost::fibers::fiber neighbour{[&] { seen = std::uncaught_exceptions(); }};
    neighbour.join();
    unwinding.join();
    std::cout << "\nuncaught beside an unwinding fiber: " << seen << '\n';
}
