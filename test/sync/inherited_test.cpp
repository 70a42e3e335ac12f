#include <frond/sync/inherited.hpp>

#include "support/lives.hpp"

#include <frond/frond.hpp>
#include <frond/sync/local.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

using frond::Group;
using frond::Inherited;
using frond::test::Lives;
using frond::test::Mortal;
using namespace std::chrono_literals;

TEST(Inherited, ChildrenBeginWithWhatTheirSpawnerHadAtTheSpawn) {
    Inherited<std::string> request{"none"};
    Group group;
    group.spawn([&request] { EXPECT_EQ(*request, "none"); });
    request.get() = "first";
    group.spawn([&request] { EXPECT_EQ(*request, "first"); });
    request.get() = "second";
    group.spawn([&request] { EXPECT_EQ(*request, "second"); });
    group.join();
    EXPECT_EQ(*request, "second");
    request.get() = "none";
}

TEST(Inherited, AChangeInAChildStaysThereAndGoesDown) {
    Inherited<int> depth{0};
    Group group;
    group.spawn([&] {
        *depth = 1;
        Group inner;
        inner.spawn([&] {
            EXPECT_EQ(*depth, 1);
            *depth = 2;
            Group innermost;
            innermost.spawn([&] { EXPECT_EQ(*depth, 2); });
            innermost.join();
        });
        inner.join();
        EXPECT_EQ(*depth, 1);
    });
    group.join();
    EXPECT_EQ(*depth, 0);
}

TEST(Inherited, EveryKindOfSpawnHandsItDown) {
    Inherited<int> value{0};
    frond::Pool pool{1};
    Group group;
    group.run([&] {
        *value = 5;
        auto const five = [&value] { EXPECT_EQ(*value, 5); };
        pool.spawn(five);
        pool.spawn({.name = "named"}, five);
        pool.spawn_after(1ms, five);
        pool.spawn_wait(five);
        pool.run(five);
        pool.join();
        EXPECT_TRUE(pool.try_spawn(five).has_value());
        pool.spawn([&value](std::stop_token const&) { EXPECT_EQ(*value, 5); });
        pool.join();
    });
}

TEST(Inherited, LocalsAreNotHandedDown) {
    Inherited<int> inherited{1};
    frond::Local<int> local;
    Group group;
    group.run([&] {
        *inherited = 2;
        *local = 2;
        group.spawn([&] {
            EXPECT_EQ(*inherited, 2);
            EXPECT_EQ(*local, 0);
        });
    });
    group.join();
}

TEST(Inherited, CopiesOfTasksThatNeverStartDieWithTheirCallables) {
    Lives lives;
    Inherited<std::optional<Mortal>> value;
    frond::Pool pool{1};
    Group group;
    group.run([&] {
        value->emplace(lives);
        frond::Task<void> never;
        {
            pool.spawn([] { frond::sleep_for(1h); });
            never = pool.spawn([] {});
            frond::yield();
            EXPECT_EQ(lives.alive(), 3);
            pool.cancel();
        }
        EXPECT_EQ(lives.alive(), 1) << "a handle does not keep them";
        EXPECT_EQ(never.state(), frond::TaskState::cancelled);
    });
    EXPECT_EQ(lives.alive(), 0);
}

TEST(Inherited, AFailingCopyFailsTheSpawnAndQueuesNothing) {
    struct Stubborn {
        bool fails = false;
        Stubborn() = default;
        Stubborn(Stubborn const& o) {
            if (o.fails) throw std::runtime_error{"no copy"};
        }
    };
    Lives lives;
    Inherited<Stubborn> value;
    Group group;
    group.run([&] {
        value->fails = true;
        Group inner;
        EXPECT_THROW(inner.spawn([mortal = Mortal{lives}] { ADD_FAILURE(); }), std::runtime_error);
        EXPECT_TRUE(inner.empty());
        inner.join();
    });
    EXPECT_EQ(lives.alive(), 0);
}

TEST(Inherited, GoesFromAPlainThreadToItsTasksElsewhere) {
    Inherited<std::string> value{"none"};
    Group group;
    std::thread other{[&] {
        *value = "from the thread";
        group.spawn([&value] { EXPECT_EQ(*value, "from the thread"); });
    }};
    other.join();
    group.join();
    EXPECT_EQ(*value, "none");
}

class InheritedThreads : public testing::TestWithParam<std::size_t> {};

TEST_P(InheritedThreads, GoesAlongWithStolenTasks) {
    Inherited<int> value{-1};
    frond::Runtime runtime{{.threads = GetParam()}};
    runtime.run([&] {
        Group group;
        for (int i = 0; i < 100; ++i) {
            *value = i;
            group.spawn([&, i] {
                EXPECT_EQ(*value, i);
                Group inner;
                for (int k = 0; k < 3; ++k)
                    inner.spawn([&, i] {
                        EXPECT_EQ(*value, i);
                        *value = -2;
                    });
                inner.join();
                EXPECT_EQ(*value, i);
            });
        }
        group.join();
    });
}

INSTANTIATE_TEST_SUITE_P(Threads, InheritedThreads, testing::Values(1, 2, 4));

} // namespace
