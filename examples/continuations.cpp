#include <frond/frond.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

namespace {

// What comes next, without a task that waits for it. It runs in the slot of the task before it.
void one_after_the_other() {
    frond::Pool pool{1};
    auto const page = pool.spawn([] { return std::string{"a page of words"}; });
    pool.spawn([] { std::cout << "the next one in the queue\n"; });
    auto const size = page.then([](std::string& text) {
        std::cout << "parsing: " << text << '\n';
        return text.size();
    });
    auto const line = size.then([](std::size_t n) { return std::to_string(n) + " letters"; });
    std::cout << line.get() << '\n';
    pool.join();
}

// Who takes the outcome is called whatever came; who takes the result only if there is one.
void after_an_error() {
    frond::Group group;
    auto const number = group.spawn([]() -> int { throw std::runtime_error{"no number"}; });
    auto const doubled = number.then([](int n) { return 2 * n; });
    auto const or_zero = doubled.then([](frond::Outcome<int>& result) { return result ? *result : 0; });
    std::cout << "in the end " << or_zero.get() << '\n';
    try {
        doubled.get(); // it ended as its source did
    } catch (std::runtime_error const& e) {
        std::cout << "in between: " << e.what() << '\n';
    }
}

// Cancelling the last of a chain cancels what it waits for.
void cancelling() {
    frond::Group group;
    auto const request = group.spawn([] { frond::sleep_for(24h); });
    auto const told = request.then([](frond::Outcome<void>& result) {
        std::cout << "told that the request was " << (result ? "answered" : "cancelled") << '\n';
    });
    frond::yield();
    told.cancel();
    std::cout << "request ended cancelled: " << std::boolalpha
              << (request.state() == frond::TaskState::cancelled) << '\n';
}

} // namespace

int main() {
    one_after_the_other();
    after_an_error();
    cancelling();
}
