// ping_pong: two tasks send each other messages over channels. Every message is a number that its receiver
// adds up.
#pragma once

#include <cstdint>

#include "../report.hpp"

namespace bench {

// Cases `one_slot` and `rendezvous`: two channels, one there and one back, with room for one message or none.
// Half of the messages are pings, half pongs, and nobody sends before he has got the other's.
// Case `one_way`: one channel with one slot, all messages from one task to the other.
inline std::uint64_t message_count() { return smoke() ? 2'000 : 1'000'000; }
// Where every message may wake another thread
inline std::uint64_t message_count_across_threads() { return message_count() / 10; }

inline constexpr std::uint64_t sum_below(std::uint64_t n) { return n * (n - 1) / 2; }

// Times `exchange(n)`, which sends the numbers below n, and returns the sum of what was received: the numbers
// below n / 2 both ways, or all of them one way.
template <class F>
void time_there_and_back(benchmark::State& state, std::uint64_t messages, F exchange) {
    for (auto _ : state) require_equal(exchange(messages), 2 * sum_below(messages / 2));
    report(state, messages);
}

template <class F>
void time_one_way(benchmark::State& state, std::uint64_t messages, F exchange) {
    for (auto _ : state) require_equal(exchange(messages), sum_below(messages));
    report(state, messages);
}

} // namespace bench
