// Empty, one, many; throwing, nested, left early, read slowly: all of it together, for every bag.

#include <frond/bag.hpp>

#include "support/bag_kinds.hpp"
#include "support/lives.hpp"
#include "support/unhandled_errors.hpp"

#include <frond/duration.hpp>
#include <frond/pool.hpp>
#include <frond/this_task.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <map>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>

using frond::Outcome;
using frond::Pool;
using frond::unlimited;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::Of;
using frond::test::take_turns;
using frond::test::UnhandledErrors;

namespace {

struct Case {
    std::size_t limit;
    std::size_t buffer;
    int tasks;
    bool throws;
    bool nests;
    bool leaves;
    bool is_slow;
    bool by_member; ///< a task of the pool reads
};
std::ostream& operator<<(std::ostream& out, Case const& c) {
    return out << c.tasks << " tasks, limit " << c.limit << ", buffer " << c.buffer
               << (c.throws ? ", throwing" : "") << (c.nests ? ", nested" : "")
               << (c.leaves ? ", early exit" : "") << (c.is_slow ? ", slow" : "")
               << (c.by_member ? ", read by a member" : "");
}

template <class F>
void for_all_cases(F const& f) {
    for (std::size_t const limit : {std::size_t{1}, std::size_t{3}, unlimited})
        for (std::size_t const buffer : {std::size_t{2}, unlimited})
            for (int const tasks : {0, 1, 12})
                for (unsigned bits = 0; bits < 32; ++bits)
                    f(Case{limit, buffer, tasks, (bits & 1U) != 0, (bits & 2U) != 0, (bits & 4U) != 0,
                           (bits & 8U) != 0, (bits & 16U) != 0});
}

/// Runs one case, and keeps what it comes to.
class Play {
public:
    explicit Play(Case const& c) : case_{c} {}

    template <template <class> class B>
    void go(Of<B>) {
        Pool pool{case_.limit};
        if (case_.by_member)
            pool.run([&] { read<B>(pool); });
        else
            read<B>(pool);
        expect_quiet(pool);
        case_.leaves ? expect_part() : expect_all();
    }

private:
    template <template <class> class B>
    void read(Pool& pool) {
        B<int> bag{pool, {.buffer = case_.buffer}};
        for (int i = 0; i < case_.tasks; ++i) spawn(bag, i, case_.nests);
        auto const enough = static_cast<std::size_t>(case_.tasks) / 2;
        std::size_t last = 0;
        for (Outcome<int>&& o : bag.outcomes()) {
            EXPECT_TRUE(!Of<B>::is_ordered || last <= o.index());
            last = o.index();
            ++(o ? seen_[*o] : errors_);
            if (case_.is_slow) take_turns(6);
            EXPECT_TRUE(!is_bounded() || begun_ - taken() <= bound());
            if (case_.leaves && seen_.size() >= enough) break;
        }
    }
    template <class AnyBag>
    void spawn(AnyBag& bag, int i, bool nests) {
        bag.spawn([this, &bag, i, nests, life = Mortal{lives_}] {
            ++begun_;
            if (nests)
                for (int child : {1, 2}) spawn(bag, 100 * child + i, false);
            for (int turn = 0; turn < i % 4; ++turn) frond::yield();
            if (case_.throws && i % 3 == 1) throw std::runtime_error{"one of three"};
            return i;
        });
    }
    bool is_bounded() const {
        return case_.is_slow && !case_.nests && case_.limit != unlimited && case_.buffer != unlimited;
    }
    /// Of what is running or unread.
    int bound() const { return static_cast<int>(case_.limit + case_.buffer); }
    int taken() const { return static_cast<int>(seen_.size()) + errors_; }

    void expect_quiet(Pool const& pool) {
        int const begun = begun_;
        auto const stats = pool.stats();
        EXPECT_EQ(lives_.alive(), 0);
        EXPECT_EQ(stats.active, 0U);
        EXPECT_EQ(stats.live, 0U);
        EXPECT_TRUE(case_.leaves || stats.overdraft_peak == 0);
        EXPECT_TRUE(case_.leaves || stats.active_peak <= case_.limit);
        if (case_.leaves) take_turns(10);
        EXPECT_EQ(begun_, begun);
    }
    void expect_all() const {
        int expected_errors = 0;
        for (int i = 0; i < case_.tasks; ++i)
            for (int child = 0; child <= (case_.nests ? 2 : 0); ++child) {
                int const number = 100 * child + i;
                bool const fails = case_.throws && number % 3 == 1;
                expected_errors += fails ? 1 : 0;
                auto const seen = seen_.find(number);
                EXPECT_EQ(seen != seen_.end() ? seen->second : 0, fails ? 0 : 1) << number;
            }
        EXPECT_EQ(errors_, expected_errors);
        EXPECT_EQ(begun_, taken());
    }
    void expect_part() const {
        for (auto const& [number, times] : seen_) EXPECT_EQ(times, 1) << number;
        EXPECT_LE(taken(), begun_);
    }

    Case const& case_;
    Lives lives_;
    std::atomic<int> begun_{0};
    std::map<int, int> seen_;
    int errors_ = 0;
};

class BagMatrix : public frond::test::BagsTest {};
INSTANTIATE_TEST_SUITE_P(Both, BagMatrix, frond::test::every_bag(), &frond::test::name_of_bag);

TEST_P(BagMatrix, EveryCaseGivesWhatItShouldAndLeavesNothingBehind) {
    UnhandledErrors const unhandled;
    run([]<template <class> class B>(Of<B> of) {
        for_all_cases([of](Case const& c) {
            SCOPED_TRACE(testing::PrintToString(c));
            Play{c}.go(of);
        });
    });
}

} // namespace
