#include <frond/batches.hpp>

#include "support/gate.hpp"
#include "support/gauge.hpp"
#include "support/threads_test.hpp"
#include "support/what_of.hpp"

#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/stream.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

using namespace std::chrono_literals;
using frond::batches;
using frond::Clock;
using frond::Group;
using frond::Outcome;
using frond::Pool;
using frond::ProviderError;
using frond::Stream;
using frond::TaskState;
using frond::test::Gate;
using frond::test::Gauge;
using frond::test::what_is_thrown_by;
using frond::test::yield_until;

namespace {

using Numbers = std::vector<int>;
static_assert(std::is_same_v<decltype(batches(std::declval<Stream<int>>(), 1s)), Stream<Numbers>>);
static_assert(
    std::is_same_v<decltype(batches(std::declval<Stream<void>>(), 1s)), Stream<std::vector<std::monostate>>>);

class Batches : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, Batches, testing::Values(0, 1, 2, 4));

/// The numbers from 0 on, in order; from `first_gated` on each when it is told to.
struct Source {
    Group group;
    std::array<Gate, 8> gates;

    Stream<int> numbers(int count, std::size_t first_gated = frond::unlimited) {
        return group.imap(std::views::iota(0, count),
                          [this, first_gated](int i) {
                              auto const number = static_cast<std::size_t>(i);
                              if (number >= first_gated) gates.at(number).pass();
                              return i;
                          },
                          {.limit = 8});
    }
};

/// So many, of however many lists: who is late puts one of them in a list of its own.
Numbers collect(Stream<Numbers>& lists, std::size_t count) {
    Numbers all;
    while (all.size() < count) {
        auto const list = lists.next();
        if (!list || list->empty()) break;
        all.insert(all.end(), list->begin(), list->end());
    }
    return all;
}

TEST_P(Batches, HoldAtMostSoMany) {
    run([] {
        Source source;
        auto lists = batches(source.numbers(8), 1h, 3);
        EXPECT_EQ(lists.next(), (Numbers{0, 1, 2}));
        EXPECT_EQ(lists.next(), (Numbers{3, 4, 5}));
        EXPECT_EQ(lists.next(), (Numbers{6, 7}));
        EXPECT_EQ(lists.next(), std::nullopt);
    });
}

TEST_P(Batches, OfAStreamThatEndsComeAtOnce) {
    run([] {
        Source source;
        Numbers all;
        for (Numbers&& list : batches(source.numbers(100), 1h)) {
            EXPECT_EQ(list.size(), 100U);
            all = std::move(list);
        }
        EXPECT_TRUE(std::ranges::equal(all, std::views::iota(0, 100)));
    });
}

TEST_P(Batches, OfNothingAreNone) {
    run([] {
        Source source;
        EXPECT_EQ(batches(source.numbers(0), 1ms).next(), std::nullopt);
    });
}

TEST_P(Batches, CloseWhenTheirTimeIsUp) {
    run([] {
        Source source;
        auto lists = batches(source.numbers(4, 2), 2ms);
        EXPECT_EQ(collect(lists, 2), (Numbers{0, 1}));
        source.gates[2].open();
        source.gates[3].open();
        EXPECT_EQ(collect(lists, 2), (Numbers{2, 3}));
    });
}

TEST_P(Batches, BeginWithTheirFirstItemHoweverLongThatTakes) {
    run([] {
        constexpr auto window = 20ms;
        Source source;
        Clock::time_point opened;
        auto lists = batches(source.numbers(2, 0), window);
        Group group;
        group.spawn([&] {
            frond::sleep_for(2 * window);
            opened = Clock::now();
            source.gates[0].open();
        });
        EXPECT_EQ(lists.next(), Numbers{0});
        EXPECT_GE(Clock::now() - opened, window);
        group.join();
        source.gates[1].open();
    });
}

TEST_P(Batches, AreNeverEmpty) {
    run([] {
        Group group;
        auto slow = group.imap(std::views::iota(0, 5),
                               [](int i) {
                                   frond::sleep_for(2ms);
                                   return i;
                               },
                               {.limit = 1});
        std::size_t count = 0;
        for (Numbers&& list : batches(std::move(slow), 1us)) {
            EXPECT_FALSE(list.empty());
            count += list.size();
        }
        EXPECT_EQ(count, 5U);
    });
}

TEST_P(Batches, WithoutWaitingLoseNothing) {
    run([] {
        Source source;
        auto lists = batches(source.numbers(8), 0s);
        EXPECT_EQ(collect(lists, 8), (Numbers{0, 1, 2, 3, 4, 5, 6, 7}));
        EXPECT_EQ(lists.next(), std::nullopt);
    });
}

/// Never waits and never ends.
class Endless final : public frond::detail::StreamSource<int> {
public:
    std::optional<Outcome<int>> read(Clock::time_point /*deadline*/) override {
        return Outcome<int>{next_++};
    }
    std::size_t cancel(std::string_view /*reason*/) override { return 0; }
    void request_cancel(std::string_view /*reason*/) noexcept override {}

private:
    int next_ = 0;
};

TEST(BatchesOfAStreamThatAlwaysHasMore, CloseWhenTheirTimeIsUp) {
    auto lists = batches(Stream<int>{std::make_unique<Endless>()}, 1ms);
    auto const first = lists.next().value();
    EXPECT_FALSE(first.empty());
    EXPECT_EQ(lists.next().value().front(), static_cast<int>(first.size()));
}

TEST(BatchesOfAStreamThatAlwaysHasMore, AreLeftWhenTheReadersTimeIsUp) {
    auto lists = batches(Stream<int>{std::make_unique<Endless>()}, 1h);
    EXPECT_EQ(lists.next_for(1ms), std::nullopt);
}

TEST_P(Batches, WhatNextForHasCollectedComesLater) {
    run([] {
        Source source;
        auto lists = batches(source.numbers(3, 2), 1h, 3);
        EXPECT_EQ(lists.next_for(5ms), std::nullopt);
        EXPECT_EQ(lists.next_for(1ms), std::nullopt);
        source.gates[2].open();
        EXPECT_EQ(lists.next(), (Numbers{0, 1, 2}));
    });
}

TEST_P(Batches, WhatAReaderHadWhenItWasCancelledComesLater) {
    run([] {
        Source source;
        auto lists = batches(source.numbers(3, 2), 1h, 3);
        Group group;
        auto const reader = group.spawn([&lists] { lists.next(); });
        yield_until([&] { return reader.state() == TaskState::waiting; });
        EXPECT_TRUE(reader.cancel());
        source.gates[2].open();
        EXPECT_EQ(lists.next(), (Numbers{0, 1, 2}));
    });
}

TEST_P(Batches, AnErrorComesByItselfAfterTheListOfWhatCameBefore) {
    run([] {
        Pool pool{4};
        auto lists = batches(pool.imap(std::views::iota(0, 5),
                                       [](int i) {
                                           if (i == 2) throw std::runtime_error("two");
                                           return i;
                                       }),
                             1h);
        EXPECT_EQ(lists.next(), (Numbers{0, 1}));
        EXPECT_EQ(what_is_thrown_by([&] { lists.next(); }), "two");
        EXPECT_EQ(lists.next(), (Numbers{3, 4}));
        EXPECT_EQ(lists.next(), std::nullopt);
    });
}

TEST_P(Batches, AnErrorThatComesFirstAndTheNextOneAreByThemselves) {
    run([] {
        Pool pool{4};
        auto lists = batches(pool.imap(std::views::iota(0, 3),
                                       [](int i) {
                                           if (i < 2) throw std::runtime_error("early");
                                           return i;
                                       }),
                             1h);
        std::vector<bool> values;
        for (auto&& list : lists.outcomes()) {
            EXPECT_EQ(list.index(), values.size());
            values.push_back(list.has_value());
        }
        EXPECT_EQ(values, (std::vector{false, false, true}));
    });
}

TEST_P(Batches, AnInputThatThrowsComesAfterTheListOfWhatCameBefore) {
    run([] {
        Pool pool{4};
        auto broken = std::views::iota(0) | std::views::transform([](int i) {
                          if (i == 3) throw std::out_of_range("input");
                          return i;
                      });
        auto lists = batches(pool.imap(broken, [](int i) { return i; }), 1h);
        EXPECT_EQ(lists.next(), (Numbers{0, 1, 2}));
        EXPECT_THROW(lists.next(), ProviderError);
        EXPECT_EQ(lists.next(), std::nullopt);
    });
}

TEST_P(Batches, OfTasksWithoutResultsTellHowMany) {
    run([] {
        Group group;
        auto lists = batches(group.imap(std::views::iota(0, 5), [](int) {}), 1h, 4);
        EXPECT_EQ(lists.next()->size(), 4U);
        EXPECT_EQ(lists.next()->size(), 1U);
        EXPECT_FALSE(lists.next());
    });
}

TEST_P(Batches, HoldWhatOnlyMoves) {
    run([] {
        Group group;
        int sum = 0;
        for (auto&& list : batches(
                 group.imap(std::views::iota(0, 5), [](int i) { return std::make_unique<int>(i); }), 1h, 2))
            for (auto const& value : list) sum += *value;
        EXPECT_EQ(sum, 10);
    });
}

TEST_P(Batches, LeavingThemCancelsWhatRunsAndWaitsForIt) {
    run([] {
        Gauge gauge;
        Pool pool{3};
        auto const work = [&gauge](int i) {
            Gauge::Inside const inside{gauge};
            if (i >= 2) frond::sleep_for(1h);
            return i;
        };
        for (Numbers&& list : batches(pool.imap_unordered(std::views::iota(0), work), 1ms, 2)) {
            EXPECT_FALSE(list.empty());
            break;
        }
        EXPECT_EQ(gauge.inside(), 0U);
        EXPECT_EQ(pool.stats().live, 0U);
    });
}

TEST_P(Batches, CancelStopsTheStream) {
    run([] {
        Source source;
        auto lists = batches(source.numbers(3, 2), 1h, 2);
        EXPECT_EQ(lists.next(), (Numbers{0, 1}));
        EXPECT_GT(lists.cancel(), 0U);
        EXPECT_EQ(lists.next(), std::nullopt);
    });
}

TEST(BatchesOptions, RejectZeroAndAnEmptyStream) {
    Source source;
    EXPECT_THROW(batches(source.numbers(1), 1s, 0), std::invalid_argument);
    EXPECT_THROW(batches(Stream<int>{}, 1s), std::logic_error);
}

} // namespace
