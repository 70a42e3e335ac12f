// lock: what a mutex costs whose holder is alone, and one for which two fibers of a thread take turns.
#pragma once

#include <cstdint>

#include "../report.hpp"

namespace bench {

// Case `alone`: this many times lock and unlock, by one fiber.
// Case `in_turn`: the same shared by two fibers, each of which lets the other go on while it holds the lock.
inline std::uint64_t lock_count() { return smoke() ? 2'000 : 2'000'000; }

template <class Mutex>
void lock_alone(benchmark::State& state, Mutex& mutex) {
    for (auto _ : state) {
        std::uint64_t times = 0;
        for (std::uint64_t i = 0; i < lock_count(); ++i) {
            mutex.lock();
            benchmark::DoNotOptimize(++times);
            mutex.unlock();
        }
        require_equal(times, lock_count());
    }
    report(state, lock_count());
}

// What each of the two fibers does
template <class Mutex, class Yield>
void lock_in_turn(Mutex& mutex, std::uint64_t& times, Yield yield) {
    for (std::uint64_t i = 0; i < lock_count() / 2; ++i) {
        mutex.lock();
        std::uint64_t const before = times;
        yield();
        times = before + 1;
        mutex.unlock();
    }
}

// Times `both(times)`, which has two fibers do that.
template <class F>
void time_in_turn(benchmark::State& state, F both) {
    for (auto _ : state) {
        std::uint64_t times = 0;
        both(times);
        require_equal(times, lock_count());
    }
    report(state, lock_count());
}

} // namespace bench
