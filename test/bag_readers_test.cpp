// Who reads: many at once, and those who are stopped while they wait.

#include <frond/bag.hpp>

#include "support/bag_kinds.hpp"
#include "support/gate.hpp"
#include "support/scale.hpp"
#include "support/stall_test.hpp"
#include "support/what_of.hpp"

#include <frond/cancel.hpp>
#include <frond/diagnostics.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using frond::Bag;
using frond::Deadlock;
using frond::Group;
using frond::TaskState;
using frond::TimedOut;
using frond::test::Of;
using frond::test::rest_of;
using frond::test::scaled;
using frond::test::what_is_thrown_by;
using frond::test::yield_until;

namespace {

using Clock = std::chrono::steady_clock;

class BagReaders : public frond::test::BagsTest {};
INSTANTIATE_TEST_SUITE_P(Both, BagReaders, frond::test::every_bag(), &frond::test::name_of_bag);

TEST_P(BagReaders, EachGetOtherItems) {
    run([]<template <class> class B>(Of<B>) {
        std::size_t const many = scaled(400);
        std::vector<std::atomic<int>> seen(many);
        B<std::size_t> bag;
        auto hold = bag.keep_open();
        std::atomic<int> over{0};
        std::atomic<int> gone{0};
        auto const read = [&] {
            while (auto const item = bag.next()) ++seen[*item];
            ++over;
        };
        auto const read_in_turns = [&] {
            while (over < 7) {
                auto const item = bag.next_for(1us);
                if (item) ++seen[*item];
                frond::yield(); // at the end nothing waits
            }
            ++gone;
        };
        std::vector<std::jthread> threads;
        Group group;
        threads.emplace_back(read_in_turns);
        group.spawn(read_in_turns);
        for (int i = 0; i < 3; ++i) {
            group.spawn(read);
            threads.emplace_back(read);
        }
        for (std::size_t i = 0; i < many; i += 2) {
            bag.put(i);
            if (i + 1 < many) bag.spawn([i] { return i + 1; });
        }
        hold.release();
        read();
        yield_until([&] { return over == 7 && gone == 2; });
        EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), static_cast<std::ptrdiff_t>(many));
    });
}

TEST_P(BagReaders, ThatAreCancelledLoseNothing) {
    run([]<template <class> class B>(Of<B>) {
        for (std::size_t round = 0; round < scaled(200); ++round) {
            std::atomic<int> taken{0};
            B<int> bag;
            auto hold = bag.keep_open();
            Group group;
            auto reader = group.spawn([&] { taken += bag.next().has_value() ? 1 : 0; });
            for (std::size_t i = 0; i < round % 4; ++i) frond::yield();
            if (round % 2 == 0) reader.request_cancel();
            bag.spawn([] { return 1; });
            if (round % 2 != 0) reader.request_cancel();
            reader.wait();
            hold.release();
            EXPECT_EQ(static_cast<int>(rest_of(bag).size()) + taken, 1);
            EXPECT_EQ(taken == 1, reader.state() == TaskState::done);
        }
    });
}

TEST_P(BagReaders, UnderADeadlineLoseNothing) {
    run([]<template <class> class B>(Of<B>) {
        auto const many = static_cast<int>(scaled(200));
        B<int> bag;
        bag.spawn([&bag, many] {
            for (int i = 0; i < many; ++i) {
                bag.put(i);
                frond::sleep_for(5us);
            }
        });
        for (int expected = 0; expected < many;) try {
                auto const item = frond::with_timeout(3us, [&bag] { return bag.next(); });
                EXPECT_EQ(item, expected++);
            } catch (TimedOut const&) {
            }
        EXPECT_FALSE(bag.next());
    });
}

TEST_P(BagReaders, AreInTheDump) {
    run([]<template <class> class B>(Of<B>) {
        B<int> bag;
        auto const hold = bag.keep_open();
        Group group;
        auto reader = group.spawn({.name = "the reader"}, [&bag] { bag.next(); });
        yield_until([&] { return reader.state() == TaskState::waiting; });
        std::ostringstream out;
        frond::dump(out);
        auto const dump = out.str();
        auto const line = dump.substr(dump.find("'the reader'"));
        EXPECT_NE(line.substr(0, line.find('\n')).find("waits for the next result of"), std::string::npos)
            << dump;
        reader.cancel();
    });
}

TEST_P(BagReaders, HearOfAPutSoon) {
    run([]<template <class> class B>(Of<B>) {
        std::size_t const many = scaled(300);
        std::atomic<std::size_t> heard{0};
        B<Clock::time_point> bag;
        std::jthread const thread{[&, hold = bag.keep_open()] {
            for (std::size_t i = 0; i < many; ++i) {
                heard.wait(i - 1);
                for (int turn = 0; turn < 5; ++turn) std::this_thread::yield(); // the reader waits again
                bag.put(Clock::now());
            }
        }};
        std::vector<Clock::duration> delays;
        while (auto const put = bag.next()) {
            delays.push_back(Clock::now() - *put);
            heard = delays.size();
            heard.notify_one();
        }
        ASSERT_EQ(delays.size(), many);
        std::nth_element(delays.begin(), delays.begin() + static_cast<std::ptrdiff_t>(many / 2),
                         delays.end());
        EXPECT_LT(delays[many / 2], 5ms);
    });
}

using BagStall = frond::test::StallTest;

TEST_F(BagStall, ReadingWhatNobodyWillFillIsADeadlock) {
    Bag<int> bag;
    auto const hold = bag.keep_open();
    EXPECT_THROW(bag.next(), Deadlock);
    EXPECT_NE(what_is_thrown_by([&bag] { bag.next(); }).find("next result of"), std::string::npos);
}

TEST_F(BagStall, ReadingItsOwnBagAloneIsADeadlockInItsPlace) {
    Bag<int> bag;
    bag.spawn([&bag] { return bag.next().value(); });
    EXPECT_THROW(bag.next(), Deadlock);
}

} // namespace
