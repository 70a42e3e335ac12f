#include <frond/blocking.hpp>

#include "support/scale.hpp"

#include <frond/group.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using frond::blocking;
using frond::Group;

namespace {

TEST(Blocking, GivesWhatTheCallGives) {
    EXPECT_EQ(blocking([] { return 42; }), 42);
    EXPECT_EQ(blocking([] { return std::string{"text"}; }), "text");
    static_assert(std::is_void_v<decltype(blocking([] {}))>);
}

TEST(Blocking, GivesAReferenceToTheVeryObject) {
    int number = 1;
    int& same = blocking([&]() -> int& { return number; });
    EXPECT_EQ(&same, &number);
    static_assert(std::is_same_v<decltype(blocking([&]() -> int&& { return std::move(number); })), int&&>);
}

TEST(Blocking, GivesMoveOnlyResultsAndTakesMoveOnlyCallables) {
    auto number = std::make_unique<int>(7);
    auto given = blocking([n = std::move(number)]() mutable { return std::move(n); });
    EXPECT_EQ(*given, 7);
}

TEST(Blocking, GivesResultsWithoutADefault) {
    struct NoDefault {
        explicit NoDefault(int v) : value{v} {}
        int value;
    };
    EXPECT_EQ(blocking([] { return NoDefault{7}; }).value, 7);
}

TEST(Blocking, RethrowsWhatTheCallThrows) {
    EXPECT_THROW(blocking([] { throw std::out_of_range{"far"}; }), std::out_of_range);
    EXPECT_THROW(blocking([]() -> int { throw 7; }), int);
}

TEST(Blocking, RunsOnAnotherThreadAndComesBack) {
    auto const home = std::this_thread::get_id();
    EXPECT_NE(blocking([] { return std::this_thread::get_id(); }), home);
    EXPECT_EQ(std::this_thread::get_id(), home);
}

TEST(Blocking, LetsOnlyItsFiberWait) {
    std::promise<int> promise;
    Group group;
    auto const waits = group.spawn([&] { return blocking([&] { return promise.get_future().get(); }); });
    group.spawn([&] { promise.set_value(7); });
    EXPECT_EQ(waits.get(), 7);
}

TEST(Blocking, QueuesMoreCallsThanThereAreThreads) {
    std::size_t const count = frond::test::scaled(1000);
    std::atomic<std::size_t> calls{0};
    std::size_t ends = 0;
    Group group;
    for (std::size_t i = 0; i < count; ++i) {
        group.spawn([&] {
            blocking([&] {
                std::this_thread::sleep_for(100us);
                ++calls;
            });
            ++ends;
        });
    }
    group.join();
    EXPECT_EQ(calls, count);
    EXPECT_EQ(ends, count);
}

TEST(Blocking, WorksFromManyThreadsAtOnce) {
    std::atomic<int> sum{0};
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int n = 0; n < 50; ++n) sum += blocking([] { return 1; });
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(sum, 200);
}

TEST(Blocking, MayUseFrondOnItsThread) {
    EXPECT_EQ(blocking([] {
                  Group group;
                  return group.run([] {
                      frond::sleep_for(1ms);
                      return 7;
                  });
              }),
              7);
}

} // namespace
