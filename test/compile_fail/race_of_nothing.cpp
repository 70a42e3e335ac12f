// expect: constraints not satisfied|no matching function
#include <frond/race.hpp>

int main() { frond::race(); }
