// expect: constraints not satisfied|no matching member function
#include <frond/group.hpp>

int main() {
    frond::Group group;
    group.spawn(42);
}
