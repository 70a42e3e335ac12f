// A fiber of the user's own that starts at once, without the scheduler having picked it, and waits in frond.

#include <frond/group.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <boost/fiber/fiber.hpp>
#include <boost/fiber/policy.hpp>

#include <chrono>

using namespace std::chrono_literals;

namespace {

TEST(DispatchedGuest, MayWaitBeforeItHasEverGivenWay) {
    frond::Group group;
    auto task = group.spawn([] {
        auto const own_id = frond::this_task::id();
        bool waited = false;
        boost::fibers::fiber guest{boost::fibers::launch::dispatch, [&] {
                                       EXPECT_EQ(frond::this_task::id(), 0u);
                                       frond::sleep_for(1ms);
                                       waited = true;
                                   }};
        EXPECT_EQ(frond::this_task::id(), own_id);
        guest.join();
        return waited;
    });
    EXPECT_TRUE(task.get());
}

} // namespace
