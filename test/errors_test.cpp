// What becomes of exceptions: who sees which, and when.

#include <frond/errors.hpp>

#include "support/gate.hpp"
#include "support/unhandled_errors.hpp"
#include "support/what_of.hpp"

#include <frond/cancel.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

using namespace std::chrono_literals;
using frond::Group;
using frond::OnError;
using frond::Pool;
using frond::TaskState;
using frond::test::Gate;
using frond::test::UnhandledErrors;
using frond::test::what_is_thrown_by;
using frond::test::what_of;

namespace {

static_assert(!std::is_base_of_v<std::exception, frond::Cancelled>);
static_assert(std::is_base_of_v<std::logic_error, frond::Deadlock>);
static_assert(std::is_base_of_v<std::logic_error, frond::Closed>);

auto fails(std::string text) {
    return [text = std::move(text)] { throw std::runtime_error{text}; };
}

TEST(Join, RethrowsTheFirstErrorInTimeNotInSpawnOrder) {
    Group group;
    group.spawn([] {
        frond::sleep_for(2ms);
        throw std::runtime_error{"late"};
    });
    group.spawn(fails("early"));
    EXPECT_EQ(what_is_thrown_by([&] { group.join(); }), "early");
    group.errors();
}

TEST(Join, RethrowsWithTheErrorsOwnType) {
    Group group;
    group.spawn([] { throw 17; });
    try {
        group.join();
        FAIL();
    } catch (int n) {
        EXPECT_EQ(n, 17);
    }
}

TEST(Join, WaitsForEverythingBeforeItThrows) {
    Group group;
    bool finished = false;
    group.spawn(fails("first"));
    group.spawn([&finished] {
        frond::sleep_for(2ms);
        finished = true;
    });
    EXPECT_THROW(group.join(), std::runtime_error);
    EXPECT_TRUE(finished);
}

TEST(Join, ThrowsToEveryJoinerOfThatQuiescence) {
    Group group;
    Group joiners;
    Gate gate;
    group.spawn([&gate] {
        gate.pass();
        throw std::runtime_error{"for all"};
    });
    std::vector<std::string> seen;
    for (int i = 0; i < 3; ++i)
        joiners.spawn([&] { seen.push_back(what_is_thrown_by([&] { group.join(); })); });
    joiners.spawn([&] { seen.push_back(what_is_thrown_by([&] { group.join_for(1h); })); });
    frond::yield();
    gate.open();
    joiners.join();
    EXPECT_EQ(seen, std::vector<std::string>(4, "for all"));
    EXPECT_NO_THROW(group.join());
}

TEST(Join, ThrowsTheNextUnseenErrorWhenCalledAgain) {
    Group group;
    for (char const* text : {"a", "b", "c"}) group.spawn(fails(text));
    EXPECT_EQ(what_is_thrown_by([&] { group.join(); }), "a");
    EXPECT_EQ(what_is_thrown_by([&] { group.join(); }), "b");
    EXPECT_EQ(what_is_thrown_by([&] { group.join_for(0s); }), "c");
    EXPECT_NO_THROW(group.join());
}

TEST(Join, PrefersErrorsSinceTheLastQuiescenceToOlderOnes) {
    Group group;
    for (char const* text : {"old 1", "old 2"}) group.spawn(fails(text));
    EXPECT_EQ(what_is_thrown_by([&] { group.join(); }), "old 1");
    group.spawn(fails("new"));
    EXPECT_EQ(what_is_thrown_by([&] { group.join(); }), "new");
    EXPECT_EQ(what_is_thrown_by([&] { group.join(); }), "old 2");
    EXPECT_NO_THROW(group.join());
}

TEST(Join, ThrowsAfterAGoodRoundWhatNobodySawBefore) {
    Group group;
    for (char const* text : {"a", "b"}) group.spawn(fails(text));
    EXPECT_THROW(group.join(), std::runtime_error);
    group.spawn([] {});
    EXPECT_EQ(what_is_thrown_by([&] { group.join(); }), "b");
}

TEST(Join, ForThrowsOnlyWhenEverythingHasEnded) {
    Group group;
    Gate gate;
    group.spawn(fails("first"));
    group.spawn([&gate] { gate.pass(); });
    EXPECT_FALSE(group.join_for(1ms));
    gate.open();
    EXPECT_THROW(group.join_for(1h), std::runtime_error);
    EXPECT_TRUE(group.join_for(1h));
}

TEST(Join, PassesTheErrorOfANestedGroupOn) {
    Group outer;
    auto const task = outer.spawn([] {
        Group inner;
        inner.spawn(fails("deep"));
        inner.join();
    });
    EXPECT_EQ(what_of(task.error()), "deep");
}

TEST(Join, LeavesTheGroupUsableAfterAnError) {
    Group group;
    group.spawn(fails("once"));
    EXPECT_THROW(group.join(), std::runtime_error);
    EXPECT_EQ(group.spawn([] { return 1; }).get(), 1);
    EXPECT_NO_THROW(group.join());
}

TEST(Errors, GetAndErrorMarkAsSeen) {
    Group group;
    auto const got = group.spawn(fails("got"));
    auto const asked = group.spawn(fails("asked"));
    auto const taken = group.spawn(fails("taken"));
    EXPECT_THROW(got.get(), std::runtime_error);
    EXPECT_TRUE(asked.error());
    EXPECT_THROW(taken.take(), std::runtime_error);
    EXPECT_NO_THROW(group.join());
    EXPECT_TRUE(group.errors().empty());
}

TEST(Errors, WaitStateAndReadyDoNotMarkAsSeen) {
    Group group;
    auto const task = group.spawn(fails("unseen"));
    task.wait();
    EXPECT_EQ(task.state(), TaskState::failed);
    EXPECT_TRUE(task.ready());
    EXPECT_EQ(group.errors().size(), 1U);
}

TEST(Errors, AreTakenOldestFirstWithTheirOrigin) {
    Group group;
    auto const first = group.spawn({.name = "parser"}, fails("a"));
    auto const line = static_cast<unsigned>(__LINE__) - 1;
    group.spawn(fails("b"));
    frond::yield();
    auto const errors = group.errors();
    ASSERT_EQ(errors.size(), 2U);
    EXPECT_EQ(errors[0].name, "parser");
    EXPECT_EQ(errors[0].id, first.id());
    EXPECT_EQ(what_of(errors[0].error), "a");
    EXPECT_EQ(errors[0].spawned_at.line(), line);
    EXPECT_STREQ(errors[0].spawned_at.file_name(), __FILE__);
    EXPECT_EQ(errors[1].name, "");
    EXPECT_EQ(what_of(errors[1].error), "b");
}

TEST(Errors, SpawnSiteIsTheCallersForAllWaysToSpawn) {
    Group group;
    unsigned const line = __LINE__;
    group.spawn_wait(fails("w"));
    group.try_spawn(fails("t"));
    group.spawn_after(0s, fails("a"));
    EXPECT_THROW(group.join(), std::runtime_error);
    auto const errors = group.errors();
    ASSERT_EQ(errors.size(), 2U);
    for (auto const& e : errors) {
        EXPECT_GT(e.spawned_at.line(), line);
        EXPECT_LE(e.spawned_at.line(), line + 3);
    }
}

TEST(Errors, AreTakenOnce) {
    Group group;
    group.spawn(fails("a"));
    frond::yield();
    EXPECT_EQ(group.errors().size(), 1U);
    EXPECT_TRUE(group.errors().empty());
    EXPECT_NO_THROW(group.join());
}

TEST(Errors, RestStaysReadableAfterJoin) {
    Group group;
    for (char const* text : {"a", "b", "c"}) group.spawn(fails(text));
    EXPECT_THROW(group.join(), std::runtime_error);
    auto const errors = group.errors();
    ASSERT_EQ(errors.size(), 2U);
    EXPECT_EQ(what_of(errors[0].error), "b");
    EXPECT_EQ(what_of(errors[1].error), "c");
}

TEST(Errors, Beyond64AreCounted) {
    Group group;
    std::vector<std::string> in_time;
    for (int i = 0; i < 100; ++i)
        group.spawn([&in_time, text = std::to_string(i)] {
            in_time.push_back(text);
            throw std::runtime_error{text};
        });
    auto const first = what_is_thrown_by([&] { group.join(); });
    EXPECT_EQ(first, in_time.at(0));
    auto const errors = group.errors();
    ASSERT_EQ(errors.size(), 63U);
    EXPECT_EQ(what_of(errors.front().error), in_time.at(1));
    EXPECT_EQ(what_of(errors.back().error), in_time.at(63));
    EXPECT_EQ(errors.front().more, 0U);
    EXPECT_EQ(errors.back().more, 36U);
}

TEST(Errors, OfATaskCanBeReadFromItsHandleAlsoBeyond64) {
    Group group;
    std::vector<frond::Task<void>> tasks;
    for (int i = 0; i < 70; ++i) tasks.push_back(group.spawn(fails(std::to_string(i))));
    frond::yield();
    EXPECT_EQ(what_of(tasks.back().error()), "69");
    group.errors();
}

TEST(Errors, OfThePoolAndOfAGroupBoundToItAreKeptApart) {
    Pool pool{1};
    Group group{pool};
    pool.spawn(fails("pool's"));
    group.spawn(fails("group's"));
    EXPECT_EQ(what_is_thrown_by([&] { group.join(); }), "group's");
    EXPECT_EQ(what_is_thrown_by([&] { pool.join(); }), "pool's");
}

TEST(Cancelled, ThrownByATaskIsNoErrorOfItsGroup) {
    Pool pool{1};
    auto const task = pool.spawn([] { throw frond::Cancelled{"enough"}; });
    EXPECT_NO_THROW(pool.join());
    EXPECT_EQ(task.state(), TaskState::cancelled);
    EXPECT_TRUE(pool.errors().empty());
    EXPECT_EQ(pool.free_count(), 1U); // the slot is free again
    EXPECT_EQ(pool.run([] { return 1; }), 1);
}

TEST(TaskThatThrows, GivesItsSlotBackWhateverItThrows) {
    Pool pool{1};
    for (int i = 0; i < 3; ++i) {
        auto const task = pool.spawn([i] { throw i; });
        EXPECT_THROW(task.get(), int);
        EXPECT_EQ(pool.free_count(), 1U);
    }
}

TEST(OnErrorCancel, DropsWhatHasNotStartedAndJoinThrowsTheFirst) {
    Pool pool{{.limit = 1, .group = {.on_error = OnError::cancel}}};
    int ran = 0;
    pool.spawn(fails("first"));
    std::vector<frond::Task<void>> rest;
    for (int i = 0; i < 5; ++i) rest.push_back(pool.spawn([&ran] { ++ran; }));
    EXPECT_EQ(what_is_thrown_by([&] { pool.join(); }), "first");
    EXPECT_EQ(ran, 0);
    for (auto const& task : rest) EXPECT_EQ(task.state(), TaskState::cancelled);
    EXPECT_NO_THROW(pool.join());
}

TEST(OnErrorCancel, DropsWhatIsAdmittedButNotStarted) {
    Group group{{.on_error = OnError::cancel}};
    int ran = 0;
    group.spawn(fails("first"));
    for (int i = 0; i < 5; ++i) group.spawn([&ran] { ++ran; });
    EXPECT_THROW(group.join(), std::runtime_error);
    EXPECT_EQ(ran, 0);
}

TEST(OnErrorCancel, DropsWhatIsSpawnedLaterInTheSameRound) {
    Group group{{.on_error = OnError::cancel}};
    Gate gate;
    frond::Task<void> late;
    group.spawn([&] {
        frond::Shield const shield;
        gate.pass();
        late = group.spawn([] {});
    });
    frond::yield();
    group.spawn(fails("first"));
    frond::yield();
    gate.open();
    EXPECT_THROW(group.join(), std::runtime_error);
    EXPECT_EQ(late.state(), TaskState::cancelled);
}

TEST(OnErrorCancel, LeavesTheGroupUsableAfterItsNextQuiescence) {
    Group group{{.on_error = OnError::cancel}};
    group.spawn(fails("first"));
    auto const dropped = group.spawn([] {});
    EXPECT_THROW(group.join(), std::runtime_error);
    EXPECT_EQ(dropped.state(), TaskState::cancelled);
    EXPECT_EQ(group.spawn([] { return 3; }).get(), 3);
}

TEST(OnErrorReport, HandsErrorsOverAtOnceAndKeepsNone) {
    UnhandledErrors const unhandled;
    Group group{{.on_error = OnError::report}};
    Gate gate;
    group.spawn([&gate] { gate.pass(); });
    group.spawn({.name = "x"}, fails("a"));
    group.spawn(fails("b"));
    frond::yield();
    ASSERT_EQ(unhandled.seen().size(), 2U);
    EXPECT_EQ(unhandled.seen()[0].name, "x");
    EXPECT_EQ(what_of(unhandled.seen()[1].error), "b");
    EXPECT_TRUE(group.errors().empty());
    gate.open();
    EXPECT_NO_THROW(group.join());
}

TEST(OnErrorReport, LeavesTheErrorReadableThroughTheHandle) {
    UnhandledErrors const unhandled;
    Group group{{.on_error = OnError::report}};
    auto const task = group.spawn(fails("a"));
    EXPECT_EQ(what_of(task.error()), "a");
}

TEST(UnhandledErrors, GoToTheHandlerOnceAGroupWithTheirNumber) {
    UnhandledErrors const unhandled;
    std::uint64_t id = 0;
    {
        Group group;
        id = group.spawn({.name = "first"}, fails("a")).id();
        for (int i = 0; i < 99; ++i) group.spawn(fails("b"));
    }
    ASSERT_EQ(unhandled.seen().size(), 1U);
    auto const error = unhandled.seen()[0];
    EXPECT_EQ(what_of(error.error), "a");
    EXPECT_EQ(error.name, "first");
    EXPECT_EQ(error.id, id);
    EXPECT_EQ(error.more, 99U);
}

TEST(UnhandledErrors, AreNotThoseThatSomebodySaw) {
    UnhandledErrors const unhandled;
    {
        Group group;
        auto const task = group.spawn(fails("a"));
        group.spawn(fails("b"));
        EXPECT_THROW(task.get(), std::runtime_error);
        EXPECT_THROW(group.join(), std::runtime_error);
        group.spawn([] { throw frond::Cancelled{}; });
    }
    EXPECT_TRUE(unhandled.seen().empty());
}

TEST(UnhandledErrors, OfAGroupThatDiesOfAnExceptionGoToTheHandler) {
    UnhandledErrors const unhandled;
    try {
        Group group;
        group.spawn(fails("inside"));
        frond::yield();
        throw std::logic_error{"outside"};
    } catch (std::logic_error const& e) {
        EXPECT_STREQ(e.what(), "outside");
    }
    ASSERT_EQ(unhandled.seen().size(), 1U);
    EXPECT_EQ(what_of(unhandled.seen()[0].error), "inside");
}

TEST(UnhandledErrors, OfAPoolGoToTheHandlerAtItsEnd) {
    UnhandledErrors const unhandled;
    {
        Pool{2}.spawn(fails("pool's"));
    }
    ASSERT_EQ(unhandled.seen().size(), 1U);
}

std::string stderr_of_group_with(int errors, frond::SpawnOptions options) {
    Group{}.run([] {}); // AddressSanitizer has a line of its own for a process's first fiber
    testing::internal::CaptureStderr();
    {
        Group group;
        for (int i = 0; i < errors; ++i) group.spawn(options, fails("the text"));
    }
    return testing::internal::GetCapturedStderr();
}

TEST(UnhandledErrors, AreOneLineOnStderrByDefault) {
    auto const line = stderr_of_group_with(3, {.name = "parser"});
    EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
    for (char const* part : {"parser", "errors_test.cpp:", "the text", "2 more"})
        EXPECT_NE(line.find(part), std::string::npos) << part << " is not in " << line;
}

TEST(UnhandledErrors, LineSaysNothingOfMoreForASingleOne) {
    auto const line = stderr_of_group_with(1, {});
    EXPECT_NE(line.find("the text"), std::string::npos);
    EXPECT_EQ(line.find("more"), std::string::npos) << line;
}

TEST(UnhandledErrors, LineTellsTheTypeOfWhatIsNoStdException) {
    testing::internal::CaptureStderr();
    {
        Group{}.spawn([] { throw 5; });
    }
    EXPECT_NE(testing::internal::GetCapturedStderr().find("exception of type"), std::string::npos);
}

TEST(UnhandledErrors, EmptyHandlerRestoresTheDefault) {
    {
        UnhandledErrors const unhandled;
    }
    EXPECT_NE(stderr_of_group_with(1, {}), "");
}

} // namespace
