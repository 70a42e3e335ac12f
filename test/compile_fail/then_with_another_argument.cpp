// expect: constraints not satisfied|no matching member function
#include <frond/group.hpp>

#include <string>

int main() {
    frond::Group group;
    group.spawn([] { return 1; }).then([](std::string& text) { return text.size(); });
}
