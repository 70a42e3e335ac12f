#include <frond/frond.hpp>

#include <chrono>
#include <iostream>
#include <thread>

using namespace std::chrono_literals;

int main() {
    frond::Group group;
    auto slow = group.spawn([] {
        return frond::blocking([] {
            std::this_thread::sleep_for(50ms); // blocks its thread: here an offload thread
            return 42;
        });
    });
    int ticks = 0;
    group.spawn([&] {
        for (; !slow.ready(); ++ticks) frond::sleep_for(1ms);
    });
    group.join();
    std::cout << "answer " << slow.get() << ", and meanwhile others ran: " << std::boolalpha << (ticks > 1)
              << '\n';
}
