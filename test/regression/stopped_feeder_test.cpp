#include <frond/frond.hpp>

#include <ranges>

#include <gtest/gtest.h>

namespace frond::test {
namespace {

// What a stopped stream spawns ends at once, so its feeder found room after room, and read 255 elements
// before it noticed.
TEST(Stream, ReadsNothingMoreOnceItIsStoppedAlthoughThereIsRoom) {
    Pool pool{4};
    int read = 0;
    int before = 0;
    {
        auto const numbers =
            std::views::iota(1) | std::views::transform([&read](int n) { return ++read, n; });
        auto const call = [](int n) {
            yield();
            return n;
        };
        auto stream = pool.imap(numbers, call, {.limit = 4, .buffer = 8});
        for (int i = 0; i < 7; ++i)
            stream.next(); // the last one makes room, of which the feeder is just told
        before = read;
    }
    EXPECT_EQ(read, before);
}

} // namespace
} // namespace frond::test
