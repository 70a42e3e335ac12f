#include "scheduler/node_memory.hpp"

#include "scheduler/stack_arena.hpp"
#include "support/scale.hpp"

#include <frond/detail/task_node.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace frond::detail {
namespace {

TaskOps ops_for(std::size_t size, std::size_t align = 16) {
    return {.run = nullptr,
            .drop_callable = nullptr,
            .drop_result = nullptr,
            .size = static_cast<std::uint32_t>(size),
            .align = static_cast<std::uint16_t>(align),
            .memory_class = node_class(size, align)};
}

bool is_aligned(void const* p, std::size_t align) { return reinterpret_cast<std::uintptr_t>(p) % align == 0; }

TEST(NodeMemory, PutsSizesIntoTheSmallestClassThatHoldsThem) {
    EXPECT_EQ(node_class(1, 8), 0);
    EXPECT_EQ(node_class(node_step, 8), 0);
    EXPECT_EQ(node_class(node_step + 1, 8), 1);
    EXPECT_EQ(node_class(node_step * node_classes, 8), node_classes - 1);
    EXPECT_EQ(node_class(node_step * node_classes + 1, 8), node_classes) << "too large: operator new";
    EXPECT_EQ(node_class(64, 2 * node_step), node_classes) << "over-aligned: operator new";
}

TEST(NodeMemory, NodesOfEverySizeAreAlignedAndApart) {
    for (std::size_t const size : {1U, 16U, 17U, 100U, 128U, 511U, 512U, 513U, 5000U}) {
        auto const ops = ops_for(size);
        std::vector<char*> nodes;
        for (int i = 0; i < 600; ++i) {
            auto* const p = static_cast<char*>(allocate_node(ops));
            ASSERT_TRUE(is_aligned(p, 16)) << size;
            std::memset(p, i % 251, size);
            nodes.push_back(p);
        }
        for (int i = 0; i < 600; ++i) {
            auto const* const p = nodes[static_cast<std::size_t>(i)];
            ASSERT_TRUE(std::all_of(p, p + size, [&](char c) { return c == static_cast<char>(i % 251); }))
                << size;
        }
        for (auto* const p : nodes) free_node(p, ops);
    }
}

TEST(NodeMemory, KeepsLargeAlignments) {
    for (std::size_t const align : {32U, 64U, 256U}) {
        auto const ops = ops_for(200, align);
        auto* const p = allocate_node(ops);
        EXPECT_TRUE(is_aligned(p, align));
        free_node(p, ops);
    }
}

TEST(NodeMemory, ReusesTheNodeFreedLast) {
    if (under_address_sanitizer || under_thread_sanitizer) return; // malloc serves there
    auto const ops = ops_for(96);
    auto* const p = allocate_node(ops);
    free_node(p, ops);
    EXPECT_EQ(allocate_node(ops), p);
    free_node(p, ops);
}

// Made here and freed there, by the thousand: a cache that kept what it got would grow without end.
TEST(NodeMemory, NodesFreedOnAnotherThreadComeBack) {
    auto const ops = ops_for(112);
    std::vector<void*> seen;
    std::size_t const rounds = test::scaled(100);
    constexpr std::size_t count = 1000;
    for (std::size_t r = 0; r < rounds; ++r) {
        std::vector<void*> nodes(count);
        for (auto& n : nodes) n = allocate_node(ops);
        seen.insert(seen.end(), nodes.begin(), nodes.end());
        std::thread{[&] {
            for (auto* const n : nodes) free_node(n, ops);
            release_node_cache();
        }}.join();
    }
    if (under_address_sanitizer || under_thread_sanitizer) return;
    std::sort(seen.begin(), seen.end());
    seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
    EXPECT_LT(seen.size(), 4 * count);
}

TEST(NodeMemory, ThreadsThatExchangeNodesNeverShareOne) {
    auto const ops = ops_for(64);
    std::size_t const rounds = test::scaled(200'000);
    std::vector<std::thread> threads;
    for (char mark = 1; mark <= 3; ++mark) {
        threads.emplace_back([&, mark] {
            std::vector<char*> mine;
            for (std::size_t i = 0; i < rounds; ++i) {
                if (i % 3 != 2) {
                    mine.push_back(static_cast<char*>(allocate_node(ops)));
                    std::memset(mine.back(), mark, 64);
                } else {
                    auto* const p = mine.back();
                    mine.pop_back();
                    ASSERT_TRUE(std::all_of(p, p + 64, [&](char c) { return c == mark; }));
                    free_node(p, ops);
                }
            }
            for (auto* const p : mine) free_node(p, ops);
            release_node_cache();
        });
    }
    for (auto& t : threads) t.join();
}

} // namespace
} // namespace frond::detail
