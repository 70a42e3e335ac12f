#include "support/parallel_extras.hpp"

#include <ostream>

namespace frond::test {

Extras::Extras(Program const& p) : dice{p.seed} {
    auto const who = dice.below(10, Dice::driver);
    driver = who < 6 ? Driver::task : who < 8 ? Driver::plain_thread : Driver::fiber_elsewhere;
    observers = dice.chance(30, Dice::observers) ? 1 + dice.below(2, Dice::observers, 1) : 0;
    resizes = dice.chance(30, Dice::resizes);
    bounded = dice.chance(25, Dice::bounded);
    closes = dice.chance(10, Dice::closes);
}

std::ostream& operator<<(std::ostream& out, Extras const& extras) {
    return out << "driven by "
               << (extras.driver == Extras::Driver::task           ? "a task"
                   : extras.driver == Extras::Driver::plain_thread ? "a plain thread"
                                                                   : "a fiber of another runtime")
               << ", " << extras.observers << " observers" << (extras.resizes ? ", resizes" : "")
               << (extras.bounded ? ", bounded backlogs" : "") << (extras.closes ? ", closes pools" : "");
}

} // namespace frond::test
