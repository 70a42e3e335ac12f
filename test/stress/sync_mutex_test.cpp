#include <frond/sync/mutex.hpp>

#include "support/scale.hpp"
#include "support/sync_stress.hpp"

#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <mutex>
#include <thread>

using frond::Mutex;
using frond::test::scaled;
using frond::test::Whims;

namespace {

using MutexStress = frond::test::SyncStress;
INSTANTIATE_TEST_SUITE_P(, MutexStress, frond::test::stress_places(), frond::test::stress_place_name);

TEST_P(MutexStress, WhoeverGetsItHasItAloneAndGivesItBack) {
    Mutex mutex;
    std::size_t visits = 0; // plain: the mutex guards it
    std::atomic<std::size_t> promised{0};
    std::atomic<int> inside{0};
    auto const visit = [&](std::unique_lock<Mutex> const& lock, bool stays) {
        if (!lock) return;
        ++promised;
        EXPECT_EQ(++inside, 1);
        ++visits;
        if (stays) std::this_thread::yield();
        --inside;
    };
    auto const rounds = scaled(2'000);
    crowd([&](Whims& whims, unsigned) {
        for (std::size_t n = 0; n < rounds; ++n) {
            bool const stays = whims.below(3) == 0;
            switch (whims.below(3)) {
            case 0:
                visit(std::unique_lock{mutex}, stays);
                break;
            case 1:
                visit(std::unique_lock{mutex, whims.moment()}, stays);
                break;
            default:
                whims.cut_short([&] {
                    std::unique_lock const lock{mutex};
                    visit(lock, stays);
                    frond::yield(); // others queue up; cancelled by now or not
                });
            }
        }
    });
    EXPECT_EQ(visits, promised);
    EXPECT_TRUE(mutex.try_lock()) << "nobody has it any more";
    mutex.unlock();
}

TEST(Mutex, LastOwnerMayDestroyIt) {
    struct Shared {
        Mutex mutex;
        int users = 2;
        static void leave(Shared* s) {
            std::unique_lock lock{s->mutex};
            bool const last = --s->users == 0;
            lock.unlock();
            if (last) delete s;
        }
    };
    for (std::size_t n = 0; n < scaled(1'000); ++n) {
        auto* const shared = new Shared;
        std::thread other{[shared] { Shared::leave(shared); }};
        Shared::leave(shared);
        other.join();
    }
}

} // namespace
