#include "support/gate.hpp"

#include <frond/frond.hpp>

#include <gtest/gtest.h>

#include <chrono>

namespace frond::test {
namespace {

using namespace std::chrono_literals;

// What is spawned into a group that is being dropped ends cancelled, also if it was to start later: the join
// would wait for its time.
TEST(SpawnAfter, IntoAGroupThatIsBeingDroppedEndsAtOnce) {
    Group group{{.on_error = OnError::cancel}};
    Gate gate;
    group.spawn([&] { gate.pass(); });
    group.spawn([] { throw 7; });
    yield();
    bool ran = false;
    auto const late = group.spawn_after(1h, [&] { ran = true; });
    gate.open();
    EXPECT_THROW(group.join(), int);
    EXPECT_EQ(late.state(), TaskState::cancelled);
    EXPECT_FALSE(ran);
}

} // namespace
} // namespace frond::test
