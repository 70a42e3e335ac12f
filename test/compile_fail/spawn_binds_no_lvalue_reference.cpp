// expect: constraints not satisfied|no matching member function
#include <frond/group.hpp>

// Arguments are decay-copied and passed as rvalues: a reference needs std::ref, as with std::thread.
int main() {
    frond::Group group;
    int n = 0;
    group.spawn({}, [](int& m) { ++m; }, n);
}
