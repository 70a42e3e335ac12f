// expect: no matching function for call|no matching constructor
#include <frond/pool.hpp>

int main() { frond::Pool pool{2.5}; }
