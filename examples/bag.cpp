#include <frond/frond.hpp>

#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace {

// Stands for a request: other tasks go on meanwhile, and a large one takes longer.
int fetch(int size) {
    for (int i = 0; i < size; ++i) frond::yield();
    return size;
}

// Results first come: the loop gets each as soon as it is there, whatever the order of the spawns.
void first_come() {
    frond::Pool pool{3};
    frond::Bag<int> sizes{pool};
    for (int const size : {30, 10, 20}) sizes.spawn([size] { return fetch(size); });
    std::cout << "first come:";
    for (int&& size : sizes) std::cout << ' ' << size;
    std::cout << '\n';
}

// A task may put in any number of results, and spawn more tasks, which may do the same.
void visit(int number, frond::Bag<std::string>& found) {
    found.put("visited " + std::to_string(number));
    for (int const next : {2 * number, 2 * number + 1}) {
        if (next < 6) found.spawn([next, &found] { visit(next, found); });
    }
}

// One loop reads it all. It ends when nothing is unread and nothing runs that could add more.
void nested() {
    frond::Pool pool{2};
    frond::Bag<std::string> found{pool};
    found.spawn([&found] { visit(1, found); });
    for (std::string&& line : found) std::cout << line << '\n';
}

// Errors are results, too: outcomes() gives them in their places. index() is the number of the task.
void errors_as_outcomes() {
    frond::Bag<int> bag;
    for (int i = 0; i < 4; ++i) {
        bag.spawn([i] {
            if (i == 1) throw std::runtime_error{"no answer"};
            return i * i;
        });
    }
    for (frond::Outcome<int>&& result : bag.outcomes()) {
        std::cout << "task " << result.index() << ": ";
        try {
            std::cout << result.value() << '\n'; // *result where it has_value()
        } catch (std::runtime_error const& e) {
            std::cout << e.what() << '\n';
        }
    }
}

// The plain loop throws an error in its place. A new loop, or the next `next`, goes on after it.
void errors_as_exceptions() {
    frond::Bag<int> bag;
    for (int i = 0; i < 4; ++i) {
        bag.spawn([i] {
            if (i == 1) throw std::runtime_error{"no answer"};
            return i * i;
        });
    }
    std::cout << "in the loop:";
    for (bool at_end = false; !at_end;) {
        try {
            for (int&& square : bag) std::cout << ' ' << square;
            at_end = true;
        } catch (std::runtime_error const& e) {
            std::cout << " (" << e.what() << ')';
        }
    }
    std::cout << '\n';
}

// Somebody outside still has something to put in: the hold keeps the bag from being at its end.
void from_outside() {
    frond::Bag<int> numbers;
    std::jthread const producer{[&numbers, hold = numbers.keep_open()]() mutable {
        for (int n = 1; n <= 100; ++n) numbers.put(std::move(n));
        hold.release();
    }};
    int sum = 0;
    for (int&& n : numbers) sum += n;
    std::cout << "from another thread: " << sum << '\n';
}

} // namespace

int main() {
    first_come();
    nested();
    errors_as_outcomes();
    errors_as_exceptions();
    from_outside();
}
