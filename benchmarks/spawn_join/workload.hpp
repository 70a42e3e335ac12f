// spawn_join: one parent starts no-op tasks and waits for all of them.
#pragma once

#include <cstdint>

#include "../report.hpp"

namespace bench {

// Case `once`: this many tasks, then one join.
inline std::uint64_t task_count() { return smoke() ? 10'000 : 1'000'000; }

// Case `batches`: the same number in batches, each joined; one more batch before the clock starts warms up.
inline constexpr std::uint64_t batch_count = 100;
inline std::uint64_t batch_size() { return task_count() / batch_count; }

// Times both cases for `spawn_and_join(n)`, which returns how many tasks ran.
template <class F>
void time_once(benchmark::State& state, F spawn_and_join) {
    for (auto _ : state) require_equal(spawn_and_join(task_count()), task_count());
    report(state, task_count());
}

template <class F>
void time_batches(benchmark::State& state, F spawn_and_join) {
    require_equal(spawn_and_join(batch_size()), batch_size());
    for (auto _ : state)
        for (std::uint64_t batch = 0; batch < batch_count; ++batch)
            require_equal(spawn_and_join(batch_size()), batch_size());
    report(state, batch_count * batch_size());
}

} // namespace bench
