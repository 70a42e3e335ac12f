#pragma once

#include <cstddef>
#include <cstdlib>

namespace frond::test {

/// @p n at full scale; FROND_TEST_SCALE (percent, default 100) shrinks or grows it, so that slow builds keep
/// within their time limits. Never less than 1.
inline std::size_t scaled(std::size_t n) {
    static std::size_t const percent = [] {
        char const* text = std::getenv("FROND_TEST_SCALE");
        unsigned long const given = text != nullptr ? std::strtoul(text, nullptr, 10) : 0;
        return given > 0 ? static_cast<std::size_t>(given) : std::size_t{100};
    }();
    std::size_t const result = n / 100 * percent + n % 100 * percent / 100;
    return result > 0 ? result : 1;
}

} // namespace frond::test
