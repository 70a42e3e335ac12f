#pragma once

#include <atomic>

namespace frond::test {

/// How many `Mortal`s were born and died, by whatever way.
struct Lives {
    std::atomic<int> born{0};
    std::atomic<int> died{0};
    int alive() const { return born - died; }
};

/// Captured by a callable or kept in a result, it tells whether each copy was destroyed exactly once.
class Mortal {
public:
    explicit Mortal(Lives& lives) : lives_{&lives} { ++lives_->born; }
    Mortal(Mortal const& other) : lives_{other.lives_} { ++lives_->born; }
    Mortal& operator=(Mortal const&) = default;
    ~Mortal() { ++lives_->died; }

private:
    Lives* lives_;
};

} // namespace frond::test
