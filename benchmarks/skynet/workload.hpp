// skynet: a task starts ten children and waits for them, six levels deep; the million leaves return their
// numbers, every other task the sum of its children's.
#pragma once

#include <cstdint>

#include "../report.hpp"

namespace bench {

inline constexpr std::uint64_t children_per_task = 10;

inline std::uint64_t leaf_count() { return smoke() ? 1'000 : 1'000'000; }

// Leaves, their parents, … and the root: 1,111,111.
inline std::uint64_t task_count() { return (leaf_count() * children_per_task - 1) / (children_per_task - 1); }

// Times `sum_of_leaves(n)`, which returns what the root task returned.
template <class F>
void time_skynet(benchmark::State& state, F sum_of_leaves) {
    std::uint64_t const expected = leaf_count() * (leaf_count() - 1) / 2; // 499,999,500,000
    for (auto _ : state) require_equal(sum_of_leaves(leaf_count()), expected);
    report(state, task_count());
}

} // namespace bench
