#include <frond/frond.hpp>

#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

// Stands for a request: other tasks go on meanwhile, and a large one takes longer.
int fetch(int size) {
    for (int i = 0; i < size; ++i) frond::yield();
    return size;
}

template <class Range>
void print(char const* what, Range&& range) {
    std::cout << what << ':';
    for (auto&& element : range) std::cout << ' ' << element;
    std::cout << '\n';
}

// A call for each element, under the pool's cap.
void map() {
    frond::Pool pool{3};
    std::vector<int> const sizes{30, 10, 20};
    print("map", pool.map(sizes, fetch));                       // all at once, as a vector
    print("imap", pool.imap(sizes, fetch));                     // in order, while others run
    print("imap_unordered", pool.imap_unordered(sizes, fetch)); // as they come

    // The elements of a tuple are passed one by one.
    std::map<std::string, int> const stock{{"apples", 3}, {"pears", 4}};
    print("tuples",
          pool.map(stock, [](std::string const& what, int n) { return std::to_string(n) + ' ' + what; }));
}

// The input may be infinite: it is read as far as the stream may work ahead, and no further.
void lazy_and_infinite() {
    frond::Pool pool{4};
    int read = 0;
    auto const numbers = std::views::iota(1) | std::views::transform([&read](int n) { return ++read, n; });
    {
        auto squares =
            pool.imap(numbers, [](int n) { return fetch(n % 3) + n * n; }, {.limit = 4, .buffer = 8});
        print("infinite", squares | std::views::take(6));
    } // the stream dies: nothing is read any more, nothing runs
    std::cout << "read no further than 7 + 12: " << std::boolalpha << (read <= 19) << ", "
              << pool.stats().active << " active\n";
}

int reciprocal(int n) {
    if (n == 0) throw std::domain_error{"division by zero"};
    return 100 / n;
}

std::string text_of(frond::Outcome<int>& result) {
    try {
        return std::to_string(result.value());
    } catch (std::exception const& e) {
        return e.what();
    }
}

// Errors in the places of the results; and an input that fails, which is no result.
void errors() {
    frond::Pool pool{2};
    std::vector<int> const numbers{5, 0, 4};
    for (auto&& result : pool.imap(numbers, reciprocal).outcomes())
        std::cout << result.index() << ": " << text_of(result) << '\n';

    try {
        pool.map(numbers, reciprocal); // the first error, once all is quiet
    } catch (std::domain_error const& e) {
        std::cout << "map threw: " << e.what() << '\n';
    }

    auto const broken = std::views::iota(1) | std::views::transform([](int n) {
                            return n < 4 ? n : throw std::runtime_error{"line 4 is no number"};
                        });
    int results = 0;
    try {
        for ([[maybe_unused]] int&& result : pool.imap(broken, reciprocal)) ++results;
    } catch (frond::ProviderError const& error) {
        try {
            error.rethrow_nested();
        } catch (std::runtime_error const& e) {
            std::cout << results << " results, then the input failed: " << e.what() << '\n';
        }
    }
}

// Any callables, also while they are still being thought of.
void callables() {
    std::vector<std::function<int()>> calls;
    for (int const size : {30, 10, 20}) calls.emplace_back([size] { return fetch(size); });
    for (auto&& result : frond::concurrent(calls, {.limit = 2}).outcomes())
        std::cout << "call " << result.index() << " gave " << *result << '\n';
}

// Tasks that run already, of any groups.
void handles() {
    frond::Group group;
    std::vector<frond::Task<int>> tasks;
    for (int const size : {30, 10, 20}) tasks.push_back(group.spawn([size] { return fetch(size); }));
    std::cout << "as_completed:";
    for (frond::Task<int>&& task : frond::as_completed(tasks)) std::cout << ' ' << task.get();
    std::cout << '\n';
}

// Lists of what came within an hour, but no more than four at a time.
void lists() {
    frond::Pool pool{2};
    auto rows = pool.imap(std::views::iota(0, 10), fetch);
    for (std::vector<int>&& list : frond::batches(std::move(rows), 1h, 4)) print("batch", list);
}

} // namespace

int main() {
    map();
    lazy_and_infinite();
    errors();
    callables();
    handles();
    lists();
}
