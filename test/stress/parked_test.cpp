#include "scheduler/stack_arena.hpp"
#include "support/scale.hpp"

#include <frond/frond.hpp>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include <unistd.h>

namespace frond {
namespace {

using namespace std::chrono_literals;

constexpr bool sanitized = detail::under_address_sanitizer || detail::under_thread_sanitizer;

std::size_t resident_bytes() {
    std::ifstream file("/proc/self/statm");
    std::size_t size = 0;
    std::size_t resident = 0;
    file >> size >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t mapping_limit() {
    std::ifstream file("/proc/sys/vm/max_map_count");
    std::size_t n = 0;
    file >> n;
    return n;
}

std::size_t mapping_count() {
    std::ifstream maps("/proc/self/maps");
    std::size_t lines = 0;
    for (std::string line; std::getline(maps, line);) ++lines;
    return lines;
}

// A million fibers wait at once, each with a guarded stack, in far fewer mappings than the kernel allows.
TEST(Parked, AMillionFibersWaitGuardedAndGiveTheirMemoryBack) {
    // A sanitizer keeps a shadow of each stack; it still has to manage thousands.
    auto const count = test::scaled(sanitized ? 20'000 : 1'000'000);
    auto const resident_before = resident_bytes();
    std::size_t arrived = 0;
    std::size_t resident_parked = 0;
    std::size_t mappings = 0;
    Stats parked{};
    {
        Group group;
        Pool gate{1};
        // Everybody waits for the same task, which itself waits until all have arrived.
        auto const last = gate.spawn([&] {
            while (arrived < count) yield();
            resident_parked = resident_bytes();
            parked = stats();
            mappings = mapping_count();
        });
        for (std::size_t i = 0; i < count; ++i)
            group.spawn([&] {
                ++arrived;
                last.wait();
                --arrived;
            });
        group.join();
    }
    EXPECT_EQ(arrived, 0U);
    EXPECT_GE(parked.stacks_in_use, count);
    EXPECT_EQ(parked.unguarded, 0U);
    EXPECT_GE(parked.guarded_by_madvise + parked.guarded_by_mprotect, count);
    EXPECT_TRUE(parked.guard != StackGuard::madvise || mappings < mapping_limit() / 10) << mappings;
    auto const each = (resident_parked - resident_before) / count;
    std::printf("%zu fibers parked: %zu bytes of resident memory each\n", count, each);
#ifdef __OPTIMIZE__
    const std::size_t most = 4'600; // one page of stack and what we keep about it
#else
    const std::size_t most = 9'200; // unoptimised frames need a second page
#endif
    EXPECT_TRUE(sanitized || count < 10'000 || each <= most) << "a waiting fiber costs too much";

    // Idle stacks go after a while, half of them every 100 ms; what remains is a fraction.
    for (int i = 0; i < 300 && stats().stacks_in_use > 1'000; ++i) sleep_for(20ms);
    EXPECT_LE(stats().stacks_in_use, 1'000U);
    auto const resident_after = resident_bytes();
    std::printf("resident: %zu MiB before, %zu MiB parked, %zu MiB afterwards\n", resident_before >> 20,
                resident_parked >> 20, resident_after >> 20);
    bool const given_back = resident_after < resident_before + (resident_parked - resident_before) / 4;
    EXPECT_TRUE(sanitized || count < 100'000 || given_back);
}

} // namespace
} // namespace frond
