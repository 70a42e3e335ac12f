// exit: 0
// stdout: ^5 tasks.static destroyed.$

#include <frond/frond.hpp>

#include <cstdio>

namespace {

struct Static {
    ~Static() { std::puts("static destroyed"); }
} last;

} // namespace

int main() {
    int done = 0;
    frond::Group group;
    for (int i = 0; i < 5; ++i)
        group.spawn([&done] {
            frond::yield();
            ++done;
        });
    group.join();
    std::printf("%d tasks\n", done);
}
