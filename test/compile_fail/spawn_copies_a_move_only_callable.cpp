// expect: constraints not satisfied|no matching member function
#include <frond/group.hpp>

#include <memory>

int main() {
    frond::Group group;
    auto callable = [p = std::make_unique<int>(1)] { return *p; };
    group.spawn(callable); // needs std::move
}
