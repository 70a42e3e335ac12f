#include <frond/frond.hpp>

#include <iostream>
#include <string>

namespace {

// The rest of what() is the wait graph: see dump.cpp.
void report(char const* who, frond::Deadlock const& e) {
    std::string const text = e.what();
    std::cout << who << ": " << text.substr(0, text.find('\n')) << '\n';
}

void joins_its_own_group() {
    frond::Group group;
    group.spawn([&group] {
        try {
            group.join(); // waits for this very task
        } catch (frond::Deadlock const& e) {
            report("own group", e);
        }
        frond::Group mine; // to wait for one's own children: a group of one's own
        mine.spawn([] { std::cout << "a child\n"; });
        mine.join();
    });
    group.join();
}

void closes_a_circle() {
    frond::Group group;
    frond::Task<void> first;
    frond::Task<void> second;
    first = group.spawn([&second] { second.get(); });
    second = group.spawn([&first] {
        try {
            first.get(); // the first one waits for us
        } catch (frond::Deadlock const& e) {
            report("circle", e);
        }
    });
    group.join();
}

void nothing_can_happen() {
    frond::Pool pool{1};
    pool.resize(0); // paused, and nobody is left who could end the pause
    pool.spawn([] { std::cout << "at last\n"; });
    try {
        pool.join();
    } catch (frond::Deadlock const& e) {
        report("stall", e);
    }
    pool.resize(1);
    pool.join();
}

} // namespace

int main() {
    joins_its_own_group();
    closes_a_circle();
    nothing_can_happen();
}
