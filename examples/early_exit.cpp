#include <frond/frond.hpp>

#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <ranges>
#include <utility>

using namespace std::chrono_literals;

namespace {

int started = 0;
int running = 0;

// A search of which the seventh finds something and all others take for ever.
std::optional<int> search(int where) {
    ++started;
    ++running;
    struct Ended {
        ~Ended() { --running; } // however it ends
    } const ended;
    if (where != 7) frond::sleep_for(24h);
    return where;
}

// Every callable holds a copy of `token`, and so do inputs.
void report(char const* what, frond::Pool const& pool, std::shared_ptr<int> const& token) {
    std::cout << what << ": " << (started < 20 ? "few" : "many") << " started, " << running << " running, "
              << pool.stats().pending << " queued, " << token.use_count() - 1 << " callables left\n";
    started = 0;
}

void leaving_a_bag() {
    frond::Pool pool{8};
    auto const token = std::make_shared<int>();
    {
        frond::Bag<int> found{pool};
        for (int i = 0; i < 1000; ++i) found.spawn([i, token] { return search(i); });
        for (int&& where : found) {
            std::cout << "found at " << where << '\n';
            break;
        }
        std::cout << (running > 0 && pool.stats().pending > 0 ? "others run, and others are queued\n" : "");
    } // the bag dies: it drops what is queued, cancels what runs, and waits for its end
    report("bag", pool, token);
}

void leaving_a_stream() {
    frond::Pool pool{8};
    auto const token = std::make_shared<int>();
    {
        auto input = std::views::iota(0) | std::views::transform([token](int i) { return i; });
        auto found = pool.imap_unordered(std::move(input), [token](int i) { return search(i); });
        for (auto&& where : found) {
            std::cout << "found at " << *where << '\n';
            break;
        }
    } // the stream dies: its input is read no further, and goes with it
    report("stream", pool, token);
}

// Asking a bag to stop, and reading what had come.
void cancelling() {
    frond::Pool pool{8};
    frond::Bag<int> found{pool};
    for (int i = 0; i < 1000; ++i) found.spawn([i] { return search(i); });
    while (running < 8) frond::yield();
    found.cancel(); // waits for the end
    int results = 0;
    while (found.next()) ++results;
    std::cout << "cancelled: " << running << " running, " << results << " result\n";
}

} // namespace

int main() {
    leaving_a_bag();
    leaving_a_stream();
    cancelling();
}
