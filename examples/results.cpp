#include <frond/frond.hpp>

#include <iostream>
#include <string>
#include <vector>

namespace {

// Ordinary recursion: every call spawns its left half, computes the right one itself, and waits.
int sum(std::vector<int> const& numbers, std::size_t from, std::size_t to) {
    if (to - from <= 2) {
        int result = 0;
        for (std::size_t i = from; i < to; ++i) result += numbers[i];
        return result;
    }
    std::size_t const middle = from + (to - from) / 2;
    frond::Group group;
    frond::Task<int> left = group.spawn([&] { return sum(numbers, from, middle); });
    int const right = sum(numbers, middle, to);
    return left.get() + right;
}

} // namespace

int main() {
    frond::Group group;
    auto greeting =
        group.spawn({.name = "greeter"}, [](std::string const& whom) { return "hello, " + whom; }, "world");
    std::cout << greeting.name() << ": " << greeting.get() << '\n';

    std::vector<int> numbers;
    for (int i = 1; i <= 1000; ++i) numbers.push_back(i);
    std::cout << "sum: " << sum(numbers, 0, numbers.size()) << '\n';

    std::string const text =
        group.run([] { return std::string{"spawned, waited for and taken in one call"}; });
    std::cout << text << '\n';
}
