// exit: 0
// stdout: ^main returns.$

#include <frond/frond.hpp>

#include <cstdio>

frond::Runtime runtime{{.threads = 2}};

int main() { std::puts("main returns"); }
