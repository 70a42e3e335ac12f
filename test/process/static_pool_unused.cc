// exit: 0
// stdout: ^main returns.$

#include <frond/frond.hpp>

#include <cstdio>

frond::Pool pool{3};
frond::Group group{pool};

int main() { std::puts("main returns"); }
