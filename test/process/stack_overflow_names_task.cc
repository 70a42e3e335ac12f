// exit: 139
// stdout: ^waited$
// stderr: ^frond: stack overflow in task 'parse' #[0-9]+ .spawned at
// stderr: /stack_overflow_names_task.cc:34.: 64 KiB stack, address 0x[0-9a-f]+
// sanitizers: off AddressSanitizer reports overruns itself, ThreadSanitizer may itself be interrupted

#include <frond/frond.hpp>

#include <chrono>
#include <iostream>
#include <string>

namespace {

// One level deeper for each bracket, as a parser without a limit would.
int depth_of(std::string const& text, std::size_t at) {
    char volatile frame[256];
    frame[0] = text[at % text.size()];
    return frame[0] == '(' ? depth_of(text, at + 1) + frame[0] : 0;
}

} // namespace

int main() {
    frond::Group group;
    std::string const hostile(10, '(');
    // A neighbour on the next stack, which must not be blamed.
    group.spawn({.name = "neighbour"}, [] { frond::this_task::sleep_for(std::chrono::hours{1}); });
    auto waits = group.spawn([] {
        frond::this_task::sleep_for(std::chrono::milliseconds{1});
        std::cout << "waited" << std::flush;
    });
    waits.wait();
    group.spawn({.name = "parse"}, [&hostile] { return depth_of(hostile, 0); });
    group.join();
}
