#include <frond/sync/semaphore.hpp>

#include "support/scale.hpp"
#include "support/sync_stress.hpp"

#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>

using frond::Semaphore;
using frond::test::scaled;
using frond::test::Whims;

namespace {

constexpr unsigned capacity = 4;

/// Has acquired `n` permits, and gives them back, also when cancelled meanwhile.
class Visit {
public:
    Visit(Semaphore& permits, std::atomic<unsigned>& taken, unsigned n)
        : permits_{permits}, taken_{taken}, n_{n} {
        EXPECT_LE(taken_ += n_, capacity);
    }
    Visit(Visit const&) = delete;
    Visit& operator=(Visit const&) = delete;
    ~Visit() {
        taken_ -= n_;
        permits_.release(n_);
    }

private:
    Semaphore& permits_;
    std::atomic<unsigned>& taken_;
    unsigned n_;
};

using SemaphoreStress = frond::test::SyncStress;
INSTANTIATE_TEST_SUITE_P(, SemaphoreStress, frond::test::stress_places(), frond::test::stress_place_name);

TEST_P(SemaphoreStress, PermitsAddUpHoweverWaitsEnd) {
    Semaphore permits{capacity};
    std::atomic<unsigned> taken{0};
    auto const rounds = scaled(1'000);
    crowd([&](Whims& whims, unsigned) {
        for (std::size_t n = 0; n < rounds; ++n) {
            auto const k = 1 + whims.below(capacity);
            switch (whims.below(3)) {
            case 0: {
                permits.acquire(k);
                Visit const visit{permits, taken, k};
                frond::yield();
                break;
            }
            case 1:
                if (permits.try_acquire_for(whims.moment(), k)) {
                    Visit const visit{permits, taken, k};
                    whims.dawdle();
                }
                break;
            default:
                whims.cut_short([&permits, &taken, k] {
                    permits.acquire(k);
                    Visit const visit{permits, taken, k};
                    frond::yield();
                });
            }
        }
    });
    EXPECT_EQ(permits.available(), capacity);
    EXPECT_TRUE(permits.try_acquire(capacity)) << "nobody is left in the queue";
}

} // namespace
