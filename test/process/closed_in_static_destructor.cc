// exit: 0
// stdout: ^main returns.Closed Closed.$

#include <frond/frond.hpp>

#include <cstdio>

namespace {

template <class F>
char const* outcome(F&& f) {
    try {
        f();
    } catch (frond::Closed const&) {
        return "Closed";
    }
    return "nothing";
}

frond::Pool* pool = nullptr;

// Made before the first use of frond, so destroyed after the main thread's scheduler has ended.
struct Late {
    ~Late() {
        std::printf("%s", outcome([] { pool->spawn([] {}); }));
        std::printf(" %s\n", outcome([] { frond::Group group; }));
    }
} late;

} // namespace

int main() {
    static frond::Pool own{2};
    pool = &own;
    own.spawn([] {});
    own.join();
    // A pointer to a pool that outlives everything: static storage that is never destroyed.
    pool = new frond::Pool{2};
    std::puts("main returns");
}
