#include "support/gate.hpp"

#include <frond/frond.hpp>

#include <stdexcept>

#include <gtest/gtest.h>

namespace frond::test {
namespace {

// A member that cancels the others spares itself. When one of them then fails, that error found the group
// cancelled already, and left the one who was spared alone.
TEST(Group, AnErrorCancelsTheMemberThatHasCancelledTheOthers) {
    Group group{{.on_error = OnError::cancel}};
    auto const failing = group.spawn([] {
        try {
            sleep_for(std::chrono::hours{1});
        } catch (Cancelled const&) {
            throw std::runtime_error("in clean-up");
        }
    });
    Gate third_may_end;
    group.spawn([&] {
        Shield const shield;
        third_may_end.pass();
    });
    auto const canceller = group.spawn([&] { group.cancel(); });
    while (!failing.ready()) yield();
    yield();
    EXPECT_EQ(canceller.state(), TaskState::cancelled);
    third_may_end.open();
    EXPECT_THROW(group.join(), std::runtime_error);
}

} // namespace
} // namespace frond::test
