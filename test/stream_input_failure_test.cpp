// What becomes of an input that fails.

#include <frond/group.hpp>

#include "support/gate.hpp"
#include "support/generated.hpp"
#include "support/threads_test.hpp"
#include "support/what_of.hpp"

#include <frond/errors.hpp>
#include <frond/outcome.hpp>
#include <frond/pool.hpp>
#include <frond/stream.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::Pool;
using frond::ProviderError;
using frond::Stream;
using frond::test::Generated;
using frond::test::what_of;
using frond::test::yield_until;

namespace {

class StreamInputFailure : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, StreamInputFailure, testing::Values(0, 1, 2, 4));

int identity(int i) { return i; }

enum class Where : std::uint8_t { begin, increment, dereference, end };

/// 0, 1, 2…, but at `fails_at` something throws.
struct Failing {
    struct Iterator {
        using iterator_concept = std::input_iterator_tag;
        using value_type = int;
        using difference_type = std::ptrdiff_t;
        void check(Where here) const {
            if (where == here && position == fails_at) throw std::out_of_range("gone");
        }
        int operator*() const { return check(Where::dereference), position; }
        Iterator& operator++() {
            ++position;
            check(Where::increment);
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(Iterator const& i, std::default_sentinel_t) {
            return i.check(Where::end), false;
        }

        Where where;
        int fails_at;
        int position = 0;
    };
    Iterator begin() const {
        Iterator const first{where, fails_at};
        first.check(Where::begin);
        return first;
    }
    std::default_sentinel_t end() const { return {}; }

    Where where;
    int fails_at;
};

void expect_provider_error_after(int results, Stream<int> stream) {
    for (int i = 0; i < results; ++i) EXPECT_EQ(stream.next(), i);
    try {
        stream.next();
        ADD_FAILURE() << "no error";
    } catch (ProviderError const& e) {
        EXPECT_THROW(e.rethrow_nested(), std::out_of_range);
        EXPECT_EQ(what_of(e.nested_ptr()), "gone");
        EXPECT_NE(std::string{e.what()}.find("gone"), std::string::npos);
    }
    EXPECT_EQ(stream.next(), std::nullopt);
    EXPECT_TRUE(stream.begin() == stream.end());
}

TEST_P(StreamInputFailure, ComesOnceAfterTheResultsOfWhatWasRead) {
    run([] {
        Pool pool{2};
        expect_provider_error_after(0, pool.imap(Failing{Where::begin, 0}, &identity));
        for (auto const where : {Where::increment, Where::dereference, Where::end})
            expect_provider_error_after(5, pool.imap(Failing{where, 5}, &identity));
        expect_provider_error_after(0, pool.imap(Failing{Where::end, 0}, &identity));
        EXPECT_EQ(pool.stats().live, 0U);
    });
}

TEST_P(StreamInputFailure, IsNoOutcomeButLeavesTheLoopOverOutcomes) {
    run([] {
        Pool pool{2};
        auto stream = pool.imap(Failing{Where::increment, 4}, &identity);
        std::size_t seen = 0;
        auto const loop = [&] {
            for (auto&& outcome : stream.outcomes()) {
                EXPECT_TRUE(outcome.has_value());
                ++seen;
            }
        };
        EXPECT_THROW(loop(), ProviderError);
        EXPECT_NO_THROW(loop());
        EXPECT_EQ(seen, 4U);
    });
}

TEST_P(StreamInputFailure, IsAlsoAnElementThatCannotBeCopied) {
    struct Stubborn {
        explicit Stubborn(int v) : value{v} {}
        Stubborn(Stubborn const& other) : value{other.value} {
            if (value == 2) throw std::out_of_range("gone");
        }
        Stubborn(Stubborn&&) = default;
        Stubborn& operator=(Stubborn const&) = default;
        Stubborn& operator=(Stubborn&&) = default;
        ~Stubborn() = default;
        int value;
    };
    run([] {
        std::vector<Stubborn> input;
        input.reserve(4);
        for (int i = 0; i < 4; ++i) input.emplace_back(i);
        Pool pool{2};
        expect_provider_error_after(2, pool.imap(input, [](Stubborn const& s) { return s.value; }));
    });
}

TEST_P(StreamInputFailure, IsAlsoACancelledThatTheInputThrows) {
    run([] {
        Pool pool{2};
        auto const cancelled = pool.spawn([] { throw Cancelled{}; });
        auto stream = pool.imap(Generated{[&, i = 0]() mutable {
                                    if (++i == 3) cancelled.get();
                                    return i;
                                }},
                                &identity);
        EXPECT_EQ(stream.next(), 1);
        EXPECT_EQ(stream.next(), 2);
        try {
            stream.next();
            ADD_FAILURE() << "the input broke off unseen";
        } catch (ProviderError const& e) {
            EXPECT_THROW(e.rethrow_nested(), Cancelled);
        }
        EXPECT_EQ(stream.next(), std::nullopt);
    });
}

TEST_P(StreamInputFailure, IsNotThatTheStreamItselfWasCancelled) {
    run([] {
        std::atomic<bool> waits{false};
        Pool pool{2};
        auto stream = pool.imap(Generated{[&, i = 0]() mutable {
                                    if (++i < 3) return i;
                                    waits = true;
                                    return frond::sleep_for(1h), i;
                                }},
                                &identity);
        EXPECT_EQ(stream.next(), 1);
        yield_until([&] { return waits && pool.stats().active == 0; });
        stream.cancel();
        EXPECT_EQ(stream.next(), 2);
        EXPECT_EQ(stream.next(), std::nullopt);
    });
}

} // namespace
