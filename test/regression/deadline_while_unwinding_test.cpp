#include <frond/frond.hpp>

#include <chrono>
#include <stdexcept>

#include <gtest/gtest.h>

namespace frond::test {
namespace {

// The walk along a fiber's scopes stopped at the first one that the exception in flight shields, and forgot
// the deadlines that it had met before that: those that the clean-up itself had set.
TEST(Deadline, OfCleanUpAppliesThoughAnExceptionShieldsItFromThoseAround) {
    struct CleanUp {
        bool* timed_out;
        ~CleanUp() {
            *timed_out = !move_on_after(std::chrono::nanoseconds{0}, [] { yield(); });
        }
    };
    bool timed_out = false;
    EXPECT_THROW(with_timeout(std::chrono::hours{1},
                              [&] {
                                  CleanUp const at_end{&timed_out};
                                  throw std::runtime_error("unwind");
                              }),
                 std::runtime_error);
    EXPECT_TRUE(timed_out);
}

} // namespace
} // namespace frond::test
