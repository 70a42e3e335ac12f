#pragma once

#include "support/model_program.hpp"
#include "support/parallel_dice.hpp"

#include <cstdint>
#include <iosfwd>

namespace frond::test {

/// What comes on top of the single-threaded program.
struct Extras {
    enum class Driver : std::uint8_t { task, plain_thread, fiber_elsewhere };

    explicit Extras(Program const& p);

    /// Whether the task is no task of the runtime: the main one may be driven from elsewhere.
    bool is_outside(std::uint32_t task) const { return task == 0 && driver != Driver::task; }

    Dice dice;
    Driver driver;
    std::uint32_t observers;
    bool resizes;
    bool bounded;
    bool closes;
};

std::ostream& operator<<(std::ostream& out, Extras const& extras);

} // namespace frond::test
