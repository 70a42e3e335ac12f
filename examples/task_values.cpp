#include <frond/frond.hpp>

#include <chrono>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

namespace {

// One for each task that asks, made at its first use.
frond::Local<std::string> buffer;

std::string spell(int number) {
    buffer->clear();
    for (char const digit : std::to_string(number)) {
        frond::yield(); // other tasks fill theirs
        buffer.get() += digit;
    }
    return *buffer;
}

void local() {
    frond::Group group;
    auto const a = group.spawn([] { return spell(12345); });
    auto const b = group.spawn([] { return spell(67890); });
    std::cout << a.get() << ' ' << b.get() << '\n';
}

// Handed down to all that a task spawns, however deep.
frond::Inherited<std::string> request{"no request"};

void log(std::string const& text) { std::cout << '[' << request.get() << "] " << text << '\n'; }

void serve(std::string const& name) {
    request.get() = name;
    frond::Group parts;
    parts.spawn([] {
        frond::Group details;
        details.spawn([] { log("a detail"); });
        details.join();
        request.get() += ", part 1"; // a copy: nobody else sees it
        log("done");
    });
    parts.join();
    log("done");
}

void inherited() {
    frond::Group requests;
    requests.spawn([] { serve("first"); });
    requests.join();
    requests.spawn([] { serve("second"); });
    requests.join();
    log("done");
}

} // namespace

int main() {
    local();
    inherited();
}
