#pragma once

#include <frond/duration.hpp>

#include <chrono>

namespace frond::test {

/// Keeps its thread busy for @p d, where `sleep_for` would let others have it.
inline void compute(std::chrono::microseconds d) {
    auto const end = Clock::now() + d;
    while (Clock::now() < end) {
    }
}

} // namespace frond::test
