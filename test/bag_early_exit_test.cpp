// Leaving a bag before its end stops its work: nothing runs on, nothing starts, nothing is left over.

#include <frond/bag.hpp>

#include "support/bag_kinds.hpp"
#include "support/gate.hpp"
#include "support/lives.hpp"
#include "support/unhandled_errors.hpp"

#include <frond/cancel.hpp>
#include <frond/duration.hpp>
#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <ostream>
#include <stdexcept>
#include <thread>

using namespace std::chrono_literals;
using frond::BagOptions;
using frond::Cancelled;
using frond::Group;
using frond::Pool;
using frond::Shield;
using frond::TaskState;
using frond::TimedOut;
using frond::unlimited;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::Of;
using frond::test::take_turns;
using frond::test::UnhandledErrors;
using frond::test::yield_until;

namespace {

using Clock = std::chrono::steady_clock;

/// Where the tasks are that have not ended when their bag is left.
struct Scene {
    std::size_t limit; ///< of the pool; `unlimited`: there is none
    BagOptions options;
    int running; ///< that sleep
    int waiting; ///< that have not been admitted
};
void PrintTo(Scene const& s, std::ostream* out) {
    *out << s.running << " running, " << s.waiting << " waiting, in a pool of " << s.limit;
}

class BagEarlyExit : public frond::test::BagsTest {
protected:
    /// Tasks of which one has yielded, some sleep for ever, and the rest waits. Looks that all are gone when
    /// `leave` is through.
    template <class F>
    static void expect_gone_after(F const& leave) {
        run([&leave]<template <class> class B>(Of<B> of) {
            for (Scene const& scene :
                 {Scene{unlimited, {}, 12, 0}, Scene{3, {}, 3, 9}, Scene{1, {}, 1, 30},
                  Scene{4, {.buffer = 1}, 0, 10}, Scene{unlimited, {.buffer = 1}, 0, 10}}) {
                SCOPED_TRACE(testing::PrintToString(scene));
                BagEarlyExit::play(of, scene, leave);
            }
        });
    }

private:
    template <template <class> class B, class F>
    static void play(Of<B>, Scene const& scene, F const& leave) {
        Books books;
        Pool pool{scene.limit};
        leave([&]<class Read>(Read const& read) {
            auto bag = scene.limit == unlimited ? B<int>{scene.options} : B<int>{pool, scene.options};
            bag.spawn([life = Mortal{books.lives}] { return 0; });
            yield_until([&bag] { return bag.size() == 0; });
            for (int i = 0; i < scene.running + scene.waiting; ++i)
                bag.spawn([&books, life = Mortal{books.lives}] { return books.sleep(); });
            yield_until([&] { return books.started == scene.running; });
            read(bag);
        });
        auto const started = books.started.load();
        EXPECT_EQ(books.ended, started);
        EXPECT_EQ(books.lives.alive(), 0);
        EXPECT_EQ(pool.stats().active, 0U);
        EXPECT_EQ(pool.stats().live, 0U);
        EXPECT_EQ(pool.free_count(), scene.limit);
        take_turns();
        EXPECT_EQ(books.started, started);
    }

    struct Books {
        Lives lives;
        std::atomic<int> started{0};
        std::atomic<int> ended{0};

        int sleep() {
            struct Inside {
                Books& books;
                explicit Inside(Books& b) : books{b} { ++books.started; }
                ~Inside() { ++books.ended; }
            } const inside{*this};
            frond::sleep_for(1h);
            return 1;
        }
    };
};
INSTANTIATE_TEST_SUITE_P(Both, BagEarlyExit, frond::test::every_bag(), &frond::test::name_of_bag);

auto const read_nothing = [](auto&) {};

TEST_P(BagEarlyExit, ByTheBagsEndAlone) {
    expect_gone_after([](auto const& with_bag) { with_bag(read_nothing); });
}

TEST_P(BagEarlyExit, ByABreak) {
    expect_gone_after([](auto const& with_bag) {
        with_bag([](auto& bag) {
            for (int&& item : bag)
                if (item == 0) break;
        });
    });
}

TEST_P(BagEarlyExit, ByABreakOutOfOutcomes) {
    expect_gone_after([](auto const& with_bag) {
        with_bag([](auto& bag) {
            for (auto&& outcome : bag.outcomes())
                if (outcome) break;
        });
    });
}

TEST_P(BagEarlyExit, ByAnExceptionOfTheLoop) {
    expect_gone_after([](auto const& with_bag) {
        EXPECT_THROW(with_bag([](auto& bag) {
                         for (int&& item : bag)
                             if (item == 0) throw std::range_error{"enough"};
                     }),
                     std::range_error);
    });
}

TEST_P(BagEarlyExit, ByATimeLimitOfTheReader) {
    expect_gone_after([](auto const& with_bag) {
        EXPECT_THROW(frond::with_timeout(2ms,
                                         [&] {
                                             with_bag([](auto& bag) {
                                                 auto const hold = bag.keep_open();
                                                 while (bag.next()) {
                                                 }
                                             });
                                         }),
                     TimedOut);
    });
}

TEST_P(BagEarlyExit, ByTheCancellationOfTheReader) {
    expect_gone_after([](auto const& with_bag) {
        Group group;
        auto reader = group.spawn([&] {
            with_bag([](auto& bag) {
                auto const hold = bag.keep_open();
                while (bag.next()) frond::this_task::yield();
            });
        });
        take_turns();
        reader.request_cancel();
        reader.wait();
        EXPECT_EQ(reader.state(), TaskState::cancelled);
    });
}

TEST_P(BagEarlyExit, TellsWhatRunsThatItIsCancelled) {
    run([]<template <class> class B>(Of<B>) {
        std::atomic<int> started{0};
        std::atomic<int> cancelled{0};
        {
            B<int> bag;
            for (int i = 0; i < 5; ++i)
                bag.spawn([&] {
                    ++started;
                    try {
                        frond::sleep_for(1h);
                    } catch (Cancelled const&) {
                        ++cancelled;
                        throw;
                    }
                });
            yield_until([&] { return started == 5; });
        }
        EXPECT_EQ(cancelled, 5);
    });
}

TEST_P(BagEarlyExit, TakesOneCancellationNotOneForEachTask) {
    run([]<template <class> class B>(Of<B>) {
        constexpr int many = 100;
        std::atomic<int> started{0};
        std::atomic<int> cleaned_up{0};
        auto begin = Clock::now();
        {
            B<int> bag;
            for (int i = 0; i < many; ++i)
                bag.spawn([&] {
                    ++started;
                    try {
                        frond::sleep_for(1h);
                    } catch (Cancelled const&) {
                        Shield const shield;
                        frond::sleep_for(20ms);
                        ++cleaned_up;
                        throw;
                    }
                });
            yield_until([&] { return started == many; });
            begin = Clock::now();
        }
        EXPECT_EQ(cleaned_up, many); // it was waited for
        EXPECT_GE(Clock::now() - begin, 20ms);
        EXPECT_LT(Clock::now() - begin, many * 20ms / 2);
    });
}

TEST_P(BagEarlyExit, WhatDyingTasksSpawnNeverStarts) {
    run([]<template <class> class B>(Of<B>) {
        Lives lives;
        std::atomic<bool> started{false};
        std::atomic<bool> ran{false};
        {
            B<int> bag;
            bag.spawn([&] {
                started = true;
                try {
                    frond::sleep_for(1h);
                } catch (Cancelled const&) {
                    bag.spawn([&ran, life = Mortal{lives}] { ran = true; });
                    bag.put(1);
                    throw;
                }
            });
            yield_until([&] { return started.load(); });
        }
        EXPECT_FALSE(ran);
        EXPECT_EQ(lives.alive(), 0);
    });
}

TEST_P(BagEarlyExit, DestroysUnreadItems) {
    Lives lives;
    run([&lives]<template <class> class B>(Of<B>) {
        UnhandledErrors const unhandled;
        {
            B<Mortal> bag;
            for (int i = 0; i < 20; ++i) bag.spawn([&lives] { return Mortal{lives}; });
            bag.put(Mortal{lives});
            EXPECT_TRUE(bag.next());
        }
        EXPECT_EQ(lives.alive(), 0);
        EXPECT_TRUE(unhandled.seen().empty()); // they are no errors
    });
}

TEST_P(BagEarlyExit, OfNestedBagsStopsThemAll) {
    run([]<template <class> class B>(Of<B>) {
        Lives lives;
        std::atomic<int> sleeping{0};
        Pool pool{2};
        {
            B<int> bag{pool};
            for (int i = 0; i < 4; ++i)
                bag.spawn([&] {
                    B<int> inner{pool};
                    for (int j = 0; j < 4; ++j)
                        inner.spawn([&, life = Mortal{lives}] {
                            ++sleeping;
                            frond::sleep_for(1h);
                            return 1;
                        });
                    return inner.next();
                });
            yield_until([&] { return sleeping == 2; });
        }
        EXPECT_EQ(lives.alive(), 0);
        EXPECT_EQ(sleeping, 2);
        EXPECT_EQ(pool.stats().active, 0U);
        EXPECT_EQ(pool.stats().live, 0U);
    });
}

TEST_P(BagEarlyExit, InADestructorThatRunsWhileItsTaskIsCancelledWaitsAllTheSame) {
    run([]<template <class> class B>(Of<B>) {
        std::atomic<int> inside{0};
        Group group;
        auto task = group.spawn([&] {
            B<int> bag;
            bag.spawn([&] {
                struct Leave {
                    std::atomic<int>& n;
                    explicit Leave(std::atomic<int>& in) : n{in} { ++n; }
                    ~Leave() {
                        Shield const shield;
                        take_turns();
                        --n;
                    }
                } const leave{inside};
                frond::sleep_for(1h);
            });
            bag.next();
        });
        yield_until([&] { return inside == 1; });
        EXPECT_TRUE(task.cancel());
        EXPECT_EQ(inside, 0);
    });
}

TEST_P(BagEarlyExit, WhileOthersHaveJustPutSomethingLosesNobody) {
    Lives lives;
    run([&lives]<template <class> class B>(Of<B>) {
        for (int round = 0; round < 30; ++round) {
            std::jthread producer;
            B<Mortal> bag;
            producer = std::jthread{[&bag, &lives, hold = bag.keep_open()] {
                for (int i = 0; i < 20; ++i) {
                    bag.put(Mortal{lives});
                    bag.spawn([&lives] { return Mortal{lives}; });
                }
            }};
            for (Mortal&& item : bag) {
                [[maybe_unused]] Mortal const taken{std::move(item)};
                break;
            }
        }
    });
    EXPECT_EQ(lives.alive(), 0);
}

} // namespace
