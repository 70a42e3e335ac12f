// expect: MakesItem
#include <frond/bag.hpp>

#include <string>

int main() {
    frond::Bag<int> bag;
    bag.spawn([] { return std::string{"text"}; });
}
