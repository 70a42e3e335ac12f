// What a task costs while it waits to start.

#include <frond/detail/task_node.hpp>

#include "scheduler/stack_arena.hpp"
#include "support/scale.hpp"

#include <frond/diagnostics.hpp>
#include <frond/pool.hpp>

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <fstream>

using frond::Pool;
using frond::detail::CallableNode;
using frond::test::scaled;

namespace {

constexpr bool sanitized = frond::detail::under_address_sanitizer || frond::detail::under_thread_sanitizer;

std::size_t resident_bytes() {
    std::ifstream statm{"/proc/self/statm"};
    std::size_t total = 0;
    std::size_t resident = 0;
    statm >> total >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

TEST(TaskNode, OfANoOpTaskIsAtMost128Bytes) {
    auto no_op = [] {};
    EXPECT_LE(sizeof(CallableNode<void, decltype(no_op)>), 128U);
}

TEST(TaskNode, AMillionQueuedTasksTakeAtMost128BytesEachAndNoStack) {
    Pool pool{10};
    pool.run([] {});
    auto const stacks = frond::stats().stacks_in_use;
    std::size_t const n = scaled(1'000'000);
    auto const before = resident_bytes();
    std::size_t ran = 0;
    std::size_t most_stacks = 0;
    for (std::size_t i = 0; i < n; ++i)
        pool.spawn([&] {
            ++ran;
            most_stacks = std::max(most_stacks, frond::stats().stacks_in_use);
        });
    auto const after = resident_bytes();
    EXPECT_EQ(frond::stats().stacks_in_use, stacks);
    // A callable with two references takes 16 bytes more than a no-op; the rest is for rounding to pages.
    if (!sanitized) {
        EXPECT_LE(after - std::min(before, after), n * (128 + 16) + (1 << 20));
    }
    pool.join();
    EXPECT_EQ(ran, n);
    EXPECT_LE(most_stacks, stacks + 10);
}

} // namespace
