#include <frond/frond.hpp>

#include <iostream>
#include <stdexcept>
#include <string>

namespace {

// Waits while it handles an exception, then throws the same one on. Each fiber has its own.
void retry_later(std::string const& name) {
    try {
        throw std::runtime_error{name};
    } catch (std::runtime_error const&) {
        for (int i = 0; i < 3; ++i) frond::yield();
        throw;
    }
}

} // namespace

int main() {
    frond::Group group;
    for (std::string const name : {"a", "b", "c"}) {
        group.spawn([name] {
            try {
                retry_later(name);
            } catch (std::runtime_error const& e) {
                std::cout << name << " caught " << e.what() << '\n';
            }
        });
    }
    group.join();
}
