#pragma once

#include <stdexcept>

namespace frond::test {

/// Its moves, or its copies, may throw.
class Touchy {
public:
    explicit Touchy(int value) : value_{value} {}
    Touchy(Touchy&& other) : value_{other.value_} { throw_if(other.throws_moving); }
    Touchy(Touchy const& other) : value_{other.value_} { throw_if(other.throws_copying); }
    Touchy& operator=(Touchy const&) = default;
    ~Touchy() = default;
    int value() const { return value_; }

    bool throws_moving = false;
    bool throws_copying = false;

private:
    static void throw_if(bool condition) {
        if (condition) throw std::domain_error{"touched"};
    }
    int value_;
};

} // namespace frond::test
