// exit: 0
// stdout: ^joined 10.main returns.$

#include <frond/frond.hpp>

#include <cstdio>

frond::Pool pool{3};

int main() {
    int done = 0;
    for (int i = 0; i < 10; ++i)
        pool.spawn([&done] {
            frond::yield();
            ++done;
        });
    pool.join();
    std::printf("joined %d\n", done);
    std::puts("main returns");
}
