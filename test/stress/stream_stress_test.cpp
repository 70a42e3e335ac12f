// Streams under fire: never too much at a time, nothing lost, nothing left when they are left early.

#include <frond/stream.hpp>

#include "support/gauge.hpp"
#include "support/lives.hpp"
#include "support/parallel_watchdog.hpp"
#include "support/scale.hpp"
#include "support/threads_test.hpp"
#include "support/unhandled_errors.hpp"

#include <frond/frond.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace frond::test {
namespace {

using namespace std::chrono_literals;
using Random = std::minstd_rand;

/// What an element of the input is, and what becomes of it.
struct Element {
    std::size_t number;
    Mortal life;
};
struct ElementError {
    std::size_t number;
};

/// A stream of one kind or another, of what `work` makes of an input; and counters on all sides.
class Rig {
public:
    explicit Rig(std::uint64_t seed) : random_{static_cast<unsigned>(seed)} {
        kind_ = static_cast<Kind>(random_() % 3);
        limit_ = 1 + random_() % 5;
        buffer_ = 1 + random_() % 5;
        window_ = random_() % 2 == 0 ? unlimited : 1 + random_() % 8;
        if (random_() % 2 == 0) pool_.emplace(std::size_t{1} + random_() % 6);
        fails_ = random_() % 2 == 0;
        eager_consumer_ = random_() % 2 == 0;
        eager_tasks_ = random_() % 2 == 0;
    }

    /// @param length of the input; unlimited: it is infinite
    /// @param throws_at the input throws instead of this element
    Stream<Element> open(std::size_t length, std::size_t throws_at = unlimited) {
        auto input = std::views::iota(std::size_t{0}, length) |
                     std::views::transform([this, throws_at, life = Mortal{inputs_}](std::size_t n) {
                         if (n == throws_at) throw std::runtime_error("input");
                         expect_room(++read_);
                         return Element{n, Mortal{elements_}};
                     });
        StreamOptions const options{.limit = limit_, .buffer = buffer_, .window = window_};
        Group& group = pool_ ? *pool_ : group_;
        auto const f = [this, life = Mortal{callables_}](Element&& e) { return work(std::move(e)); };
        switch (kind_) {
        case Kind::ordered:
            return group.imap(std::move(input), f, options);
        case Kind::unordered:
            return group.imap_unordered(std::move(input), f, options);
        default:
            return concurrent(std::move(input) | std::views::transform([f](Element e) {
                                  return [f, own = std::move(e)]() mutable { return f(std::move(own)); };
                              }),
                              {.limit = limit_, .buffer = buffer_});
        }
    }
    /// @return the number of the next result, or what failed; nothing: it is at its end
    std::optional<std::size_t> read(Stream<Element>& stream) {
        if (!eager_consumer_ && random_() % 3 == 0)
            for (auto turns = random_() % 8; turns > 0; --turns) yield();
        ask();
        try {
            std::optional<Element> e;
            if (random_() % 4 == 0) e = stream.next_for(random_() % 10 * 1us);
            if (!e) e = stream.next();
            if (!e) return std::nullopt;
            return e->number;
        } catch (ElementError const& e) {
            ++errors_read_;
            return e.number;
        }
    }
    /// Before anything is taken: its place may be free at once.
    void ask() { ++asked_; }
    bool is_ordered() const { return kind_ == Kind::ordered; }
    std::size_t begun() const { return in_flight_.visits(); }
    std::size_t unread_errors() const { return errors_ - errors_read_; }
    Random& random() { return random_; }
    /// While streams live, too many had been read from the input at a time, or were in flight.
    void expect_bounds_kept() const {
        EXPECT_LE(most_ahead_, std::min(limit_ + buffer_, is_ordered() ? window_ : unlimited));
        EXPECT_LE(in_flight_.peak(), limit_);
    }
    void expect_nothing_left() const {
        EXPECT_EQ(in_flight_.inside(), 0U);
        EXPECT_EQ(elements_.alive(), 0);
        EXPECT_EQ(callables_.alive(), 0);
        EXPECT_EQ(inputs_.alive(), 0);
        if (!pool_) return;
        auto const stats = pool_->stats();
        EXPECT_EQ(stats.active + stats.pending + stats.live, 0U);
        EXPECT_EQ(stats.overdraft_peak, 0U);
    }

private:
    enum class Kind : std::uint8_t { ordered, unordered, calls };

    Element work(Element e) {
        Gauge::Inside const inside{in_flight_};
        if (!eager_tasks_)
            for (auto turns = e.number * 7 % 5; turns > 0; --turns) yield();
        if (e.number % 64 == 63) sleep_for(e.number % 100 * 1us);
        if (fails_ && e.number % 7 == 3) {
            ++errors_;
            throw ElementError{e.number};
        }
        return e;
    }
    /// What was read and not yet asked for is running or unread.
    void expect_room(std::size_t read) {
        auto const asked = asked_.load();
        auto const ahead = read > asked ? read - asked : 0;
        for (auto most = most_ahead_.load();
             most < ahead && !most_ahead_.compare_exchange_weak(most, ahead);) {
        }
    }

    Random random_;
    Kind kind_;
    std::size_t limit_;
    std::size_t buffer_;
    std::size_t window_;
    bool fails_;
    bool eager_consumer_;
    bool eager_tasks_;
    Lives elements_;
    Lives callables_;
    Lives inputs_;
    Gauge in_flight_;
    std::atomic<std::size_t> read_{0};
    std::atomic<std::size_t> asked_{0};
    std::atomic<std::size_t> most_ahead_{0};
    std::atomic<std::size_t> errors_{0};
    std::size_t errors_read_ = 0; ///< by `read`
    Group group_;
    std::optional<Pool> pool_;
};

class StreamStress : public ThreadsTest {
protected:
    template <class F>
    static void run_rounds(std::size_t count, F body) {
        Watchdog watchdog{"the first round"};
        run([&] {
            for (std::uint64_t seed = 1; seed <= count && !HasFailure(); ++seed) {
                watchdog.pat("round " + std::to_string(seed));
                SCOPED_TRACE("round " + std::to_string(seed));
                Rig rig{seed};
                body(rig);
                rig.expect_bounds_kept();
                rig.expect_nothing_left();
            }
        });
    }
};
INSTANTIATE_TEST_SUITE_P(Threads, StreamStress, testing::Values(0, 1, 2, 4));

std::vector<std::size_t> up_to(std::size_t n) {
    std::vector<std::size_t> numbers(n);
    for (std::size_t i = 0; i < n; ++i) numbers[i] = i;
    return numbers;
}

TEST_P(StreamStress, EveryElementComesOnceAndNeverTooManyAreUnderWay) {
    run_rounds(scaled(400), [](Rig& rig) {
        std::size_t const length = rig.random()() % 150;
        auto stream = rig.open(length);
        std::vector<std::size_t> numbers;
        while (auto const n = rig.read(stream)) numbers.push_back(*n);
        EXPECT_EQ(rig.read(stream), std::nullopt);
        if (!rig.is_ordered()) std::ranges::sort(numbers);
        EXPECT_EQ(numbers, up_to(length));
    });
}

TEST_P(StreamStress, LeavingEarlyLeavesNothingBehind) {
    UnhandledErrors const unhandled;
    std::size_t unread = 0;
    run_rounds(scaled(800), [&unread](Rig& rig) {
        {
            auto stream = rig.open(unlimited);
            for (auto reads = rig.random()() % 60; reads > 0; --reads) EXPECT_TRUE(rig.read(stream));
            if (rig.random()() % 4 == 0) stream.cancel();
        }
        auto const begun = rig.begun();
        rig.expect_nothing_left();
        for (int turns = 0; turns < 5; ++turns) yield();
        EXPECT_EQ(rig.begun(), begun);
        unread += rig.unread_errors();
    });
    std::size_t reported = 0;
    for (TaskError const& e : unhandled.seen()) reported += 1 + e.more;
    EXPECT_EQ(reported, unread);
}

TEST_P(StreamStress, ResultsBeforeTheInputsErrorAllComeAndThenItOnce) {
    run_rounds(scaled(400), [](Rig& rig) {
        std::size_t const throws_at = rig.random()() % 60;
        auto stream = rig.open(unlimited, throws_at);
        std::vector<std::size_t> numbers;
        EXPECT_THROW(while (auto const n = rig.read(stream)) numbers.push_back(*n), ProviderError);
        if (!rig.is_ordered()) std::ranges::sort(numbers);
        EXPECT_EQ(numbers, up_to(throws_at));
        EXPECT_EQ(rig.read(stream), std::nullopt);
    });
}

TEST_P(StreamStress, ReadersOnSeveralThreadsShareTheResults) {
    run_rounds(scaled(100), [](Rig& rig) {
        std::size_t const length = rig.random()() % 200;
        std::vector<std::atomic<int>> arrived(length);
        {
            auto stream = rig.open(length);
            std::atomic<int> reading{3};
            auto const read_all = [&] {
                for (bool more = true; more;) {
                    rig.ask();
                    try {
                        auto const e = stream.next();
                        if (e) ++arrived[e->number];
                        more = e.has_value();
                    } catch (ElementError const& e) {
                        ++arrived[e.number];
                    }
                }
                --reading;
            };
            Group readers;
            for (int i = 0; i < 2; ++i) readers.spawn(read_all);
            std::thread thread{read_all};
            while (reading != 0) sleep_for(50us);
            thread.join();
            readers.join();
        }
        for (std::size_t n = 0; n < length; ++n) EXPECT_EQ(arrived[n], 1) << n;
    });
}

} // namespace
} // namespace frond::test
