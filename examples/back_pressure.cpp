#include <frond/frond.hpp>

#include <iostream>
#include <ranges>

namespace {

// Lets everything happen that can happen without us.
void let_others_work() {
    for (int i = 0; i < 100; ++i) frond::yield();
}

// A stream works ahead of its reader until limit + buffer results are under way or unread.
void a_stream() {
    frond::Pool pool{10};
    int read = 0;
    auto const numbers = std::views::iota(0) | std::views::transform([&read](int n) { return ++read, n; });
    auto results = pool.imap_unordered(numbers, [](int n) { return n; }, {.limit = 2, .buffer = 3});
    let_others_work();
    std::cout << "stream: " << read << " elements read, for nobody\n";
    results.next();
    let_others_work();
    std::cout << "stream: " << read << " after one result was taken\n";
}

// An ordered one may be held up by its first result. The window is how far the others may go meanwhile.
void an_ordered_stream() {
    frond::Pool pool{10};
    frond::Event first;
    int started = 0;
    auto const call = [&](int n) {
        ++started;
        if (n == 0) first.wait();
        return n;
    };
    auto results = pool.imap(std::views::iota(0), call, {.limit = 4, .buffer = 100, .window = 6});
    let_others_work();
    std::cout << "window: " << started << " started, and the first has not ended\n";
    first.set();
    results.next();
    let_others_work();
    std::cout << "window: " << started << " started after it was taken\n";
}

// A bag lets no task start while `buffer` results are unread. What runs may still put any number in.
void a_bag() {
    frond::Pool pool{4};
    frond::Bag<int> bag{pool, {.buffer = 10}};
    int started = 0;
    for (int i = 0; i < 1000; ++i) {
        bag.spawn([&started, i] {
            ++started;
            return i;
        });
    }
    let_others_work();
    std::cout << "bag: no more than 10 + 4 of 1000 started: " << std::boolalpha << (started <= 14) << '\n';
    int results = 0;
    while (bag.next()) ++results;
    std::cout << "bag: " << results << " results\n";
}

} // namespace

int main() {
    a_stream();
    an_ordered_stream();
    a_bag();
}
