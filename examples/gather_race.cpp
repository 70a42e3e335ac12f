#include <frond/frond.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <variant>

using namespace std::chrono_literals;

namespace {

// Waits for ever, and says so when it is stopped.
std::string never(char const* who) {
    try {
        frond::sleep_for(24h);
    } catch (frond::Cancelled const&) {
        std::cout << who << " was stopped\n";
        throw;
    }
    return "never";
}

// All of them, each with its own type.
void all() {
    std::string const who = "Ada"; // the callables may refer to what is here
    auto const [name, orders] = frond::gather([&] { return "customer " + who; }, [] { return 3; });
    std::cout << name << ", " << orders << " orders\n";
    try {
        frond::gather([] { return never("the other one"); },
                      []() -> int { throw std::runtime_error{"no such table"}; });
    } catch (std::runtime_error const& e) {
        std::cout << "gather threw: " << e.what() << '\n'; // after the other one has ended
    }
}

// The first to end, well or not.
void the_first_to_end() {
    auto const answer = frond::race([] { return never("the slow server"); }, [] { return 42; });
    std::cout << "number " << answer.index() << " answered: " << std::get<1>(answer) << '\n';
}

// The first to succeed: an error only counts if all the others fail, too.
void the_first_to_succeed() {
    auto const answer = frond::first_of([]() -> int { throw std::runtime_error{"no route to host"}; },
                                        [] {
                                            frond::yield();
                                            return 7;
                                        },
                                        [] { return never("the third"); });
    std::cout << "number " << answer.index() << " succeeded: " << std::get<1>(answer) << '\n';
}

} // namespace

int main() {
    all();
    the_first_to_end();
    the_first_to_succeed();
}
