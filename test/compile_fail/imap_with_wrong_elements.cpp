// expect: imap: f cannot be called with the input's elements
#include <frond/group.hpp>

#include <string>
#include <vector>

int main() {
    frond::Group group;
    group.imap(std::vector<int>{1, 2}, [](std::string const& text) { return text.size(); });
}
