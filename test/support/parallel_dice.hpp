#pragma once

#include <cstdint>

namespace frond::test {

/// Draws that depend on nothing but the seed and the place in the program, whatever the schedule.
class Dice {
public:
    explicit Dice(std::uint64_t seed) : seed_{seed} {}

    enum Question : std::uint64_t {
        driver,
        observers,
        resizes,
        bounded,
        priorities,
        pinned,
        delayed,
        delay,
        dropped_handle,
        extra,
        how_long,
        final_join,
        first_limit,
        backlog,
        closes
    };

    std::uint32_t below(std::uint32_t n, Question q, std::uint64_t a = 0, std::uint64_t b = 0) const {
        auto x = seed_ * 0x9E3779B97F4A7C15U + q * 0xBF58476D1CE4E5B9U + a * 0x94D049BB133111EBU +
                 b * 0xD6E8FEB86659FD93U;
        x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
        x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
        return static_cast<std::uint32_t>((x ^ (x >> 31U)) % n);
    }
    bool chance(unsigned percent, Question q, std::uint64_t a = 0, std::uint64_t b = 0) const {
        return below(100, q, a, b) < percent;
    }

private:
    std::uint64_t seed_;
};

} // namespace frond::test
