#include <frond/frond.hpp>

#include <array>
#include <iostream>

namespace {

// Recursion with a frame of a KiB and more.
std::size_t depth_reached(std::size_t levels) {
    std::array<char volatile, 1024> frame;
    frame[0] = 1;
    if (levels == 0) return 0;
    return depth_reached(levels - 1) + static_cast<std::size_t>(frame[0]);
}

} // namespace

int main() {
    frond::Group group;
    // 500 levels are more than the default stack of 64 KiB can hold.
    auto deep = group.spawn({.name = "deep", .stack = 1024 * 1024}, [] { return depth_reached(500); });
    std::cout << deep.get() << " levels deep\n";
    auto const stats = frond::stats();
    std::cout << "every stack is guarded: " << std::boolalpha << (stats.unguarded == 0) << '\n';
}
