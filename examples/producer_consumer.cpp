#include <frond/frond.hpp>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <stdexcept>

using namespace std::chrono_literals;

namespace {

// Two producers, three workers, one that adds up; between them channels that hold four items each.
void pipeline() {
    frond::Channel<int> numbers{4};
    frond::Channel<long> squares{4};
    frond::Group producers;
    frond::Group workers;
    for (int first : {1, 501}) {
        producers.spawn([&numbers, first] {
            for (int n = first; n < first + 500; ++n) numbers.push(n); // waits while the channel is full
        });
    }
    for (int w = 0; w < 3; ++w) {
        workers.spawn([&] {
            for (int&& n : numbers) squares.push(long{n} * n); // each item goes to one of them
        });
    }
    // A channel is closed by who knows that nothing more will come; then the loops that read it end.
    frond::Group closing;
    closing.spawn([&] {
        producers.join();
        numbers.close();
        workers.join();
        squares.close();
    });
    long sum = 0;
    std::size_t longest = 0;
    for (long&& square : squares) {
        sum += square;
        longest = std::max({longest, numbers.size(), squares.size()});
    }
    std::cout << "sum of squares: " << sum << ", never more than 4 in a channel: " << (longest <= 4) << '\n';
}

// The consumer has seen enough: it closes the channel, and the producer learns it at its next push.
void enough() {
    frond::Channel<int> numbers; // capacity 0: each push waits until somebody takes the item
    frond::Group group;
    auto const producer = group.spawn([&numbers] {
        int made = 0;
        try {
            for (;; ++made) numbers.push(made);
        } catch (frond::Closed const&) {
            return made;
        }
    });
    int sum = 0;
    for (int&& n : numbers) {
        sum += n;
        if (n == 4) break;
    }
    numbers.close();
    std::cout << "sum: " << sum << ", handed over: " << producer.get() << '\n';
}

// Whoever gives up waiting takes nothing along.
void nothing_is_lost() {
    frond::Channel<int> channel{1};
    frond::Group group;
    auto const impatient = group.spawn([&channel] { return channel.pop_for(1ms).has_value(); });
    auto const cancelled = group.spawn([&channel] { channel.pop(); });
    std::cout << "in time: " << impatient.get() << '\n';
    cancelled.cancel();
    channel.push(1);
    bool const room = channel.try_push(2);
    std::cout << "room for two: " << room << ", there: " << channel.pop().value() << '\n';
}

} // namespace

int main() {
    std::cout << std::boolalpha;
    pipeline();
    enough();
    nothing_is_lost();
}
