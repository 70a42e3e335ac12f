// Sequence::serial: the order of the program in which each spawn is a call.

#include <frond/ordered_bag.hpp>

#include "support/gate.hpp"
#include "support/lives.hpp"
#include "support/other_thread.hpp"
#include "support/threads_test.hpp"

#include <frond/frond.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace frond::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr BagOptions serial{.sequence = Sequence::serial};

class OrderedBagSerial : public ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, OrderedBagSerial, testing::Values(0, 1, 2, 4));

using Names = std::vector<std::string>;

/// All of it, an error as its text in brackets.
Names names_in(OrderedBag<std::string>& bag) {
    Names names;
    for (auto&& o : bag.outcomes()) {
        try {
            names.push_back(o.value());
        } catch (std::exception const& e) {
            names.push_back("[" + std::string{e.what()} + "]");
        }
    }
    return names;
}

TEST_P(OrderedBagSerial, AChildStandsWhereItWasSpawned) {
    run([] {
        OrderedBag<std::string> bag{serial};
        bag.spawn([&bag] {
            bag.put("before");
            bag.spawn([] { return "child"; });
            bag.put("after");
        });
        EXPECT_THAT(names_in(bag), ElementsAre("before", "child", "after"));
    });
}

TEST_P(OrderedBagSerial, WhatATaskReturnsStandsAfterItsChildren) {
    run([] {
        OrderedBag<std::string> bag{serial};
        Gate parent_is_over;
        bag.spawn([&] {
            bag.spawn([&] {
                parent_is_over.pass();
                return "child";
            });
            return "parent";
        });
        bag.spawn([&] {
            parent_is_over.open();
            return "next";
        });
        EXPECT_THAT(names_in(bag), ElementsAre("child", "parent", "next"));
    });
}

TEST_P(OrderedBagSerial, GrandchildrenStandBetweenTheirParentsSiblings) {
    run([] {
        OrderedBag<std::string> bag{serial};
        std::function<void(std::string)> const walk = [&](std::string const& name) {
            bag.put(name);
            if (name.size() < 3)
                for (char const* child : {"a", "b"}) bag.spawn(walk, name + child);
        };
        bag.spawn(walk, "r");
        EXPECT_THAT(names_in(bag), ElementsAre("r", "ra", "raa", "rab", "rb", "rba", "rbb"));
    });
}

TEST_P(OrderedBagSerial, TasksThatEndBackwardsAreReadForwards) {
    run([] {
        OrderedBag<std::string> bag{serial};
        Gate second;
        Gate third;
        bag.spawn([&] {
            bag.spawn([&] {
                second.pass();
                return "1";
            });
            bag.spawn([&] {
                third.pass();
                second.open();
                return "2";
            });
        });
        bag.spawn([&] {
            third.open();
            return "3";
        });
        EXPECT_THAT(names_in(bag), ElementsAre("1", "2", "3"));
    });
}

TEST_P(OrderedBagSerial, NoneOneAndManyPutsAreAllRight) {
    run([] {
        OrderedBag<std::string> bag{serial};
        for (std::size_t puts : {0U, 1U, 3U, 0U, 2U})
            bag.spawn([&bag, puts] {
                for (std::size_t i = 0; i < puts; ++i) {
                    bag.put(std::to_string(puts) + "." + std::to_string(i));
                    yield();
                }
            });
        EXPECT_THAT(names_in(bag), ElementsAre("1.0", "3.0", "3.1", "3.2", "2.0", "2.1"));
    });
}

TEST_P(OrderedBagSerial, AnEmptyOptionalClosesItsPlace) {
    run([] {
        OrderedBag<std::string> bag{serial};
        for (int i = 0; i < 4; ++i)
            bag.spawn([&bag, i]() -> std::optional<std::string> {
                bag.spawn([i] { return "below " + std::to_string(i); });
                if (i % 2 == 0) return std::nullopt;
                return std::to_string(i);
            });
        EXPECT_THAT(names_in(bag), ElementsAre("below 0", "below 1", "1", "below 2", "below 3", "3"));
    });
}

TEST_P(OrderedBagSerial, AnErrorStandsAfterWhatItsTaskPutAndSpawned) {
    run([] {
        OrderedBag<std::string> bag{serial};
        bag.spawn([&]() -> std::string {
            bag.put("put");
            bag.spawn([] { return "child"; });
            throw std::runtime_error("failed");
        });
        bag.spawn([] { return "next"; });
        EXPECT_THAT(names_in(bag), ElementsAre("put", "child", "[failed]", "next"));
    });
}

TEST_P(OrderedBagSerial, ACancelledTaskClosesItsPlace) {
    run([] {
        OrderedBag<std::string> bag{serial};
        bag.spawn([&]() -> std::string {
            bag.put("put");
            bag.spawn([] { return "child"; });
            throw Cancelled{};
        });
        bag.spawn([] { return "next"; });
        EXPECT_THAT(names_in(bag), ElementsAre("put", "child", "next"));
    });
}

TEST_P(OrderedBagSerial, WhatWasCancelledBeforeItStartedHoldsNothingUp) {
    run([] {
        Pool pool{1};
        OrderedBag<std::string> bag{pool, serial};
        Gate started;
        bag.spawn([&] {
            bag.put("put");
            started.open();
            sleep_for(forever);
        });
        bag.spawn([] { return "never"; });
        started.pass();
        bag.cancel();
        bag.spawn([] { return "later"; });
        EXPECT_THAT(names_in(bag), ElementsAre("put", "later"));
    });
}

TEST_P(OrderedBagSerial, ItsMakerMayPutAndSpawnInBetween) {
    run([] {
        OrderedBag<std::string> bag{serial};
        bag.put("1");
        bag.spawn([&bag] {
            yield();
            bag.put("2");
        });
        bag.put("3");
        EXPECT_EQ(bag.next(), "1");
        EXPECT_EQ(bag.next(), "2");
        bag.spawn([] { return "4"; });
        EXPECT_THAT(names_in(bag), ElementsAre("3", "4"));
        bag.put("5");
        EXPECT_THAT(names_in(bag), ElementsAre("5"));
    });
}

TEST_P(OrderedBagSerial, ATaskThatMadeItMayPutAndSpawn) {
    run([] {
        Group group;
        group.spawn([] {
            OrderedBag<std::string> bag{serial};
            bag.spawn([] { return "task"; });
            bag.put("maker");
            EXPECT_THAT(names_in(bag), ElementsAre("task", "maker"));
        });
        group.join();
    });
}

TEST_P(OrderedBagSerial, ItsMakerMayBeOnAnotherThreadThanItsPool) {
    run([] {
        Pool pool{2};
        on_other_thread([&pool] {
            OrderedBag<std::string> bag{pool, serial};
            bag.put("1");
            bag.spawn([&bag] {
                bag.spawn([] { return "2"; });
                bag.put("3");
            });
            bag.put("4");
            bag.spawn([] { return "5"; });
            EXPECT_THAT(names_in(bag), ElementsAre("1", "2", "3", "4", "5"));
        });
    });
}

TEST_P(OrderedBagSerial, GroupsInsideItsTasksDoNotDisturbTheOrder) {
    run([] {
        Pool pool{1};
        OrderedBag<int> bag{pool, serial};
        for (int i = 0; i < 4; ++i)
            bag.spawn([&pool, &bag, i] {
                Group own{pool};
                auto const number = own.spawn([i] {
                    yield();
                    return 10 * i;
                });
                bag.spawn([i] { return 10 * i + 1; });
                bag.put(number.get());
                own.join();
                return 10 * i + 2;
            });
        std::vector<int> items;
        for (int&& item : bag) items.push_back(item);
        EXPECT_THAT(items, ElementsAre(1, 0, 2, 11, 10, 12, 21, 20, 22, 31, 30, 32));
    });
}

// --- strangers -------------------------------------------------------------------------------------------

/// Tries both ways.
void expect_refusal(OrderedBag<std::string>& bag) {
    Lives callables;
    EXPECT_THROW(bag.put("stranger"), std::logic_error);
    EXPECT_THROW(bag.spawn([life = Mortal{callables}] { return "stranger"; }), std::logic_error);
    EXPECT_EQ(callables.alive(), 0);
    EXPECT_EQ(bag.size(), 0U);
}

/// And nothing of that came in.
void expect_nothing_in(OrderedBag<std::string>& bag) {
    bag.put("maker");
    EXPECT_THAT(names_in(bag), ElementsAre("maker"));
}

TEST_P(OrderedBagSerial, RefusesTheTaskOfAnotherGroup) {
    run([] {
        OrderedBag<std::string> bag{serial};
        Group strangers;
        strangers.spawn([&] { expect_refusal(bag); });
        strangers.join();
        expect_nothing_in(bag);
    });
}

TEST_P(OrderedBagSerial, RefusesTheTaskOfAnotherBag) {
    run([] {
        OrderedBag<std::string> bag{serial};
        OrderedBag<std::string> other{serial};
        other.spawn([&] { expect_refusal(bag); });
        EXPECT_THAT(names_in(other), IsEmpty());
        expect_nothing_in(bag);
    });
}

TEST_P(OrderedBagSerial, RefusesTheFiberThatStartedItsMaker) {
    run([] {
        std::optional<OrderedBag<std::string>> bag;
        Group group;
        group.spawn([&] { bag.emplace(serial); });
        group.join();
        expect_refusal(*bag);
        EXPECT_THAT(names_in(*bag), IsEmpty());
    });
}

TEST_P(OrderedBagSerial, RefusesOtherThreads) {
    run([] {
        OrderedBag<std::string> bag{serial};
        on_other_thread([&] { expect_refusal(bag); });
        expect_nothing_in(bag);
    });
}

TEST_P(OrderedBagSerial, RefusesADescendantInAnotherGroup) {
    run([] {
        OrderedBag<std::string> bag{serial};
        bag.spawn([&] {
            Group own;
            own.spawn([&] {
                EXPECT_THROW(bag.put("stranger"), std::logic_error);
                EXPECT_THROW(bag.spawn([] { return "stranger"; }), std::logic_error);
            });
            own.join();
            EXPECT_EQ(bag.size(), 1U);
            return "own";
        });
        EXPECT_THAT(names_in(bag), ElementsAre("own"));
    });
}

TEST_P(OrderedBagSerial, AnyoneMayReadIt) {
    run([] {
        OrderedBag<std::string> bag{serial};
        bag.put("1");
        bag.spawn([] { return "2"; });
        Group readers;
        readers.spawn([&] { EXPECT_THAT(names_in(bag), ElementsAre("1", "2")); });
        readers.join();
    });
}

} // namespace
} // namespace frond::test
