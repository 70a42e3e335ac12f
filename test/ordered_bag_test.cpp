// The order by spawn: whatever the order in which tasks end, their items come in that of the spawn calls.

#include <frond/ordered_bag.hpp>

#include "support/gate.hpp"
#include "support/other_thread.hpp"
#include "support/scale.hpp"
#include "support/threads_test.hpp"
#include "support/what_of.hpp"

#include <frond/bag.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using frond::Bag;
using frond::Cancelled;
using frond::Group;
using frond::OrderedBag;
using frond::Pool;
using frond::test::Gate;
using frond::test::on_other_thread;
using frond::test::scaled;
using frond::test::what_of;
using frond::test::yield_until;
using testing::ElementsAre;

namespace {

class InSpawnOrder : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, InSpawnOrder, testing::Values(0, 1, 2, 4));

std::vector<int> rest_of(OrderedBag<int>& bag) {
    std::vector<int> items;
    for (int&& item : bag) items.push_back(item);
    return items;
}

std::vector<int> up_to(int n) {
    std::vector<int> numbers(static_cast<std::size_t>(n));
    std::iota(numbers.begin(), numbers.end(), 0);
    return numbers;
}

/// Gates of which each opens the one before it.
class Backwards {
public:
    explicit Backwards(std::size_t n) : gates_(n + 1) { gates_.back().open(); }
    void pass(std::size_t i) {
        gates_[i + 1].pass();
        gates_[i].open();
    }

private:
    std::vector<Gate> gates_;
};

// --- what tasks return -----------------------------------------------------------------------------------

TEST_P(InSpawnOrder, ComeTheResultsOfTasksThatFinishBackwards) {
    run([] {
        Backwards backwards{20};
        OrderedBag<int> bag;
        for (int i = 0; i < 20; ++i)
            bag.spawn([&backwards, i] {
                backwards.pass(static_cast<std::size_t>(i));
                return i;
            });
        EXPECT_EQ(rest_of(bag), up_to(20));
    });
}

TEST_P(InSpawnOrder, ComeTheResultsWhateverTheirDurationsAndTheCap) {
    run([] {
        auto const many = static_cast<int>(scaled(300));
        std::mt19937 dice{7};
        for (std::size_t const limit : {1U, 3U, 50U}) {
            Pool pool{limit};
            OrderedBag<int> bag{pool};
            for (int i = 0; i < many; ++i)
                bag.spawn([i, turns = dice() % 8] {
                    for (std::size_t t = 0; t < turns; ++t) frond::yield();
                    return i;
                });
            EXPECT_EQ(rest_of(bag), up_to(many));
        }
    });
}

TEST_P(InSpawnOrder, AResultWaitsForThoseBeforeIt) {
    run([] {
        Gate gate;
        OrderedBag<int> bag;
        bag.spawn([&gate] {
            gate.pass();
            return 1;
        });
        bag.spawn([] { return 2; });
        yield_until([&bag] { return bag.size() == 1; });
        EXPECT_FALSE(bag.next_for(0s));
        gate.open();
        EXPECT_THAT(rest_of(bag), ElementsAre(1, 2));
    });
}

TEST_P(InSpawnOrder, TheFirstResultWaitsForNoOther) {
    run([] {
        Gate gate;
        OrderedBag<int> bag;
        bag.spawn([] { return 1; });
        bag.spawn([&gate] {
            gate.pass();
            return 2;
        });
        EXPECT_EQ(bag.next(), 1);
        gate.open();
        EXPECT_EQ(bag.next(), 2);
    });
}

TEST_P(InSpawnOrder, EmptyTasksCloseTheirPlaces) {
    run([] {
        Backwards backwards{6};
        OrderedBag<int> bag;
        for (int i = 0; i < 6; ++i)
            bag.spawn([&backwards, i] {
                backwards.pass(static_cast<std::size_t>(i));
                return i % 2 == 0 ? std::optional{i} : std::nullopt;
            });
        bag.spawn([] {});
        EXPECT_THAT(rest_of(bag), ElementsAre(0, 2, 4));
    });
}

TEST_P(InSpawnOrder, ErrorsStandInTheirPlace) {
    run([] {
        Backwards backwards{5};
        OrderedBag<int> bag;
        for (int i = 0; i < 5; ++i)
            bag.spawn([&backwards, i] {
                backwards.pass(static_cast<std::size_t>(i));
                if (i % 2 == 1) throw std::runtime_error{std::to_string(i)};
                return i;
            });
        std::string seen;
        for (auto&& o : bag.outcomes()) seen += o ? std::to_string(*o) : "(" + what_of(o.error()) + ")";
        EXPECT_EQ(seen, "0(1)2(3)4");
    });
}

TEST_P(InSpawnOrder, CancelledTasksCloseTheirPlaces) {
    run([] {
        Backwards backwards{4};
        OrderedBag<int> bag;
        for (int i = 0; i < 4; ++i)
            bag.spawn([&backwards, i] {
                backwards.pass(static_cast<std::size_t>(i));
                if (i == 1) throw Cancelled{"by itself"};
                return i;
            });
        EXPECT_THAT(rest_of(bag), ElementsAre(0, 2, 3));
    });
}

TEST_P(InSpawnOrder, TasksThatAreSpawnedMeanwhileComeAtTheEnd) {
    run([] {
        Gate first_three;
        Gate spawned;
        OrderedBag<int> bag;
        bag.spawn([&] {
            first_three.pass(); // with several threads it may run at once
            bag.spawn([] { return 3; });
            spawned.open();
            return 0;
        });
        bag.spawn([&spawned] {
            spawned.pass();
            return 1;
        });
        bag.spawn([] { return 2; });
        first_three.open();
        spawned.pass();
        bag.spawn([] { return 4; });
        EXPECT_THAT(rest_of(bag), ElementsAre(0, 1, 2, 3, 4));
    });
}

TEST_P(InSpawnOrder, IndicesNumberTheTasks) {
    run([] {
        OrderedBag<int> bag;
        for (int i = 0; i < 10; ++i)
            bag.spawn([&bag, i] {
                for (int k = 0; k < i % 3; ++k) bag.put(i);
                return i % 2 == 0 ? std::optional{i} : std::nullopt;
            });
        for (auto&& o : bag.outcomes()) EXPECT_EQ(static_cast<int>(o.index()), *o);
    });
}

TEST_P(InSpawnOrder, AloneDecidesNotTheOrderOfThePool) {
    run([] {
        Pool pool{{.limit = 1, .order = frond::Order::newest}};
        OrderedBag<int> bag{pool};
        for (int i = 0; i < 30; ++i) bag.spawn([i] { return i; });
        EXPECT_EQ(rest_of(bag), up_to(30));
    });
}

// --- what they put ---------------------------------------------------------------------------------------

TEST_P(InSpawnOrder, WhatATaskPutsStandsInItsPlaceBeforeItsResult) {
    run([] {
        Backwards backwards{3};
        OrderedBag<int> bag;
        for (int i = 0; i < 3; ++i)
            bag.spawn([&, i] {
                bag.put(10 * i);
                backwards.pass(static_cast<std::size_t>(i));
                bag.put(10 * i + 1);
                return 10 * i + 2;
            });
        EXPECT_THAT(rest_of(bag), ElementsAre(0, 1, 2, 10, 11, 12, 20, 21, 22));
    });
}

TEST_P(InSpawnOrder, WhatTheFirstTaskPutsIsReadWhileItRuns) {
    run([] {
        Gate read;
        OrderedBag<int> bag;
        bag.spawn([&] {
            bag.put(1);
            read.pass();
            return 2;
        });
        EXPECT_EQ(bag.next(), 1);
        read.open();
        EXPECT_EQ(bag.next(), 2);
    });
}

TEST_P(InSpawnOrder, WhatAFailingTaskPutComesBeforeItsError) {
    run([] {
        OrderedBag<int> bag;
        bag.spawn([&bag]() -> int {
            bag.put(1);
            bag.put(2);
            throw std::runtime_error{"three"};
        });
        bag.put(4);
        EXPECT_EQ(bag.next(), 1);
        EXPECT_EQ(bag.next(), 2);
        EXPECT_THROW(bag.next(), std::runtime_error);
        EXPECT_EQ(bag.next(), 4);
    });
}

TEST_P(InSpawnOrder, WhatIsPutFromOutsideStandsAtTheEnd) {
    run([] {
        Gate gate;
        OrderedBag<int> bag;
        bag.put(0);
        bag.spawn([&gate] {
            gate.pass();
            return 1;
        });
        bag.put(2);
        bag.spawn([] { return 3; });
        Group stranger;
        stranger.run([&bag] { bag.put(4); });
        on_other_thread([&bag] { bag.put(5); });
        gate.open();
        EXPECT_THAT(rest_of(bag), ElementsAre(0, 1, 2, 3, 4, 5));
    });
}

TEST_P(InSpawnOrder, WhatATasksDescendantsPutTakesItsPlace) {
    run([] {
        Gate gate;
        OrderedBag<int> bag;
        bag.spawn([&] {
            gate.pass();
            Group children;
            children.run([&bag] { bag.put(1); });
            children.run([&bag] {
                Group grandchildren;
                grandchildren.spawn([&bag] { bag.put(2); });
            });
            Pool pool{1};
            pool.run([&bag] { bag.put(3); });
            Bag<int> other;
            other.spawn([&bag] { bag.put(4); });
            other.next();
            return 5;
        });
        bag.spawn([&] {
            bag.put(6);
            gate.open();
        });
        EXPECT_THAT(rest_of(bag), ElementsAre(1, 2, 3, 4, 5, 6));
    });
}

TEST_P(InSpawnOrder, WhatADescendantPutsIntoSeveralBagsTakesThePlaceInEach) {
    run([] {
        Gate gate;
        OrderedBag<int> outer;
        OrderedBag<int> inner;
        outer.spawn([&] {
            gate.pass();
            inner.spawn([&] {
                Group{}.run([&] {
                    outer.put(1);
                    inner.put(11);
                });
                return 12;
            });
            EXPECT_EQ(inner.next(), 11);
            EXPECT_EQ(inner.next(), 12);
        });
        outer.spawn([&gate] {
            gate.open();
            return 2;
        });
        EXPECT_THAT(rest_of(outer), ElementsAre(1, 2));
    });
}

TEST_P(InSpawnOrder, ADescendantThatOutlivesTheTaskPutsAtTheEnd) {
    run([] {
        Gate gate;
        Group group;
        OrderedBag<int> bag;
        auto hold = bag.keep_open();
        bag.spawn([&] {
            group.spawn([&, held = std::move(hold)] {
                gate.pass();
                bag.put(3);
            });
            return 1;
        });
        bag.spawn([] { return 2; });
        EXPECT_EQ(bag.next(), 1);
        EXPECT_EQ(bag.next(), 2);
        gate.open();
        EXPECT_EQ(bag.next(), 3);
        group.join();
    });
}

TEST_P(InSpawnOrder, NestedFanOutKeepsTheOrderOfEachTasksChildren) {
    run([] {
        Pool pool{3};
        OrderedBag<std::string> bag{pool};
        std::function<std::string(std::string)> const walk = [&](std::string const& path) {
            for (char c = 'a'; path.size() < 4 && c < 'd'; ++c)
                bag.spawn([&walk, next = path + c] { return walk(next); });
            return path;
        };
        bag.spawn([&walk] { return walk(""); });
        std::vector<std::string> seen;
        std::size_t last = 0;
        for (auto&& o : bag.outcomes()) {
            EXPECT_TRUE(seen.empty() || o.index() > last);
            last = o.index();
            auto const parent = o->substr(0, o->empty() ? 0 : o->size() - 1);
            auto const before = [&](std::string const& path) {
                return std::count(seen.begin(), seen.end(), path) == 1;
            };
            EXPECT_TRUE(o->empty() || before(parent));
            EXPECT_TRUE(o->empty() || o->back() == 'a' || before(parent + static_cast<char>(o->back() - 1)));
            seen.push_back(*o);
        }
        EXPECT_EQ(seen.size(), 121U);
    });
}

} // namespace
