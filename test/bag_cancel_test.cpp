// `cancel`, `request_cancel`, and what becomes of errors by `BagOptions::on_error`.

#include <frond/bag.hpp>

#include "support/bag_kinds.hpp"
#include "support/gate.hpp"
#include "support/lives.hpp"
#include "support/other_thread.hpp"
#include "support/unhandled_errors.hpp"
#include "support/what_of.hpp"

#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::Group;
using frond::OnError;
using frond::Pool;
using frond::test::Gate;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::Of;
using frond::test::on_other_thread;
using frond::test::rest_of;
using frond::test::UnhandledErrors;
using frond::test::what_of;
using frond::test::yield_until;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

class BagCancel : public frond::test::BagsTest {};
INSTANTIATE_TEST_SUITE_P(Both, BagCancel, frond::test::every_bag(), &frond::test::name_of_bag);

class BagErrors : public frond::test::BagsTest {};
INSTANTIATE_TEST_SUITE_P(Both, BagErrors, frond::test::every_bag(), &frond::test::name_of_bag);

/// Starts, says so, and sleeps until it is cancelled.
class Sleeper {
public:
    int operator()() {
        ++started_;
        try {
            frond::sleep_for(1h);
        } catch (Cancelled const& c) {
            if (cancelled_++ == 0) reason_ = std::string{c.reason()};
            throw;
        }
        return -1;
    }
    void await_start(int n = 1) const {
        yield_until([&] { return started_ == n; });
    }
    int started() const { return started_; }
    int cancelled() const { return cancelled_; }
    std::string const& reason() const { return reason_; }

private:
    std::atomic<int> started_{0};
    std::atomic<int> cancelled_{0};
    std::string reason_;
};

// --- cancel ----------------------------------------------------------------------------------------------

TEST_P(BagCancel, ReachesQueuedAndRunningTasksAndAwaitsThem) {
    run([]<template <class> class B>(Of<B>) {
        Lives lives;
        Sleeper sleeper;
        Pool pool{1};
        B<int> bag{pool};
        for (int i = 0; i < 10; ++i) bag.spawn([&sleeper, life = Mortal{lives}] { return sleeper(); });
        sleeper.await_start();
        EXPECT_EQ(bag.cancel("over"), 10U);
        EXPECT_EQ(sleeper.reason(), "over");
        EXPECT_EQ(sleeper.started(), 1);
        EXPECT_EQ(lives.alive(), 0);
        EXPECT_EQ(bag.size(), 0U);
        EXPECT_EQ(pool.free_count(), 1U);
        EXPECT_FALSE(bag.next()); // cancelled tasks yield nothing
    });
}

TEST_P(BagCancel, ReachesTasksThatAreHeldBack) {
    run([]<template <class> class B>(Of<B>) {
        Lives lives;
        B<int> bag{{.buffer = 1}};
        bag.put(0);
        for (int i = 0; i < 10; ++i)
            bag.spawn([life = Mortal{lives}] {
                ADD_FAILURE() << "the buffer is full";
                return 1;
            });
        EXPECT_EQ(bag.cancel(), 10U);
        EXPECT_EQ(lives.alive(), 0);
        EXPECT_THAT(rest_of(bag), ElementsAre(0));
    });
}

TEST_P(BagCancel, LeavesWhatCameBefore) {
    run([]<template <class> class B>(Of<B>) {
        Sleeper sleeper;
        B<int> bag;
        bag.spawn([] { return 1; });
        bag.spawn([&] {
            bag.put(2);
            return sleeper();
        });
        sleeper.await_start();
        yield_until([&bag] { return bag.size() == 1; });
        EXPECT_EQ(bag.cancel(), 1U);
        EXPECT_THAT(rest_of(bag), testing::UnorderedElementsAre(1, 2));
    });
}

TEST_P(BagCancel, ClosesThePlaceOfTheFirst) {
    run([]<template <class> class B>(Of<B>) {
        Sleeper sleeper;
        B<int> bag;
        bag.spawn([&sleeper] { return sleeper(); });
        bag.spawn([] { return 2; });
        sleeper.await_start();
        yield_until([&bag] { return bag.size() == 1; });
        bag.request_cancel();
        EXPECT_EQ(bag.next(), 2);
        EXPECT_FALSE(bag.next());
    });
}

TEST_P(BagCancel, EndsTheWaitOfAReader) {
    run([]<template <class> class B>(Of<B>) {
        Sleeper sleeper;
        B<int> bag;
        bag.spawn([&sleeper] { return sleeper(); });
        Group group;
        auto const reader = group.spawn([&bag] { return bag.next(); });
        sleeper.await_start();
        bag.request_cancel("over");
        EXPECT_FALSE(reader.get());
    });
}

TEST_P(BagCancel, OfAnEmptyBagDoesNothing) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        EXPECT_EQ(bag.cancel(), 0U);
        bag.request_cancel();
        bag.spawn([] { return 1; });
        EXPECT_EQ(bag.next(), 1);
    });
}

TEST_P(BagCancel, LeavesABagThatCanBeUsedAgain) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        for (int i = 0; i < 3; ++i) {
            Sleeper sleeper;
            bag.spawn([&sleeper] { return sleeper(); });
            sleeper.await_start();
            EXPECT_EQ(bag.cancel(), 1U);
            bag.spawn([i] { return i; });
            EXPECT_THAT(rest_of(bag), ElementsAre(i));
        }
    });
}

TEST_P(BagCancel, ByAMemberReachesTheOthersAndItsOwnItemComes) {
    run([]<template <class> class B>(Of<B>) {
        Sleeper sleeper;
        B<int> bag;
        for (int i = 0; i < 3; ++i) bag.spawn([&sleeper] { return sleeper(); });
        bag.spawn([&] {
            sleeper.await_start(3);
            return static_cast<int>(bag.cancel());
        });
        EXPECT_THAT(rest_of(bag), ElementsAre(3));
        EXPECT_EQ(sleeper.cancelled(), 3);
    });
}

TEST_P(BagCancel, ByAnotherThreadWaitsForTheEnd) {
    run([]<template <class> class B>(Of<B>) {
        Sleeper sleeper;
        B<int> bag;
        for (int i = 0; i < 3; ++i) bag.spawn([&sleeper] { return sleeper(); });
        sleeper.await_start(3);
        auto const [reached, ended] = on_other_thread([&] {
            auto const n = bag.cancel("from afar");
            return std::pair{n, sleeper.cancelled()};
        });
        EXPECT_EQ(reached, 3U);
        EXPECT_EQ(ended, 3);
    });
}

TEST_P(BagCancel, DoesNotWaitForHolds) {
    run([]<template <class> class B>(Of<B>) {
        Sleeper sleeper;
        B<int> bag;
        auto hold = bag.keep_open();
        EXPECT_EQ(bag.cancel(), 0U);
        bag.spawn([&sleeper] { return sleeper(); });
        yield_until([&] { return sleeper.started() == 1 || bag.size() == 0; });
        bag.cancel();
        EXPECT_EQ(bag.size(), 0U);
        EXPECT_FALSE(bag.next_for(1ms)); // the hold still does
        hold.release();
        EXPECT_FALSE(bag.next());
    });
}

TEST_P(BagCancel, ByAnotherThreadDoesNotWaitForHolds) {
    run([]<template <class> class B>(Of<B>) {
        Sleeper sleeper;
        B<int> bag;
        auto const hold = bag.keep_open();
        for (int i = 0; i < 3; ++i) bag.spawn([&sleeper] { return sleeper(); });
        sleeper.await_start(3);
        EXPECT_EQ(on_other_thread([&bag] { return bag.cancel(); }), 3U);
        EXPECT_EQ(sleeper.cancelled(), 3);
        EXPECT_EQ(on_other_thread([&bag] { return bag.cancel(); }), 0U);
    });
}

// --- cancelled tasks, and errors -------------------------------------------------------------------------

TEST_P(BagErrors, ATaskThatEndsAsCancelledYieldsNothing) {
    run([]<template <class> class B>(Of<B>) {
        UnhandledErrors const unhandled;
        B<int> bag;
        bag.spawn([]() -> int { throw Cancelled{"by itself"}; });
        bag.spawn([&bag]() -> int {
            bag.put(1);
            throw Cancelled{};
        });
        bag.spawn([] { return 2; });
        EXPECT_THAT(rest_of(bag), testing::UnorderedElementsAre(1, 2));
        EXPECT_THAT(unhandled.seen(), IsEmpty());
    });
}

TEST_P(BagErrors, CollectedLeaveTheOthersAlone) {
    run([]<template <class> class B>(Of<B>) {
        UnhandledErrors const unhandled;
        {
            Gate gate;
            B<int> bag;
            bag.spawn([]() -> int { throw std::runtime_error{"one"}; });
            bag.spawn([&gate] {
                gate.pass();
                return 2;
            });
            EXPECT_THROW(bag.next(), std::runtime_error);
            gate.open();
            EXPECT_EQ(bag.next(), 2);
        }
        EXPECT_THAT(unhandled.seen(), IsEmpty()); // it was read
    });
}

TEST_P(BagErrors, OfOnErrorCancelCancelTheOthersAndAreYielded) {
    run([]<template <class> class B>(Of<B>) {
        Sleeper sleeper;
        B<int> bag{{.on_error = OnError::cancel}};
        for (int i = 0; i < 3; ++i) bag.spawn([&sleeper] { return sleeper(); });
        bag.spawn([&sleeper]() -> int {
            sleeper.await_start(3);
            throw std::runtime_error{"all stop"};
        });
        EXPECT_THROW(bag.next(), std::runtime_error);
        EXPECT_FALSE(bag.next());
        EXPECT_EQ(sleeper.cancelled(), 3);
    });
}

TEST_P(BagErrors, OfOnErrorReportGoToTheHandlerAtOnceAndAreNotYielded) {
    run([]<template <class> class B>(Of<B>) {
        UnhandledErrors const unhandled;
        B<int> bag{{.on_error = OnError::report}};
        bag.spawn([&bag]() -> int {
            bag.put(1);
            throw std::runtime_error{"reported"};
        });
        bag.spawn([] { return 2; });
        yield_until([&bag] { return bag.size() == 0; });
        EXPECT_EQ(unhandled.seen().size(), 1U);
        EXPECT_EQ(what_of(unhandled.seen().front().error), "reported");
        EXPECT_THAT(rest_of(bag), testing::UnorderedElementsAre(1, 2));
    });
}

TEST_P(BagErrors, ThatNobodyReadAreReportedOnceWithTheirNumber) {
    run([]<template <class> class B>(Of<B>) {
        UnhandledErrors const unhandled;
        {
            B<int> bag;
            bag.spawn({.name = "first"}, []() -> int { throw std::runtime_error{"first"}; });
            yield_until([&bag] { return bag.size() == 0; });
            for (int i = 0; i < 4; ++i) bag.spawn([]() -> int { throw std::runtime_error{"later"}; });
            bag.put(5); // no error
            yield_until([&bag] { return bag.size() == 0; });
        }
        auto const seen = unhandled.seen();
        ASSERT_EQ(seen.size(), 1U);
        EXPECT_EQ(what_of(seen.front().error), "first");
        EXPECT_EQ(seen.front().name, "first");
        EXPECT_EQ(seen.front().more, 4U);
    });
}

TEST_P(BagErrors, ThatWereReadAreNotCountedAmongThem) {
    run([]<template <class> class B>(Of<B>) {
        UnhandledErrors const unhandled;
        {
            B<int> bag;
            for (int i = 0; i < 3; ++i) bag.spawn([]() -> int { throw std::runtime_error{"bad"}; });
            yield_until([&bag] { return bag.size() == 0; });
            EXPECT_THROW(bag.next(), std::runtime_error);
        }
        ASSERT_EQ(unhandled.seen().size(), 1U);
        EXPECT_EQ(unhandled.seen().front().more, 1U);
    });
}

TEST_P(BagErrors, OfTasksThatEndInTheDestructorAreReported) {
    run([]<template <class> class B>(Of<B>) {
        UnhandledErrors const unhandled;
        {
            Sleeper sleeper;
            B<int> bag;
            bag.spawn([&sleeper]() -> int {
                try {
                    return sleeper();
                } catch (Cancelled const&) {
                    throw std::runtime_error{"in the clean-up"};
                }
            });
            sleeper.await_start();
        }
        ASSERT_EQ(unhandled.seen().size(), 1U);
        EXPECT_EQ(what_of(unhandled.seen().front().error), "in the clean-up");
    });
}

} // namespace
