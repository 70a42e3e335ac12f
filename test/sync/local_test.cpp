#include <frond/sync/local.hpp>

#include "support/lives.hpp"

#include <frond/frond.hpp>

#include <boost/fiber/fiber.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using frond::Group;
using frond::Local;
using frond::test::Lives;
using frond::test::Mortal;
using namespace std::chrono_literals;

TEST(Local, IsMadeOnceATask) {
    Local<int> number;
    Group group;
    for (int i = 1; i <= 5; ++i)
        group.spawn([&number, i] {
            EXPECT_EQ(number.get(), 0);
            number.get() = i;
            frond::yield();
            EXPECT_EQ(*number, i);
        });
    group.join();
    EXPECT_EQ(number.get(), 0) << "the main fiber has its own";
}

TEST(Local, IsMadeByTheGivenFunction) {
    int made = 0;
    Local<std::string> text{[&made] { return std::to_string(++made); }};
    Group group;
    for (int i = 0; i < 3; ++i)
        group.spawn([&text] {
            auto const first = *text;
            EXPECT_EQ(*text, first);
        });
    group.join();
    EXPECT_EQ(made, 3);
    EXPECT_EQ(text->size(), 1U);
    EXPECT_EQ(made, 4);
}

TEST(Local, MayHoldWhatCanNeitherBeCopiedNorMade) {
    struct Fixed {
        explicit Fixed(int n) : number{n} {}
        Fixed(Fixed const&) = delete;
        int number;
    };
    Local<Fixed> value{[] { return Fixed{7}; }};
    Group group;
    group.spawn([&value] { EXPECT_EQ(value->number, 7); });
    group.join();
}

TEST(Local, DiesWithItsTaskBeforeAnyoneIsTold) {
    Lives lives;
    Local<std::unique_ptr<Mortal>> value;
    Group group;
    auto const task = group.spawn([&] { *value = std::make_unique<Mortal>(lives); });
    task.wait();
    EXPECT_EQ(lives.born, 1);
    EXPECT_EQ(lives.died, 1);
    group.spawn([&] {
        *value = std::make_unique<Mortal>(lives);
        throw std::runtime_error{"out"};
    });
    EXPECT_THROW(group.join(), std::runtime_error);
    EXPECT_EQ(lives.alive(), 0);
}

TEST(Local, ValuesMadeLastDieFirst) {
    struct Named {
        std::vector<int>* log = nullptr;
        int name = 0;
        ~Named() {
            if (log) log->push_back(name);
        }
    };
    std::vector<int> log;
    Local<Named> first;
    Local<Named> second;
    Group group;
    group.spawn([&] {
        first->log = &log;
        first->name = 1;
        second->log = &log;
        second->name = 2;
    });
    group.join();
    EXPECT_EQ(log, (std::vector{2, 1}));
}

TEST(Local, DestructorsMayWaitAlthoughTheTaskIsCancelled) {
    struct Waits {
        bool* waited = nullptr;
        ~Waits() {
            if (!waited) return;
            frond::sleep_for(1ms);
            *waited = true;
        }
    };
    bool waited = false;
    Local<Waits> value;
    Group group;
    auto const task = group.spawn([&] {
        value->waited = &waited;
        frond::sleep_for(1h);
    });
    frond::yield();
    EXPECT_TRUE(task.cancel());
    EXPECT_TRUE(waited);
}

TEST(Local, MayDieBeforeItsValues) {
    Lives lives;
    auto value = std::make_unique<Local<std::unique_ptr<Mortal>>>();
    Group group;
    group.spawn([&] {
        **value = std::make_unique<Mortal>(lives);
        value.reset();
        Local<std::unique_ptr<Mortal>> other;
        EXPECT_EQ(*other, nullptr) << "another Local never finds that value";
        EXPECT_EQ(lives.alive(), 1);
    });
    group.join();
    EXPECT_EQ(lives.alive(), 0);
}

TEST(Local, OfAThreadDiesWithTheThread) {
    Lives lives;
    Local<std::unique_ptr<Mortal>> value;
    std::thread{[&] {
        *value = std::make_unique<Mortal>(lives);
        frond::yield();
        EXPECT_EQ(lives.alive(), 1);
    }}.join();
    EXPECT_EQ(lives.born, 1);
    EXPECT_EQ(lives.alive(), 0);
}

TEST(Local, OfAFiberOfBoostDiesWithTheFiber) {
    Lives lives;
    Local<std::unique_ptr<Mortal>> value;
    frond::yield();
    boost::fibers::fiber{[&] { *value = std::make_unique<Mortal>(lives); }}.join();
    frond::yield();
    EXPECT_EQ(lives.born, 1);
    EXPECT_EQ(lives.alive(), 0);
    EXPECT_EQ(*value, nullptr);
}

TEST(Local, ThrowsWhatItsFunctionThrowsAndTriesAgain) {
    int tries = 0;
    Local<int> value{[&tries]() -> int {
        if (++tries == 1) throw std::runtime_error{"not yet"};
        return 5;
    }};
    Group group;
    group.spawn([&] {
        EXPECT_THROW(value.get(), std::runtime_error);
        EXPECT_EQ(value.get(), 5);
    });
    group.join();
}

class LocalThreads : public testing::TestWithParam<std::size_t> {};

TEST_P(LocalThreads, EachTaskHasItsOwn) {
    std::atomic<int> made{0};
    Local<int> value{[&made] { return ++made; }};
    frond::Runtime runtime{{.threads = GetParam()}};
    runtime.run([&] {
        Group group;
        for (int i = 0; i < 200; ++i)
            group.spawn([&] {
                int const mine = *value;
                frond::yield();
                EXPECT_EQ(*value, mine);
            });
        group.join();
    });
    EXPECT_EQ(made, 200);
}

INSTANTIATE_TEST_SUITE_P(Threads, LocalThreads, testing::Values(1, 2, 4));

} // namespace
