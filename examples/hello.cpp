#include <frond/frond.hpp>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

int main() {
    frond::Group group;
    group.spawn([] {
        frond::sleep_for(50ms); // only this fiber waits
        std::cout << "world\n";
    });
    group.spawn([] { std::cout << "hello, "; });
    group.join();
}
