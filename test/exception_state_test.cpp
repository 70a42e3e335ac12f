// Exceptions belong to their fiber. On bare Boost.Fiber 1.81 they do not:
// process/bare_boost_mixes_exceptions.cc.

#include <frond/frond.hpp>

#include <boost/fiber/fiber.hpp>
#include <boost/fiber/mutex.hpp>
#include <boost/fiber/operations.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace frond {
namespace {

/// Catches its own exception, gives way in the handler, and sees whether `throw;` still throws the same.
template <class Wait>
std::string rethrown_after(std::string const& name, Wait&& wait) {
    try {
        try {
            throw std::runtime_error(name);
        } catch (...) {
            wait();
            throw;
        }
    } catch (std::exception const& e) {
        return e.what();
    }
}

/// What `f` sees while it runs in a destructor during unwinding.
template <class F>
struct WhileUnwinding {
    F f;
    ~WhileUnwinding() { f(); }
};
template <class F>
WhileUnwinding(F) -> WhileUnwinding<F>;

/// Unwinds through `f`.
template <class F>
void unwind_through(F&& f) {
    try {
        WhileUnwinding const guard{std::forward<F>(f)};
        throw std::runtime_error("unwinding");
    } catch (std::runtime_error const& e) {
        EXPECT_STREQ(e.what(), "unwinding");
    }
}

TEST(ExceptionState, ThreeFibersSleepInCatchAndRethrowTheirOwn) {
    Group group;
    std::vector<Task<std::string>> tasks;
    for (std::string const name : {"a", "b", "c"})
        tasks.push_back(group.spawn(
            [name] { return rethrown_after(name, [] { sleep_for(std::chrono::milliseconds{1}); }); }));
    EXPECT_EQ(tasks[0].get(), "a");
    EXPECT_EQ(tasks[1].get(), "b");
    EXPECT_EQ(tasks[2].get(), "c");
}

TEST(ExceptionState, RethrowsItsOwnAfterEveryKindOfWait) {
    Pool pool{2};
    Group group{pool};
    std::vector<std::pair<std::string, Task<std::string>>> tasks;
    auto const add = [&](std::string const& name, auto wait) {
        tasks.emplace_back(name, group.spawn([name, wait] { return rethrown_after(name, wait); }));
    };
    add("yield", [] { yield(); });
    add("get", [&pool] { pool.spawn([] { yield(); }).get(); });
    add("failing get", [&pool] {
        EXPECT_THROW(pool.spawn([]() -> int { throw std::logic_error("inner"); }).get(), std::logic_error);
    });
    add("join", [] {
        Group inner;
        inner.spawn([] { yield(); });
        inner.join();
    });
    add("destructor", [] {
        Group inner;
        inner.spawn([] { yield(); });
    });
    add("spawn_wait", [&pool] { pool.spawn_wait([] { yield(); }); });
    add("blocking", [] { blocking([] { EXPECT_EQ(std::uncaught_exceptions(), 0); }); });
    for (auto& [name, task] : tasks) EXPECT_EQ(task.get(), name);
    pool.join();
}

TEST(ExceptionState, CurrentExceptionStaysWhileOthersCatch) {
    Group group;
    for (int i = 0; i < 20; ++i)
        group.spawn([i] {
            EXPECT_EQ(std::current_exception(), nullptr);
            try {
                throw i;
            } catch (...) {
                auto const mine = std::current_exception();
                for (int n = 0; n < i % 4 + 1; ++n) yield();
                EXPECT_EQ(std::current_exception(), mine);
                try {
                    std::rethrow_exception(mine);
                } catch (int value) {
                    EXPECT_EQ(value, i);
                }
            }
            EXPECT_EQ(std::current_exception(), nullptr);
        });
    group.join();
}

TEST(ExceptionState, NestedHandlersUnwindInOrderAcrossWaits) {
    Group group;
    for (int i = 0; i < 3; ++i)
        group.spawn([i] {
            auto const outer = std::to_string(i) + " outer";
            auto const inner = std::to_string(i) + " inner";
            EXPECT_EQ(rethrown_after(outer,
                                     [&] {
                                         yield();
                                         EXPECT_EQ(rethrown_after(inner, [] { yield(); }), inner);
                                         yield();
                                     }),
                      outer);
        });
    group.join();
}

TEST(ExceptionState, UncaughtExceptionsCountsOnlyTheOwn) {
    Group group;
    bool unwinding = false;
    group.spawn([&] {
        unwind_through([&] {
            unwinding = true;
            EXPECT_EQ(std::uncaught_exceptions(), 1);
            while (unwinding) yield();
            EXPECT_EQ(std::uncaught_exceptions(), 1);
        });
        EXPECT_EQ(std::uncaught_exceptions(), 0);
    });
    group.spawn([&] {
        while (!unwinding) yield();
        EXPECT_EQ(std::uncaught_exceptions(), 0) << "the neighbour is suspended while it unwinds";
        unwind_through([] { EXPECT_EQ(std::uncaught_exceptions(), 1); });
        unwinding = false;
    });
    group.join();
}

// A task that starts on a carrier which was made, or last used, while another fiber unwound.
TEST(ExceptionState, NewTaskStartsWithoutAnException) {
    Group group;
    group.spawn([] {
        unwind_through([] {
            Group inner;
            for (int i = 0; i < 5; ++i)
                inner.spawn([] {
                    EXPECT_EQ(std::uncaught_exceptions(), 0);
                    EXPECT_EQ(std::current_exception(), nullptr);
                    yield();
                });
            inner.join();
            EXPECT_EQ(std::uncaught_exceptions(), 1);
        });
    });
    group.join();
}

TEST(ExceptionState, DestructorJoinsWhileUnwinding) {
    std::vector<std::string> events;
    Group group;
    for (int i = 0; i < 3; ++i)
        group.spawn([&, i] {
            auto const name = std::to_string(i);
            try {
                Group inner;
                inner.spawn([&, name] {
                    frond::Shield const shield;
                    yield();
                    yield();
                    events.push_back("ended " + name);
                });
                yield(); // it has started, so it goes on behind its shield
                throw std::runtime_error(name);
            } catch (std::runtime_error const& e) {
                EXPECT_EQ(e.what(), name);
                EXPECT_EQ(std::count(events.begin(), events.end(), "ended " + name), 1)
                    << "the destructor waits";
            }
        });
    group.join();
    EXPECT_EQ(events.size(), 3U);
}

TEST(ExceptionState, GroupKnowsItsOwnUnwindingFromAnothersFiber) {
    Group group;
    bool go_on = false;
    group.spawn([&] {
        unwind_through([&] {
            while (!go_on) yield();
        });
    });
    group.spawn([&] {
        bool ran = false;
        { // Ends normally although another fiber is suspended in unwinding: nothing is dropped.
            Group inner;
            inner.spawn([&] { ran = true; });
        }
        EXPECT_TRUE(ran);
        go_on = true;
    });
    group.join();
}

// A clean-up that runs during unwinding opens its own group there: that one ends normally.
TEST(ExceptionState, GroupMadeWhileUnwindingRunsItsTasks) {
    bool cleaned_up = false;
    unwind_through([&] {
        Group clean_up;
        clean_up.spawn([&] { cleaned_up = true; });
    });
    EXPECT_TRUE(cleaned_up);
}

TEST(ExceptionState, MainFiberWaitsInCatchLikeAnyOther) {
    Group group;
    for (int i = 0; i < 3; ++i)
        group.spawn(
            [i] { EXPECT_EQ(rethrown_after(std::to_string(i), [] { yield(); }), std::to_string(i)); });
    EXPECT_EQ(rethrown_after("main", [&] { group.join(); }), "main");
}

TEST(ExceptionState, UsersOwnFibersKeepTheirsToo) {
    boost::fibers::mutex mutex;
    std::vector<std::string> seen;
    auto const work = [&](std::string const& name) {
        seen.push_back(rethrown_after(name, [&] {
            std::lock_guard const lock{mutex};
            boost::this_fiber::yield();
        }));
    };
    Group group;
    std::vector<boost::fibers::fiber> guests;
    for (std::string const name : {"a", "b", "c"}) {
        group.spawn([&, name] { work("task " + name); });
        guests.emplace_back(boost::fibers::launch::post, [&, name] { work("guest " + name); });
    }
    group.join();
    for (auto& g : guests) g.join();
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(seen,
              (std::vector<std::string>{"guest a", "guest b", "guest c", "task a", "task b", "task c"}));
}

TEST(ExceptionState, GuestFiberUnwindsBesideATask) {
    bool unwinding = false;
    boost::fibers::fiber guest{boost::fibers::launch::post, [&] {
                                   unwind_through([&] {
                                       unwinding = true;
                                       while (unwinding) boost::this_fiber::yield();
                                       EXPECT_EQ(std::uncaught_exceptions(), 1);
                                   });
                               }};
    Group group;
    group.spawn([&] {
        while (!unwinding) yield();
        EXPECT_EQ(std::uncaught_exceptions(), 0);
        unwinding = false;
    });
    group.join();
    guest.join();
}

// A guest may use the library: it waits, and its frond calls are those of a fiber without a task.
TEST(ExceptionState, GuestFiberJoinsAGroupInsideCatch) {
    yield(); // what a fiber caught before the thread's first use of frond is beyond our reach
    std::string guest_saw;
    boost::fibers::fiber guest{boost::fibers::launch::post, [&] {
                                   guest_saw = rethrown_after("guest", [] {
                                       Group inner;
                                       inner.spawn([] { rethrown_after("inner", [] { yield(); }); });
                                       inner.join();
                                   });
                               }};
    EXPECT_EQ(rethrown_after("main", [&] { guest.join(); }), "main");
    EXPECT_EQ(guest_saw, "guest");
}

TEST(ExceptionState, AGuestFiberMayBeTheFirstToUseTheThread) {
    int n = 0;
    boost::fibers::fiber guest{boost::fibers::launch::post, [&n] {
                                   Group inner;
                                   inner.spawn([&n] {
                                       yield();
                                       ++n;
                                   });
                                   inner.join();
                               }};
    guest.join();
    Group group;
    group.spawn([&n] { ++n; });
    group.join();
    EXPECT_EQ(n, 2);
}

} // namespace
} // namespace frond
