#include <frond/frond.hpp>

#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>

namespace {

std::string what_of(std::exception_ptr const& error) {
    try {
        std::rethrow_exception(error);
    } catch (std::exception const& e) {
        return e.what();
    }
}

void join_throws_the_first() {
    frond::Group group;
    for (std::string const name : {"a", "b", "c"})
        group.spawn({.name = name}, [name] { throw std::runtime_error{name + " failed"}; });
    try {
        group.join(); // waits for all three, then throws
    } catch (std::runtime_error const& e) {
        std::cout << "join threw: " << e.what() << '\n';
    }
    for (frond::TaskError const& e : group.errors())
        std::cout << "also: " << e.name << ", " << what_of(e.error) << '\n';
}

void handles_see_errors() {
    frond::Group group;
    auto number = group.spawn([] { return std::stoi("forty-two"); });
    auto other = group.spawn([]() -> int { throw std::out_of_range{"too far"}; });
    try {
        std::cout << number.get() << '\n';
    } catch (std::invalid_argument const&) {
        std::cout << "get threw std::invalid_argument\n";
    }
    if (auto const error = other.error()) std::cout << "error() told: " << what_of(error) << '\n';
    group.join(); // throws nothing: both errors have been seen
}

void first_error_drops_the_backlog() {
    frond::Pool pool{{.limit = 1, .group = {.on_error = frond::OnError::cancel}}};
    pool.spawn([] { throw std::runtime_error{"disk full"}; });
    auto never_started = pool.spawn([] { std::cout << "this is never printed\n"; });
    try {
        pool.join();
    } catch (std::runtime_error const& e) {
        std::cout << "join threw: " << e.what() << '\n';
    }
    try {
        never_started.get();
    } catch (frond::Cancelled const&) {
        std::cout << "the other one was cancelled before it started\n";
    }
}

void nobody_looks() {
    frond::set_unhandled_error_handler([](frond::TaskError const& e) {
        std::cout << "nobody saw: " << what_of(e.error) << " (and " << e.more << " more)\n";
    });
    frond::Group group;
    for (int i = 0; i < 3; ++i) group.spawn([i] { throw std::runtime_error{"error " + std::to_string(i)}; });
} // ~Group waits, and hands what nobody has seen to the handler

} // namespace

int main() {
    join_throws_the_first();
    handles_see_errors();
    first_error_drops_the_backlog();
    nobody_looks();
}
