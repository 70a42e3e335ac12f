#include <frond/as_completed.hpp>

#include "support/gate.hpp"
#include "support/other_thread.hpp"
#include "support/threads_test.hpp"
#include "support/unhandled_errors.hpp"
#include "support/what_of.hpp"

#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/runtime.hpp>
#include <frond/stream.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <numeric>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using frond::as_completed;
using frond::Cancelled;
using frond::Group;
using frond::Pool;
using frond::Runtime;
using frond::Task;
using frond::TaskState;
using frond::test::Gate;
using frond::test::UnhandledErrors;
using frond::test::what_is_thrown_by;
using frond::test::yield_until;

namespace {

using Tasks = std::vector<Task<int>>;
static_assert(std::is_same_v<decltype(as_completed(std::declval<Tasks&>())), frond::Stream<Task<int>>>);

class AsCompleted : public frond::test::ThreadsTest {};
INSTANTIATE_TEST_SUITE_P(Threads, AsCompleted, testing::Values(0, 1, 2, 4));

/// Tasks that end when they are told to, with their numbers.
struct Gated {
    std::array<Gate, 4> gates;

    Task<int> spawn(Group& group, std::size_t i) {
        return group.spawn([this, i] {
            gates.at(i).pass();
            return static_cast<int>(i);
        });
    }
};

TEST_P(AsCompleted, GivesTheHandlesInTheOrderInWhichTheTasksEnd) {
    run([] {
        Gated gated;
        Group group;
        Tasks tasks;
        for (std::size_t i = 0; i < 4; ++i) tasks.push_back(gated.spawn(group, i));
        auto stream = as_completed(tasks);
        for (int const i : {2, 0, 3, 1}) {
            gated.gates.at(static_cast<std::size_t>(i)).open();
            auto const task = stream.next();
            ASSERT_TRUE(task);
            EXPECT_TRUE(task->ready());
            EXPECT_EQ(task->get(), i);
        }
        EXPECT_EQ(stream.next(), std::nullopt);
    });
}

TEST_P(AsCompleted, TellsTheirPlacesInTheInput) {
    run([] {
        Group group;
        Tasks tasks;
        for (int i = 0; i < 20; ++i) tasks.push_back(group.spawn([i] { return i; }));
        std::size_t count = 0;
        for (auto&& outcome : as_completed(tasks).outcomes()) {
            EXPECT_EQ(static_cast<std::size_t>(outcome->get()), outcome.index());
            ++count;
        }
        EXPECT_EQ(count, 20U);
    });
}

TEST_P(AsCompleted, GivesTasksThatHaveEndedBefore) {
    run([] {
        Group group;
        Tasks const tasks{group.spawn([] { return 1; }), group.spawn([] { return 2; })};
        group.join();
        int sum = 0;
        for (Task<int>&& task : as_completed(tasks)) sum += task.get();
        EXPECT_EQ(sum, 3);
    });
}

TEST_P(AsCompleted, OfNothingIsAtItsEndAtOnce) {
    run([] { EXPECT_FALSE(as_completed(Tasks{}).next()); });
}

TEST_P(AsCompleted, TakesATemporaryAndALazyRange) {
    run([] {
        Group group;
        int sum = 0;
        for (auto&& task : as_completed(Tasks{group.spawn([] { return 1; })})) sum += task.get();
        auto spawned = std::views::iota(0, 10) |
                       std::views::transform([&](int i) { return group.spawn([i] { return i; }); });
        for (auto&& task : as_completed(spawned)) sum += task.get();
        EXPECT_EQ(sum, 46);
    });
}

TEST_P(AsCompleted, TakesTasksOfSeveralGroups) {
    run([] {
        Gated gated;
        Pool pool{1};
        Group group;
        Group bound{pool};
        Tasks const tasks{gated.spawn(pool, 0), gated.spawn(bound, 1), gated.spawn(group, 2)};
        auto stream = as_completed(tasks);
        for (int const i : {2, 0, 1}) {
            gated.gates.at(static_cast<std::size_t>(i)).open();
            EXPECT_EQ(stream.next().value().get(), i);
        }
    });
}

TEST_P(AsCompleted, TakesTasksOfOtherHomes) {
    run([] {
        Runtime elsewhere{{.threads = 2}};
        auto const there = elsewhere.run([] { return std::make_unique<Group>(); });
        Gated gated;
        Group here;
        Tasks const tasks{gated.spawn(here, 0), gated.spawn(*there, 1)};
        auto stream = as_completed(tasks);
        gated.gates[1].open();
        EXPECT_EQ(stream.next().value().get(), 1);
        gated.gates[0].open();
        EXPECT_EQ(stream.next().value().get(), 0);
    });
}

TEST_P(AsCompleted, IsReadByAnotherThreadThanTheTasksRunOn) {
    run([] {
        Gated gated;
        Group group;
        Tasks const tasks{gated.spawn(group, 0), gated.spawn(group, 1)};
        auto const order = frond::test::on_other_thread([&] {
            std::vector<int> numbers;
            auto stream = as_completed(tasks); // its home is that thread
            for (int const i : {1, 0}) {
                gated.gates.at(static_cast<std::size_t>(i)).open();
                numbers.push_back(stream.next().value().get());
            }
            return numbers;
        });
        EXPECT_EQ(order, (std::vector<int>{1, 0}));
    });
}

TEST_P(AsCompleted, FailedAndCancelledTasksAreHandlesToo) {
    run([] {
        Group group;
        auto const good = group.spawn([] { return 1; });
        auto const bad = group.spawn([]() -> int { throw std::runtime_error("failed"); });
        auto const stopped = group.spawn([] {
            frond::sleep_for(1h);
            return 3;
        });
        stopped.request_cancel();
        std::array<int, 6> states{};
        for (Task<int>&& task : as_completed(Tasks{good, bad, stopped}))
            ++states.at(static_cast<std::size_t>(task.state()));
        EXPECT_EQ(states.at(static_cast<std::size_t>(TaskState::done)), 1);
        EXPECT_EQ(states.at(static_cast<std::size_t>(TaskState::failed)), 1);
        EXPECT_EQ(states.at(static_cast<std::size_t>(TaskState::cancelled)), 1);
        // It does not count as having seen the error.
        EXPECT_EQ(what_is_thrown_by([&group] { group.join(); }), "failed");
    });
}

TEST_P(AsCompleted, AnEmptyHandleIsAnErrorInItsPlace) {
    run([] {
        Group group;
        auto stream = as_completed(Tasks{Task<int>{}, group.spawn([] { return 1; })});
        int errors = 0;
        int values = 0;
        for (auto&& outcome : stream.outcomes()) {
            ++(outcome ? values : errors);
            if (!outcome) {
                EXPECT_THROW(outcome.value(), std::logic_error);
            }
        }
        EXPECT_EQ(errors, 1);
        EXPECT_EQ(values, 1);
    });
}

TEST_P(AsCompleted, LeavingItLeavesTheTasksAlone) {
    UnhandledErrors const unhandled;
    run([] {
        Gated gated;
        Group group;
        Tasks tasks;
        for (std::size_t i = 0; i < 4; ++i) tasks.push_back(gated.spawn(group, i));
        gated.gates[1].open();
        for (Task<int>&& task : as_completed(tasks)) {
            EXPECT_EQ(task.get(), 1);
            break;
        }
        EXPECT_EQ(group.size(), 3U);
        for (auto const& gate : {0U, 2U, 3U}) gated.gates.at(gate).open();
        for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(tasks[i].get(), static_cast<int>(i));
    });
    EXPECT_TRUE(unhandled.seen().empty());
}

TEST_P(AsCompleted, LeavesTheTasksAloneWhenItsReaderIsCancelled) {
    run([] {
        Gated gated;
        Group group;
        auto const task = gated.spawn(group, 0);
        Group readers;
        auto const reader = readers.spawn([&task] {
            for (auto&& each : as_completed(std::vector{task})) each.get();
        });
        yield_until([&] { return reader.state() == TaskState::waiting; });
        EXPECT_TRUE(reader.cancel());
        EXPECT_FALSE(task.ready());
        gated.gates[0].open();
        EXPECT_EQ(task.get(), 0);
    });
}

TEST_P(AsCompleted, AMemberOfAFullPoolReadsWhatItsPoolRuns) {
    run([] {
        Pool pool{1};
        auto const sum = pool.run([&pool] {
            Tasks tasks;
            for (int i = 0; i < 10; ++i)
                tasks.push_back(pool.spawn([i] {
                    for (int turn = 0; turn < 10 - i; ++turn) frond::yield();
                    return i;
                }));
            int total = 0;
            for (Task<int>&& task : as_completed(tasks)) {
                frond::yield();
                total += task.get();
            }
            return total;
        });
        EXPECT_EQ(sum, 45);
        auto const stats = pool.stats();
        EXPECT_EQ(stats.overdraft_peak, 0U);
        EXPECT_EQ(stats.active_peak, 1U);
        EXPECT_EQ(stats.admitted, 11U);
    });
}

TEST_P(AsCompleted, GivesTasksOfVoidAndOfWhatOnlyMoves) {
    run([] {
        Group group;
        for (Task<void>&& task : as_completed(std::vector{group.spawn([] {})})) EXPECT_NO_THROW(task.get());
        for (auto&& task : as_completed(std::vector{group.spawn([] { return std::make_unique<int>(4); })}))
            EXPECT_EQ(*std::move(task).get(), 4);
    });
}

} // namespace
