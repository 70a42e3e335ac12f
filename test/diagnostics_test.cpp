#include <frond/diagnostics.hpp>

#include "scheduler/stack_arena.hpp"
#include "support/gate.hpp"
#include "support/other_thread.hpp"
#include "support/scale.hpp"

#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <future>
#include <initializer_list>
#include <memory>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using frond::Group;
using frond::Pool;
using frond::test::Gate;
using frond::test::on_other_thread;
using frond::test::scaled;

namespace {

std::string dumped() {
    std::ostringstream out;
    frond::dump(out);
    return out.str();
}

/// The first line of the dump that holds `part`.
std::string line_with(std::string const& part) {
    std::istringstream lines{dumped()};
    for (std::string line; std::getline(lines, line);)
        if (line.find(part) != std::string::npos) return line;
    return "";
}

void expect_parts(std::string const& text, std::initializer_list<char const*> parts) {
    for (char const* part : parts)
        EXPECT_NE(text.find(part), std::string::npos) << part << " is not in\n" << text;
}

TEST(Dump, ShowsStateAgeAndSpawnSiteOfATask) {
    Pool pool{1};
    pool.spawn({.name = "first"}, [] {});
    pool.spawn({.name = "second"}, [] {});
    auto const later = pool.spawn_after(1ms, [] {});
    expect_parts(line_with("'first'"), {"runnable", "has a slot", "ms old", "diagnostics_test.cpp:"});
    expect_parts(line_with("'second'"), {"queued", "diagnostics_test.cpp:"});
    expect_parts(line_with("#" + std::to_string(later.id()) + ":"), {"delayed"});
    pool.join();
}

TEST(Dump, ShowsWhatATaskWaitsFor) {
    Pool pool{{.limit = 1, .name = "narrow"}};
    Group group{{.name = "waiters"}};
    Gate gate;
    auto const running = pool.spawn({.name = "running"}, [&gate] { gate.pass(); });
    group.spawn({.name = "getter"}, [&running] { running.wait(); });
    group.spawn({.name = "joiner"}, [&pool] { pool.join(); });
    auto const sleeper = group.spawn({.name = "sleeper"}, [] { frond::sleep_for(1h); });
    group.spawn({.name = "spawner"}, [&pool] { pool.spawn_wait([] {}); });
    group.spawn({.name = "watcher"}, [&pool] { pool.wait_available(1h); });
    frond::yield();
    expect_parts(line_with("'getter'"), {"waiting", "waits for task", "'running'"});
    expect_parts(line_with("'joiner'"), {"joins pool", "'narrow'"});
    expect_parts(line_with("'sleeper'"), {"sleeps"});
    expect_parts(line_with("'spawner'"), {"waits for a slot"});
    expect_parts(line_with("'watcher'"), {"free slot", "deadline"});
    gate.open();
    sleeper.cancel();
    group.join();
}

TEST(Dump, ShowsGroupsBelowTheTaskThatMadeThem) {
    Group outer{{.name = "outer"}};
    outer.run([] {
        Group inner{{.name = "inner"}};
        inner.run([] {
            auto const text = dumped();
            auto const column = [&text](char const* name) {
                auto const at = text.find(name);
                return at == std::string::npos
                           ? at
                           : text.find_first_not_of(' ', text.rfind('\n', at) + 1) - text.rfind('\n', at);
            };
            EXPECT_LT(text.find("'outer'"), text.find("'inner'"));
            EXPECT_LT(column("'outer'"), column("'inner'"));
        });
    });
}

TEST(Dump, ShowsCapAndCountsOfAPool) {
    Pool pool{{.limit = 2, .name = "crawl"}};
    Gate gate;
    for (int i = 0; i < 5; ++i) pool.spawn([&gate] { gate.pass(); });
    expect_parts(line_with("'crawl'"), {"limit 2", "active 2", "queued 3", "5 tasks"});
    gate.open();
    pool.join();
}

TEST(Dump, ShowsWhoHasLentItsSlot) {
    Pool pool{1};
    std::string line;
    pool.spawn({.name = "parent"}, [&] { pool.run([&line] { line = line_with("'parent'"); }); });
    pool.join();
    expect_parts(line, {"has lent its slot"});
}

TEST(Dump, ShowsUnseenErrorsAndClosedPools) {
    Pool pool{{.limit = 1, .name = "sick"}};
    pool.spawn([] { throw 1; });
    frond::yield();
    pool.close();
    expect_parts(line_with("'sick'"), {"1 unseen error", "closed"});
    pool.errors();
}

TEST(Dump, CutsLongListsShort) {
    Group group;
    for (int i = 0; i < 2000; ++i) group.spawn([] {});
    expect_parts(dumped(), {"1000 more"});
}

TEST(Dump, ShowsTheTasksOfOtherThreads) {
    Gate gate; // outlives the task that stands at it
    Group group{{.name = "at home"}};
    group.spawn({.name = "worker"}, [&gate] { gate.pass(); });
    expect_parts(on_other_thread(dumped), {"'at home'", "'worker'"});
    gate.open();
}

TEST(Dump, ShowsAHomeThatBlocksOutsideFrond) {
    Group group;
    std::thread other;
    std::promise<std::string> text;
    other = std::thread{[&text] { text.set_value(dumped()); }};
    EXPECT_NE(text.get_future().get().find("blocks outside frond"),
              std::string::npos); // as this thread does here
    other.join();
}

TEST(Dump, CanBeCalledFromATask) {
    Group group;
    EXPECT_NE(group.run(dumped), "");
}

// --- stats -------------------------------------------------------------------------------------------------

TEST(Stats, CountThreadsThatUseFrond) {
    frond::yield();
    auto const before = frond::stats().homes;
    on_other_thread([&] {
        frond::yield();
        EXPECT_EQ(frond::stats().homes, before + 1);
    });
    EXPECT_GE(before, 1U);
}

TEST(Stats, TellHowStacksAreGuarded) {
    Group{}.run([] {});
    auto const stats = frond::stats();
    EXPECT_NE(stats.guard, frond::StackGuard::none_yet);
    EXPECT_GT(stats.stack_bytes_reserved, 0U);
    EXPECT_EQ(stats.guarded_by_madvise + stats.guarded_by_mprotect + stats.unguarded,
              stats.stacks_in_use + stats.stacks_cached);
}

TEST(Stats, FibersInUseAreBoundedByTheCapNotByTheBacklog) {
    Group{}.run([] {});
    auto const before = frond::stats().stacks_in_use;
    Pool pool{10};
    std::size_t most = 0;
    for (std::size_t i = 0; i < scaled(20'000); ++i)
        pool.spawn([&most] {
            frond::yield();
            most = std::max(most, frond::stats().stacks_in_use);
        });
    pool.join();
    EXPECT_LE(most, before + 10 + 1); // one more is kept ready
}

TEST(Stats, TasksThatNeverBlockShareOneStack) {
    Group{}.run([] {});
    auto const before = frond::stats().stacks_in_use;
    Group group;
    std::size_t most = 0;
    for (int i = 0; i < 10'000; ++i)
        group.spawn([&most] { most = std::max(most, frond::stats().stacks_in_use); });
    group.join();
    EXPECT_LE(most, before + 1);
}

TEST(DefaultStackSize, AppliesToTasksOfTheCallingThread) {
    on_other_thread([] {
        frond::set_default_stack_size(1 << 20);
        Group group;
        EXPECT_EQ(group.run([] {
            char volatile frame[300 * 1024];
            for (std::size_t i = 0; i < sizeof frame; i += 1024) frame[i] = 1;
            return int{frame[1024]};
        }),
                  1);
    });
}

TEST(DefaultStackSize, OfMoreThan8MiBIsRejected) {
    EXPECT_THROW(frond::set_default_stack_size((8 << 20) + 1), std::invalid_argument);
}

// --- no memory for stacks ----------------------------------------------------------------------------------

class StackLimit : public testing::Test {
protected:
    ~StackLimit() override { allow(SIZE_MAX); }
    static void allow(std::size_t stacks) { frond::detail::StackArena::instance().limit_for_tests(stacks); }
    static void allow_more(std::size_t n) { allow(frond::stats().stacks_in_use + n); }

    /// On a thread of its own: this one may keep stacks of earlier tests ready.
    template <class F>
    static void with_one_stack(F f) {
        std::thread{[&f] {
            Group{}.run([] {});
            f();
        }}.join();
    }
};

TEST_F(StackLimit, TasksForWhichThereIsNoStackFailWithBadAllocAndTheRestGoesOn) {
    with_one_stack([] {
        Group group;
        allow_more(3);
        int ran = 0;
        std::vector<frond::Task<void>> tasks;
        for (int i = 0; i < 50; ++i)
            tasks.push_back(group.spawn([&ran] {
                frond::sleep_for(1ms);
                ++ran;
            }));
        EXPECT_THROW(group.join(), std::bad_alloc);
        int failed = 0;
        for (auto const& task : tasks) failed += task.error() ? 1 : 0;
        EXPECT_GT(ran, 0);
        EXPECT_GT(failed, 0);
        EXPECT_EQ(ran + failed, 50);
        allow(SIZE_MAX);
        EXPECT_EQ(group.run([] { return 1; }), 1);
    });
}

TEST_F(StackLimit, GivesTheSlotsOfFailedTasksBack) {
    with_one_stack([] {
        Pool pool{40};
        allow_more(2);
        for (int i = 0; i < 100; ++i) pool.spawn([] { frond::sleep_for(100us); });
        EXPECT_THROW(pool.join(), std::bad_alloc);
        EXPECT_EQ(pool.free_count(), 40U);
        EXPECT_EQ(pool.stats().completed, 100U);
        pool.errors();
    });
}

TEST_F(StackLimit, ATaskThatAsksForItsOwnStackFailsInItsPlace) {
    with_one_stack([] {
        Group group;
        allow_more(0);
        auto const big = group.spawn({.stack = 8 << 20}, [] {});
        EXPECT_THROW(big.get(), std::bad_alloc);
        allow(SIZE_MAX);
        EXPECT_NO_THROW(group.spawn({.stack = 8 << 20}, [] {}).get());
    });
}

TEST_F(StackLimit, CallablesOfFailedTasksAreDestroyed) {
    auto const held = std::make_shared<int>(0);
    with_one_stack([&held] {
        Group group;
        allow_more(1);
        for (int i = 0; i < 20; ++i) group.spawn([held] { frond::sleep_for(1ms); });
        EXPECT_THROW(group.join(), std::bad_alloc);
        group.errors();
    });
    EXPECT_EQ(held.use_count(), 1);
}

} // namespace
