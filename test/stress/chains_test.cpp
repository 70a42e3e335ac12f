// Nesting at its tightest: waits that need the slots of those who wait, and chains of tasks that spawn
// themselves anew.

#include "support/scale.hpp"

#include <frond/frond.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

namespace frond {
namespace {

struct AtCapOne : testing::Test {
    ~AtCapOne() override {
        pool.join();
        EXPECT_EQ(pool.stats().active_peak, 1U);
        EXPECT_EQ(pool.stats().overdraft_peak, 0U);
    }
    Pool pool{1};
};

TEST_F(AtCapOne, AWaitsForBThatWaitsForAnA) {
    Pool other{1};
    auto a =
        pool.spawn([&] { return other.spawn([&] { return pool.spawn([] { return 3; }).get(); }).get(); });
    EXPECT_EQ(a.get(), 3);
    EXPECT_EQ(other.stats().overdraft_peak, 0U);
}

TEST_F(AtCapOne, AWaitsForAnUncappedTaskThatWaitsForAnA) {
    Group uncapped;
    auto a =
        pool.spawn([&] { return uncapped.spawn([&] { return pool.spawn([] { return 3; }).get(); }).get(); });
    EXPECT_EQ(a.get(), 3);
}

// The holder comes to wait when what it waits for has long been waiting in turn.
TEST_F(AtCapOne, TheWaitAtTheTopBeginsLast) {
    auto a = pool.spawn([&] {
        Group uncapped;
        auto u = uncapped.spawn([&] { return pool.spawn([] { return 3; }).get(); });
        while (u.state() != TaskState::waiting) yield();
        return u.get();
    });
    EXPECT_EQ(a.get(), 3);
}

TEST_F(AtCapOne, TheWaitInTheMiddleBeginsLast) {
    auto a = pool.spawn([&] {
        Group uncapped;
        auto inner = uncapped.spawn([&] { return pool.spawn([] { return 3; }).get(); });
        auto outer = uncapped.spawn([&] {
            while (inner.state() != TaskState::waiting) yield();
            return inner.get();
        });
        return outer.get();
    });
    EXPECT_EQ(a.get(), 3);
}

TEST_F(AtCapOne, ManyWaitsBelowADestructor) {
    auto a = pool.spawn([&] {
        Task<int> far;
        {
            Group uncapped;
            uncapped.spawn([&] {
                Group inner;
                inner.spawn([&] { far = pool.spawn([] { return 3; }); }).get();
            });
        }
        return far.get();
    });
    EXPECT_EQ(a.get(), 3);
}

TEST_F(AtCapOne, DelayedTaskThatIsAwaitedBeforeItsTime) {
    auto a =
        pool.spawn([&] { return pool.spawn_after(std::chrono::milliseconds{1}, [] { return 3; }).get(); });
    EXPECT_EQ(a.get(), 3);
}

TEST_F(AtCapOne, TwoKindsOfQueuedTasksBelowOneWait) {
    // Below the join one task waits for the pool, another is queued in a second pool whose only slot waits
    // above.
    Pool second{1};
    auto top = second.spawn([&] {
        auto a = pool.spawn([&] {
            Group mixed{second};
            mixed.spawn([&] { return pool.spawn([] { return 1; }).get(); });
            mixed.spawn([] {});
            mixed.join();
            return 3;
        });
        return a.get();
    });
    EXPECT_EQ(top.get(), 3);
    second.join();
    EXPECT_EQ(second.stats().overdraft_peak, 0U);
}

TEST_F(AtCapOne, DeepChainsThroughUncappedGroupsAndSeveralPools) {
    Pool b{2};
    Pool c{100};
    std::function<int(int)> nest = [&](int depth) {
        if (depth == 0) return 0;
        Group uncapped;
        return uncapped
            .spawn([&, depth] {
                return pool
                    .spawn([&, depth] {
                        Group in_b{b};
                        return in_b
                            .spawn([&, depth] {
                                return c.spawn([&, depth] { return nest(depth - 1) + 1; }).get();
                            })
                            .get();
                    })
                    .get();
            })
            .get();
    };
    EXPECT_EQ(nest(50), 50);
    EXPECT_EQ(b.stats().overdraft_peak, 0U);
    EXPECT_LE(b.stats().active_peak, 2U);
}

// An uncapped task spawns into the full pool of the member that waits for it.
TEST(Backlog, LendsTheSlotOfWhoWaitsForTheSpawner) {
    Pool pool{PoolOptions{.limit = 1, .max_pending = 1}};
    int done = 0;
    auto a = pool.spawn([&] {
        Group uncapped;
        uncapped.spawn([&] {
            for (int i = 0; i < 5; ++i) pool.spawn([&] { ++done; });
        });
        uncapped.join();
    });
    a.get();
    pool.join();
    EXPECT_EQ(done, 5);
    EXPECT_LE(pool.stats().pending_peak, 1U);
}

/// A chain of `length` tasks, each spawned by the one before, that writes its name at every link.
class Chain {
public:
    Chain(Group& group, char name, std::size_t length, std::vector<char>& log)
        : group_{group}, name_{name}, left_{length}, log_{log} {
        group_.spawn([this] { link(); });
    }

private:
    void link() {
        log_.push_back(name_);
        if (--left_ > 0) group_.spawn([this] { link(); });
    }
    Group& group_;
    char const name_;
    std::size_t left_;
    std::vector<char>& log_;
};

/// The longest stretch in which one chain ran alone while the other was not over.
std::size_t longest_stretch(std::vector<char> const& log) {
    std::size_t longest = 0;
    std::size_t now = 0;
    std::size_t remaining[2] = {};
    for (char const c : log) ++remaining[c == 'b'];
    char last = 0;
    for (char const c : log) {
        now = c == last ? now + 1 : 1;
        last = c;
        --remaining[c == 'b'];
        if (remaining[c != 'b'] > 0) longest = std::max(longest, now);
    }
    return longest;
}

TEST(Chains, AlternateInOneGroupOfAPool) {
    Pool pool{1};
    std::vector<char> log;
    Chain const a{pool, 'a', 1000, log};
    Chain const b{pool, 'b', 1000, log};
    pool.join();
    EXPECT_EQ(longest_stretch(log), 1U);
}

TEST(Chains, AlternateInTwoGroupsOfOnePool) {
    Pool pool{1};
    Group first{pool};
    Group second{pool};
    std::vector<char> log;
    Chain const a{first, 'a', 1000, log};
    Chain const b{second, 'b', 1000, log};
    first.join();
    second.join();
    EXPECT_EQ(longest_stretch(log), 1U);
}

// Without a pool children go before older work, and every 61st start takes the oldest.
TEST(Chains, BothAdvanceWithoutAPool) {
    Group group;
    std::vector<char> log;
    Chain const a{group, 'a', 100'000, log};
    Chain const b{group, 'b', 100'000, log};
    group.join();
    EXPECT_EQ(log.size(), 200'000U);
    EXPECT_LE(longest_stretch(log), 1'000U);
}

TEST(Chains, AMillionLinksDoNotHoldUpANeighbour) {
    Group group;
    std::vector<char> log;
    auto const length = test::scaled(1'000'000);
    log.reserve(length);
    std::size_t seen_by_starter = 0;
    std::size_t seen_by_yielder = 0;
    Chain const chain{group, 'a', length, log};
    group.spawn([&] {
        for (int i = 0; i < 10; ++i) yield();
        seen_by_yielder = log.size();
    });
    group.spawn([&] { seen_by_starter = log.size(); });
    group.join();
    EXPECT_EQ(log.size(), length);
    EXPECT_LE(seen_by_starter, 1'000U);
    EXPECT_LE(seen_by_yielder, 20'000U);
    EXPECT_LT(stats().stacks_in_use, 1'000U) << "a chain needs no stacks";
}

} // namespace
} // namespace frond
