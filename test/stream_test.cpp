// What every stream keeps, whichever function made it.

#include <frond/stream.hpp>

#include "support/gate.hpp"
#include "support/gauge.hpp"
#include "support/lives.hpp"
#include "support/scale.hpp"

#include <frond/cancel.hpp>
#include <frond/concurrent.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/outcome.hpp>
#include <frond/pool.hpp>
#include <frond/runtime.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using frond::Group;
using frond::Pool;
using frond::ProviderError;
using frond::Stream;
using frond::StreamOptions;
using frond::test::Gate;
using frond::test::Gauge;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::scaled;
using frond::test::yield_until;

namespace {

static_assert(std::ranges::input_range<Stream<int>>);
static_assert(std::movable<Stream<int>> && !std::copyable<Stream<int>>);
static_assert(!std::copyable<std::ranges::iterator_t<Stream<int>>>);

enum class Kind : std::uint8_t { ordered, unordered, unbound, concurrent };

/// Each test holds for all kinds, on a plain thread (0) and in runtimes of so many threads.
class AnyStream : public testing::TestWithParam<std::tuple<Kind, std::size_t>> {
protected:
    using Call = std::function<int(int)>;

    /// What the streams are made from.
    struct Place {
        explicit Place(std::size_t cap) : pool{cap} {}
        Pool pool;
        Group unbound;
    };

    static Kind kind() { return std::get<0>(GetParam()); }
    static bool is_ordered() { return kind() == Kind::ordered || kind() == Kind::unbound; }

    template <class F>
    static void run(F const& body) {
        if (auto const threads = std::get<1>(GetParam()); threads == 0)
            body();
        else
            frond::Runtime{{.threads = threads}}.run(body);
    }

    template <class Rng>
    static Stream<int> open(Place& place, Rng&& input, Call f, std::size_t limit = 2,
                            std::size_t buffer = 2) {
        StreamOptions const options{.limit = limit, .buffer = buffer};
        switch (kind()) {
        case Kind::ordered:
            return place.pool.imap(std::forward<Rng>(input), std::move(f), options);
        case Kind::unordered:
            return place.pool.imap_unordered(std::forward<Rng>(input), std::move(f), options);
        case Kind::unbound:
            return place.unbound.imap(std::forward<Rng>(input), std::move(f), options);
        case Kind::concurrent:
            break;
        }
        auto const bind = [f = std::move(f)](int i) { return [f, i] { return f(i); }; };
        return frond::concurrent(std::views::all(std::forward<Rng>(input)) | std::views::transform(bind),
                                 {.limit = limit, .buffer = buffer});
    }
    static std::vector<int> read_all(Stream<int>& stream) {
        std::vector<int> results;
        for (int&& result : stream) results.push_back(result);
        if (!is_ordered()) std::ranges::sort(results);
        return results;
    }
    static std::vector<int> numbers(std::size_t n) {
        std::vector<int> all(n);
        std::iota(all.begin(), all.end(), 0);
        return all;
    }
};

INSTANTIATE_TEST_SUITE_P(Kinds, AnyStream,
                         testing::Combine(testing::Values(Kind::ordered, Kind::unordered, Kind::unbound,
                                                          Kind::concurrent),
                                          testing::Values(0, 1, 2, 4)));

int identity(int i) { return i; }

/// 0, 1, 2…; counts how many were read.
auto counted(std::atomic<std::size_t>& read) {
    return std::views::iota(0) | std::views::transform([&read](int i) {
               ++read;
               return i;
           });
}

TEST_P(AnyStream, OfAnEmptyInputIsAtItsEnd) {
    run([] {
        Place place{2};
        auto stream = open(place, std::vector<int>{}, &identity);
        EXPECT_EQ(stream.next(), std::nullopt);
        EXPECT_EQ(stream.next(), std::nullopt);
        EXPECT_TRUE(stream.begin() == stream.end());
    });
}

TEST_P(AnyStream, OfOneElementYieldsOneResult) {
    run([] {
        Place place{2};
        auto stream = open(place, std::vector{7}, &identity);
        EXPECT_EQ(stream.next(), 7);
        EXPECT_EQ(stream.next(), std::nullopt);
    });
}

TEST_P(AnyStream, OfManyYieldsEachResultOnce) {
    run([] {
        auto const n = scaled(2'000);
        Place place{3};
        auto stream = open(
            place, numbers(n),
            [](int i) {
                for (int turn = i * 7 % 5; turn > 0; --turn) frond::yield();
                return i;
            },
            3, 5);
        EXPECT_EQ(read_all(stream), numbers(n));
    });
}

TEST_P(AnyStream, YieldsResultsWhileTheInputWaitsForItsNextElement) {
    run([] {
        Gate second;
        Place place{2};
        auto const slow = std::views::iota(0, 2) | std::views::transform([&second](int i) {
                              if (i == 1) second.pass();
                              return i;
                          });
        auto stream = open(place, slow, &identity);
        EXPECT_EQ(stream.next(), 0);
        second.open();
        EXPECT_EQ(stream.next(), 1);
        EXPECT_EQ(stream.next(), std::nullopt);
    });
}

TEST_P(AnyStream, YieldsWhatWasReadBeforeItsInputThrewThenThatOnceThenNothing) {
    run([] {
        Place place{2};
        auto const throws_at_5 = std::views::iota(0) | std::views::transform([](int i) {
                                     if (i == 5) throw std::out_of_range("five");
                                     return i;
                                 });
        auto stream = open(place, throws_at_5, &identity);
        std::vector<int> results;
        EXPECT_THROW(while (auto result = stream.next()) results.push_back(*result), ProviderError);
        std::ranges::sort(results);
        EXPECT_EQ(results, numbers(5));
        EXPECT_EQ(stream.next(), std::nullopt);
    });
}

TEST_P(AnyStream, NestsInTasksOfItsOwnFullPool) {
    for (std::size_t const cap : {1U, 2U}) {
        run([cap] {
            Gauge gauge;
            Place place{cap};
            auto const row = [&](int y) {
                auto inner = open(place, std::views::iota(0, 4), [&, y](int x) {
                    gauge.visit();
                    return 4 * y + x;
                });
                int sum = 0;
                for (int&& cell : inner) sum += cell;
                return sum;
            };
            auto const sum_of_rows = [&] {
                auto outer = open(place, std::views::iota(0, 4), row);
                int sum = 0;
                for (int&& each : outer) sum += each;
                return sum;
            };
            EXPECT_EQ(place.pool.run(sum_of_rows), 120);
            EXPECT_EQ(gauge.visits(), 16U);
            EXPECT_LE(place.pool.stats().active_peak, cap);
            EXPECT_EQ(place.pool.stats().overdraft_peak, 0U);
        });
    }
}

TEST_P(AnyStream, LeftEarlyLeavesNothingBehind) {
    run([] {
        Gauge gauge;
        Lives lives;
        std::atomic<std::size_t> read{0};
        Place place{2};
        {
            auto stream =
                open(place, counted(read), [&, mortal = Mortal{lives}](int i) { return gauge.visit(), i; });
            int results = 0;
            for ([[maybe_unused]] int&& each : stream)
                if (++results == 3) break;
        }
        auto const visits = gauge.visits();
        auto const elements = read.load();
        EXPECT_EQ(gauge.inside(), 0U);
        EXPECT_EQ(lives.alive(), 0);
        EXPECT_EQ(place.pool.stats().live, 0U);
        for (int turn = 0; turn < 100; ++turn) frond::yield();
        EXPECT_EQ(gauge.visits(), visits);
        EXPECT_EQ(read, elements);
    });
}

TEST_P(AnyStream, RunsAheadOfASlowReaderByLimitAndBufferAndNoFurther) {
    run([] {
        constexpr std::size_t limit = 2;
        constexpr std::size_t buffer = 3;
        std::atomic<std::size_t> read{0};
        Gauge gauge;
        Place place{4};
        auto stream = open(place, counted(read), [&](int i) { return gauge.visit(), i; }, limit, buffer);
        for (std::size_t taken = 0; taken < scaled(200); ++taken) {
            yield_until([&] { return read >= taken + limit + buffer; });
            for (int turn = 0; turn < 20; ++turn) frond::yield();
            ASSERT_EQ(read, taken + limit + buffer);
            ASSERT_TRUE(stream.next());
        }
        EXPECT_LE(gauge.peak(), limit);
    });
}

TEST_P(AnyStream, YieldsATasksErrorInItsPlaceAndGoesOn) {
    run([] {
        Place place{2};
        auto stream = open(place, std::views::iota(0, 9), [](int i) {
            if (i % 3 == 1) throw i;
            return i;
        });
        std::vector<int> results;
        std::vector<int> errors;
        for (bool over = false; !over;) {
            try {
                for (int&& result : stream) results.push_back(result);
                over = true;
            } catch (int i) {
                errors.push_back(i);
                EXPECT_TRUE(!is_ordered() || results.back() == i - 1);
            }
        }
        std::ranges::sort(results);
        std::ranges::sort(errors);
        EXPECT_EQ(results, (std::vector{0, 2, 3, 5, 6, 8}));
        EXPECT_EQ(errors, (std::vector{1, 4, 7}));
    });
}

TEST_P(AnyStream, OutcomesTellTheirPlaceInTheInput) {
    run([] {
        Place place{2};
        auto stream = open(place, std::views::iota(0, 6), [](int i) { return i == 4 ? throw i : 10 * i; });
        std::size_t seen = 0;
        for (frond::Outcome<int>&& outcome : stream.outcomes()) {
            ++seen;
            if (outcome.index() == 4)
                EXPECT_THROW(outcome.value(), int);
            else
                EXPECT_EQ(*outcome, 10 * static_cast<int>(outcome.index()));
        }
        EXPECT_EQ(seen, 6U);
    });
}

TEST_P(AnyStream, SharesItsResultsAmongSeveralReaders) {
    run([] {
        auto const n = scaled(1'000);
        std::vector<std::atomic<int>> times_read(n);
        Place place{2};
        auto stream = open(place, numbers(n), [](int i) { return frond::yield(), i; });
        Group readers;
        for (int i = 0; i < 4; ++i)
            readers.spawn([&] {
                while (auto const result = stream.next()) ++times_read[static_cast<std::size_t>(*result)];
            });
        readers.join();
        EXPECT_TRUE(std::ranges::all_of(times_read, [](auto const& times) { return times == 1; }));
    });
}

TEST_P(AnyStream, GivesWhatIsThereAfterItWasCancelledAndIsThenAtItsEnd) {
    run([] {
        Gauge gauge;
        std::atomic<int> ended{0};
        Place place{4};
        auto stream = open(
            place, std::views::iota(0),
            [&](int i) {
                Gauge::Inside const inside{gauge};
                if (i >= 2) frond::sleep_for(1h);
                return ++ended, i;
            },
            2, 2);
        yield_until([&] { return ended == 2 && gauge.inside() == 2; });
        EXPECT_GE(stream.cancel("enough"), 2U);
        EXPECT_EQ(gauge.inside(), 0U);
        EXPECT_EQ(read_all(stream), (std::vector{0, 1}));
        EXPECT_EQ(stream.next(), std::nullopt);
    });
}

TEST_P(AnyStream, RequestToCancelDoesNotWait) {
    run([] {
        Gate gate;
        std::atomic<bool> started{false};
        Place place{2};
        auto stream = open(place, std::vector{1}, [&](int i) {
            started = true;
            frond::Shield const shield;
            gate.pass();
            return i;
        });
        yield_until([&] { return started.load(); });
        stream.request_cancel();
        gate.open();
        EXPECT_EQ(stream.next(), 1); // it ended all the same
        EXPECT_EQ(stream.next(), std::nullopt);
    });
}

} // namespace
