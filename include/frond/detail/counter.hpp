#pragma once

#include <atomic>
#include <cstddef>

namespace frond::inline v0::detail {

/// A number that one thread changes and any thread may read, a little late. Plain loads and stores, no locked
/// instruction.
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

} // namespace frond::inline v0::detail
