// ordered_results and unordered_results: items are worked on, 100 at a time, while a consumer takes the
// results, in the order of the items or as they come.
#pragma once

#include <cstddef>
#include <cstdint>

#include "report.hpp"

namespace bench {

inline std::uint64_t item_count() { return smoke() ? 2'000 : 1'000'000; }
// Items that are worked on at a time; and about as many results may wait for the consumer
inline constexpr std::size_t in_flight = 100;

// The last step of splitmix64
constexpr std::uint64_t hash(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

// The work: an item's result after 0 to 3 yields, which let others overtake it.
template <class Yield>
std::uint64_t result_of(std::uint64_t item, Yield yield) {
    std::uint64_t const result = hash(item);
    for (std::uint64_t yields = result & 3; yields > 0; --yields) yield();
    return result;
}

// Takes each result in the order of the items.
class InOrder {
public:
    void operator()(std::uint64_t result) { require_equal(result, hash(taken_++)); }
    void finish(std::uint64_t items) const { require_equal(taken_, items); }

private:
    std::uint64_t taken_ = 0;
};

// Takes them as they come.
class AsTheyCome {
public:
    void operator()(std::uint64_t result) {
        sum_ += result;
        ++taken_;
    }
    void finish(std::uint64_t items) const {
        std::uint64_t expected = 0;
        for (std::uint64_t item = 0; item < items; ++item) expected += hash(item);
        require_equal(sum_, expected);
        require_equal(taken_, items);
    }

private:
    std::uint64_t sum_ = 0;
    std::uint64_t taken_ = 0;
};

// Times `run(items, consumer)`, which calls the consumer with the result of each item.
template <class Consumer, class F>
void time_results(benchmark::State& state, std::uint64_t items, F run) {
    for (auto _ : state) {
        Consumer consumer;
        run(items, consumer);
        state.PauseTiming();
        consumer.finish(items);
        state.ResumeTiming();
    }
    report(state, items);
}

} // namespace bench
