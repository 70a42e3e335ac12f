#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace frond::inline v0::detail {

/// A number that one thread at a time changes and any thread may read, a little late. Plain loads and stores,
/// no locked instruction.
class Counter {
public:
    std::size_t get() const noexcept { return value_.load(std::memory_order_relaxed); }
    void set(std::size_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
    void operator++() noexcept { set(get() + 1); }
    void operator--() noexcept { set(get() - 1); }
    void raise_to(std::size_t n) noexcept {
        if (n > get()) set(n);
    }

private:
    std::atomic<std::size_t> value_{0};
};

/// A number that several threads change where a home is shared, and one thread elsewhere.
class Tally {
public:
    std::uint32_t get() const noexcept { return value_.load(std::memory_order_seq_cst); }
    void add(bool shared) noexcept {
        if (shared)
            value_.fetch_add(1, std::memory_order_seq_cst);
        else
            value_.store(value_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    void take(bool shared) noexcept {
        if (shared)
            value_.fetch_sub(1, std::memory_order_seq_cst);
        else
            value_.store(value_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint32_t> value_{0};
};

} // namespace frond::inline v0::detail
