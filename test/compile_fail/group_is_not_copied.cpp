// expect: use of deleted function|call to deleted constructor
#include <frond/group.hpp>

int main() {
    frond::Group group;
    frond::Group copy{group};
}
