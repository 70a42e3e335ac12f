// What streams read from: which ranges, and how their elements travel.

#include <frond/group.hpp>

#include "support/generated.hpp"
#include "support/lives.hpp"
#include "support/scale.hpp"
#include "support/threads_test.hpp"

#include <frond/pool.hpp>
#include <frond/stream.hpp>
#include <frond/sync/channel.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <ranges>
#include <span>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using frond::Pool;
using frond::Stream;
using frond::Task;
using frond::test::Generated;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::scaled;

namespace {

class StreamInput : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, StreamInput, testing::Values(0, 1, 2, 4));

int identity(int i) { return i; }

template <class T>
std::vector<T> read_all(Stream<T> stream) {
    std::vector<T> results;
    while (auto result = stream.next()) results.push_back(*std::move(result));
    return results;
}

/// Counts how often an element was copied.
struct Copied {
    explicit Copied(std::atomic<int>& counter, int v) : copies{&counter}, value{v} {}
    Copied(Copied const& other) : copies{other.copies}, value{other.value} { ++*copies; }
    Copied(Copied&& other) noexcept : copies{other.copies}, value{std::exchange(other.value, -1)} {}
    Copied& operator=(Copied const&) = default;
    Copied& operator=(Copied&&) = default;
    ~Copied() = default;
    std::atomic<int>* copies;
    int value;
};

TEST_P(StreamInput, ElementsOfAnLvalueAreCopiedOnceEachAndStay) {
    run([] {
        std::atomic<int> copies{0};
        std::vector<Copied> input;
        input.reserve(3);
        for (int i = 0; i < 3; ++i) input.emplace_back(copies, i);
        Pool pool{2};
        auto const results = read_all(pool.imap(input, [](Copied const& c) { return c.value; }));
        EXPECT_EQ(results, (std::vector{0, 1, 2}));
        EXPECT_EQ(copies, 3);
        EXPECT_EQ(input.at(2).value, 2);
    });
}

TEST_P(StreamInput, ElementsOfAnRvalueContainerAreMovedAndPassedAsRvalues) {
    run([] {
        std::atomic<int> copies{0};
        std::vector<Copied> input;
        input.reserve(3);
        for (int i = 0; i < 3; ++i) input.emplace_back(copies, i);
        Pool pool{2};
        auto const results = read_all(pool.imap(std::move(input), [](Copied&& c) { return c.value; }));
        EXPECT_EQ(results, (std::vector{0, 1, 2}));
        EXPECT_EQ(copies, 0);
    });
}

TEST_P(StreamInput, ElementsMayBeMoveOnly) {
    run([] {
        std::vector<std::unique_ptr<int>> input;
        input.reserve(5);
        for (int i = 0; i < 5; ++i) input.push_back(std::make_unique<int>(i));
        Pool pool{2};
        EXPECT_EQ(read_all(pool.imap(std::move(input), [](std::unique_ptr<int> p) { return *p; })),
                  (std::vector{0, 1, 2, 3, 4}));
    });
}

TEST_P(StreamInput, ElementsOfAViewAreCopiedFromWhatItRefersTo) {
    run([] {
        std::vector<std::string> input{"a", "b"};
        Pool pool{2};
        auto const grow = [](std::string&& s) { return std::move(s) + "!"; };
        auto const results = read_all(pool.imap(std::span{input}, grow));
        EXPECT_EQ(results, (std::vector<std::string>{"a!", "b!"}));
        EXPECT_EQ(input, (std::vector<std::string>{"a", "b"}));
    });
}

TEST_P(StreamInput, MayBeReadOnceOnly) {
    run([] {
        std::istringstream text{"3 1 4 1 5"};
        Pool pool{2};
        EXPECT_EQ(read_all(pool.imap(std::views::istream<int>(text), &identity)),
                  (std::vector{3, 1, 4, 1, 5}));
        EXPECT_EQ(read_all(pool.imap(Generated{[i = 3]() mutable { return --i; }}, &identity)),
                  (std::vector{2, 1, 0}));
    });
}

TEST_P(StreamInput, MayBeAListAnArrayOrAFilteredView) {
    run([] {
        Pool pool{2};
        std::list<int> const list{1, 2, 3};
        std::array<int, 2> const array{4, 5};
        auto const is_odd = [](int i) { return i % 2 == 1; };
        EXPECT_EQ(read_all(pool.imap(list, &identity)), (std::vector{1, 2, 3}));
        EXPECT_EQ(read_all(pool.imap(array, &identity)), (std::vector{4, 5}));
        EXPECT_EQ(read_all(pool.imap(list | std::views::filter(is_odd), &identity)), (std::vector{1, 3}));
    });
}

TEST_P(StreamInput, ProxiesTravelAsTheValuesTheyStandFor) {
    run([] {
        std::vector<bool> input{true, false, true};
        Pool pool{2};
        auto const negate = [](bool b) { return b ? 0 : 1; };
        EXPECT_EQ(read_all(pool.imap(input, negate)), (std::vector{0, 1, 0}));
        EXPECT_EQ(read_all(pool.imap(std::move(input), negate)), (std::vector{0, 1, 0}));
    });
}

TEST_P(StreamInput, TuplesAndPairsAreUnpacked) {
    run([] {
        Pool pool{2};
        std::vector<std::tuple<int, int, int>> const triples{{1, 2, 3}, {4, 5, 6}};
        EXPECT_EQ(read_all(pool.imap(triples, [](int a, int b, int c) { return a * b + c; })),
                  (std::vector{5, 26}));
        std::vector<std::pair<std::unique_ptr<int>, int>> pairs;
        pairs.emplace_back(std::make_unique<int>(5), 2);
        EXPECT_EQ(read_all(pool.imap(std::move(pairs), [](std::unique_ptr<int> a, int b) { return *a - b; })),
                  (std::vector{3}));
        auto const numbered = std::views::iota(0, 2) |
                              std::views::transform([](int i) { return std::pair{i, std::to_string(i)}; });
        EXPECT_EQ(read_all(pool.imap(numbered,
                                     [](int i, std::string s) {
                                         return std::move(s) + s[0] + static_cast<char>('0' + i);
                                     }))
                      .size(),
                  2U);
    });
}

TEST_P(StreamInput, TuplesStayWholeForAFunctionThatTakesThem) {
    run([] {
        Pool pool{2};
        std::vector<std::pair<int, int>> const pairs{{1, 2}, {3, 4}};
        EXPECT_EQ(read_all(pool.imap(pairs, [](std::pair<int, int> p) { return p.first * p.second; })),
                  (std::vector{2, 12}));
        struct Both {
            int operator()(std::pair<int, int> const&) const { return 1; }
            int operator()(int, int) const { return 2; }
        };
        EXPECT_EQ(read_all(pool.imap(pairs, Both{})), (std::vector{1, 1}));
    });
}

TEST_P(StreamInput, MembersCanBeCalled) {
    run([] {
        Pool pool{2};
        std::vector<std::string> const words{"a", "bcd"};
        EXPECT_EQ(read_all(pool.imap(words, &std::string::size)), (std::vector<std::size_t>{1, 3}));
    });
}

TEST_P(StreamInput, MayBeAnotherStream) {
    run([] {
        Pool pool{2};
        auto const twice = [](int i) { return 2 * i; };
        auto squares = pool.imap(std::views::iota(0, 50), [](int i) { return frond::yield(), i * i; });
        auto const results = read_all(pool.imap(pool.imap(std::move(squares), twice), twice));
        ASSERT_EQ(results.size(), 50U);
        EXPECT_EQ(results.at(7), 196);
        EXPECT_LE(pool.stats().active_peak, 2U);
    });
}

TEST_P(StreamInput, MaySleepForItsNextElement) {
    run([] {
        Pool pool{1};
        auto slow = Generated{[i = 4]() mutable { return frond::sleep_for(1ms), --i; }};
        EXPECT_EQ(read_all(pool.imap(std::move(slow), &identity)), (std::vector{3, 2, 1, 0}));
    });
}

TEST_P(StreamInput, MayBeAChannelThatTasksFill) {
    run([] {
        auto const n = static_cast<int>(scaled(300));
        frond::Channel<int> channel{2};
        Pool pool{2};
        auto stream = pool.imap(Generated{[&channel] { return channel.pop().value_or(-1); }}, &identity);
        frond::Group producers;
        producers.spawn([&] {
            for (int i = 0; i < n; ++i) channel.push(i);
            channel.close();
        });
        EXPECT_EQ(read_all(std::move(stream)).size(), static_cast<std::size_t>(n));
    });
}

TEST_P(StreamInput, MayWaitForTasksOfTheSameFullPool) {
    for (std::size_t const cap : {1U, 2U}) {
        run([cap] {
            Pool pool{cap};
            auto const sum_of_tasks = [&pool] {
                std::vector<Task<int>> tasks;
                tasks.reserve(10);
                for (int i = 0; i < 10; ++i) tasks.push_back(pool.spawn([i] { return frond::yield(), i; }));
                auto results = tasks | std::views::transform([](Task<int> const& t) { return t.get(); });
                int sum = 0;
                for (int&& each : pool.imap(results, &identity)) sum += each;
                return sum;
            };
            EXPECT_EQ(pool.run(sum_of_tasks), 45);
            EXPECT_LE(pool.stats().active_peak, cap);
            EXPECT_EQ(pool.stats().overdraft_peak, 0U);
        });
    }
}

TEST_P(StreamInput, IsReadByOneFiberOfNoSlot) {
    run([] {
        std::atomic<int> readers{0};
        Pool pool{4};
        auto alone = Generated{[&, i = 50]() mutable {
            EXPECT_EQ(++readers, 1);
            frond::yield();
            --readers;
            return --i;
        }};
        EXPECT_EQ(read_all(pool.imap(std::move(alone), &identity)).size(), 50U);
        EXPECT_EQ(pool.stats().admitted, 50U);
    });
}

TEST_P(StreamInput, DiesWhenItHasBeenRead) {
    run([] {
        Lives lives;
        Pool pool{2};
        auto stream =
            pool.imap(Generated{[i = 3, mortal = Mortal{lives}]() mutable { return --i; }}, &identity);
        while (stream.next()) {
        }
        EXPECT_EQ(lives.alive(), 0);
    });
}

} // namespace
