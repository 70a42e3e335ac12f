// Every call that waits, and what may end its wait: the task's cancellation and a deadline around it.

#include <frond/cancel.hpp>

#include "support/gate.hpp"

#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/runtime.hpp>
#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <tuple>

using namespace std::chrono_literals;
using frond::Cancelled;
using frond::Group;
using frond::Pool;
using frond::Runtime;
using frond::Shield;
using frond::Task;
using frond::TaskState;
using frond::TimedOut;
using frond::test::Gate;
using frond::test::yield_until;

namespace {

/// Whatever somebody waits for here lasts until the gate opens.
struct Scene {
    Scene() {
        for (auto const& each : {task, in_full, in_crowded, in_ending})
            until([&each] { return each.state() == TaskState::waiting; });
    }
    ~Scene() { gate.open(); }
    Scene(Scene const&) = delete;
    Scene& operator=(Scene const&) = delete;

    static void until(std::function<bool()> const& holds) {
        while (!holds()) frond::sleep_for(100us);
    }
    int hold() const {
        Shield const shield;
        until([this] { return gate.is_open(); });
        return 1;
    }

    Gate gate;
    std::chrono::nanoseconds patience = 1h;
    std::atomic<int> strays{0}; ///< calls of what should not have been spawned
    std::function<void()> const stray = [this] { ++strays; };
    std::function<int()> const held = [this] { return hold(); };
    Runtime other{{.threads = 1}};
    Group group;
    Task<int> task = group.spawn(held);
    Pool full{1};
    Task<int> in_full = full.spawn(held);
    Pool crowded{{.limit = 1, .max_pending = 1}};
    Task<int> in_crowded = crowded.spawn(held);
    Task<int> queued = crowded.spawn(held);
    Pool ending{1};
    Task<int> in_ending = ending.spawn(held);
};

struct Call {
    char const* name;
    void (*wait)(Scene&);
};

Call const calls[] = {
    {"sleep_for", [](Scene& s) { frond::sleep_for(s.patience); }},
    {"sleep_until", [](Scene& s) { frond::sleep_until(frond::Clock::now() + s.patience); }},
    {"yield",
     [](Scene& s) {
         do frond::yield();
         while (!s.gate.is_open());
     }},
    {"Task::get", [](Scene& s) { s.task.get(); }},
    {"Task::get, queued", [](Scene& s) { s.queued.get(); }},
    {"Task::get, temporary", [](Scene& s) { static_cast<void>(Task<int>{s.task}.get()); }},
    {"Task::take", [](Scene& s) { static_cast<void>(s.in_full.take()); }},
    {"Task::wait", [](Scene& s) { s.task.wait(); }},
    {"Task::wait_for", [](Scene& s) { s.task.wait_for(s.patience); }},
    {"Task::wait_until", [](Scene& s) { s.task.wait_until(frond::Clock::now() + s.patience); }},
    {"Task::error", [](Scene& s) { s.task.error(); }},
    {"Task::cancel", [](Scene& s) { s.in_full.cancel(); }},
    {"Group::join", [](Scene& s) { s.group.join(); }},
    {"Group::join_for", [](Scene& s) { s.group.join_for(s.patience); }},
    {"Group::join_until", [](Scene& s) { s.group.join_until(frond::Clock::now() + s.patience); }},
    {"Group::run", [](Scene& s) { s.full.run(s.stray); }},
    {"Group::spawn_wait", [](Scene& s) { s.full.spawn_wait(s.stray); }},
    {"Group::spawn", [](Scene& s) { s.crowded.spawn(s.stray); }},
    {"Pool::wait_available", [](Scene& s) { s.full.wait_available(); }},
    {"Pool::wait_available, timed", [](Scene& s) { s.full.wait_available(s.patience); }},
    {"Pool::shutdown", [](Scene& s) { s.ending.shutdown(s.patience); }},
    {"Runtime::run", [](Scene& s) { s.other.run([&s] { frond::sleep_for(s.patience); }); }},
    {"Group::cancel", [](Scene& s) { s.group.cancel(); }},
};

/// A scene on a thread of its own, which does nothing else.
class SceneElsewhere {
public:
    SceneElsewhere() {
        Scene::until([this] { return scene_.load() != nullptr; });
    }
    ~SceneElsewhere() {
        over_ = true;
        thread_.join();
    }
    Scene& scene() const { return *scene_; }

private:
    std::atomic<Scene*> scene_{nullptr};
    std::atomic<bool> over_{false};
    std::thread thread_{[this] {
        Scene scene;
        scene_ = &scene;
        Scene::until([this] { return over_.load(); });
    }};
};

enum class Place { here, elsewhere };

/// Calls happen on the thread itself (0), or in a runtime of so many threads; for what lives there, too, or
/// on another thread.
class CancelPoints : public testing::TestWithParam<std::tuple<std::size_t, Place>> {
protected:
    void for_each_call(std::function<void(Call const&, Scene&)> const& test) const {
        auto const [threads, place] = GetParam();
        auto const body = [&test, place_of_scene = place] {
            for (auto const& call : calls) {
                SCOPED_TRACE(call.name);
                if (place_of_scene == Place::here) {
                    auto const scene = std::make_unique<Scene>();
                    test(call, *scene);
                } else {
                    SceneElsewhere const there;
                    test(call, there.scene());
                }
            }
        };
        if (threads == 0)
            body();
        else
            Runtime{{.threads = threads}}.run(body);
    }
};

std::string name_of_case(testing::TestParamInfo<std::tuple<std::size_t, Place>> const& info) {
    return std::to_string(std::get<std::size_t>(info.param)) +
           (std::get<Place>(info.param) == Place::here ? "Here" : "Elsewhere");
}
INSTANTIATE_TEST_SUITE_P(Threads, CancelPoints,
                         testing::Combine(testing::Values(0, 1, 2, 4),
                                          testing::Values(Place::here, Place::elsewhere)),
                         &name_of_case);

TEST_P(CancelPoints, AWaitUnderWayThrowsCancelled) {
    for_each_call([](Call const& call, Scene& scene) {
        Group victims;
        std::atomic<bool> waits{false};
        std::atomic<bool> seen{false};
        auto const victim = victims.spawn([&] {
            try {
                waits = true;
                call.wait(scene);
            } catch (Cancelled const& c) {
                seen = c.reason() == "stop";
                throw;
            }
        });
        bool const suspends = std::string{call.name} != "yield";
        yield_until(
            [&] { return victim.ready() || (waits && (!suspends || victim.state() == TaskState::waiting)); });
        EXPECT_EQ(victims.cancel("stop"), 1U);
        EXPECT_TRUE(seen);
        EXPECT_EQ(victim.state(), TaskState::cancelled);
        EXPECT_FALSE(scene.gate.is_open());
        scene.gate.open();
        EXPECT_NO_THROW(scene.full.join());
        EXPECT_EQ(scene.full.free_count(), 1U);
        EXPECT_EQ(scene.strays, 0);
    });
}

TEST_P(CancelPoints, EveryFurtherWaitThrowsAtOnceAlsoInACatchBlock) {
    for_each_call([](Call const& call, Scene& scene) {
        Group victims;
        victims
            .spawn([&] {
                victims.request_cancel("stop");
                for (int i = 0; i < 3; ++i) EXPECT_THROW(call.wait(scene), Cancelled);
                try {
                    frond::sleep_for(1h);
                } catch (Cancelled const&) {
                    EXPECT_THROW(call.wait(scene), Cancelled);
                }
            })
            .wait();
        scene.gate.open();
        scene.full.join();
        scene.crowded.join();
        EXPECT_EQ(scene.strays, 0);
    });
}

TEST_P(CancelPoints, AShieldLetsACancelledTaskWait) {
    for_each_call([](Call const& call, Scene& scene) {
        scene.patience = 1ms;
        scene.gate.open();
        Group victims;
        victims
            .spawn([&] {
                victims.request_cancel();
                {
                    Shield const shield;
                    EXPECT_NO_THROW(call.wait(scene));
                }
                EXPECT_THROW(frond::sleep_for(1h), Cancelled);
            })
            .wait();
    });
}

TEST_P(CancelPoints, UnwindingLetsACancelledTaskWait) {
    struct CleanUp {
        Call const& call;
        Scene& scene;
        ~CleanUp() { EXPECT_NO_THROW(call.wait(scene)); }
    };
    for_each_call([](Call const& call, Scene& scene) {
        scene.patience = 1ms;
        scene.gate.open();
        Group victims;
        victims
            .spawn([&] {
                victims.request_cancel();
                CleanUp const clean_up{call, scene};
                frond::sleep_for(1h);
            })
            .wait();
    });
}

TEST_P(CancelPoints, ADeadlineEndsAWaitUnderWay) {
    for_each_call([](Call const& call, Scene& scene) {
        auto const start = frond::Clock::now();
        EXPECT_THROW(frond::with_timeout(2ms, [&] { call.wait(scene); }), TimedOut);
        EXPECT_GE(frond::Clock::now() - start, 2ms);
        EXPECT_FALSE(scene.gate.is_open());
        scene.gate.open();
        EXPECT_NO_THROW(scene.full.join());
        EXPECT_EQ(scene.strays, 0);
    });
}

TEST_P(CancelPoints, AfterADeadlineEveryWaitThrowsAtOnce) {
    for_each_call([](Call const& call, Scene& scene) {
        EXPECT_FALSE(frond::move_on_after(-1ms, [&] {
            for (int i = 0; i < 3; ++i) EXPECT_THROW(call.wait(scene), Cancelled);
            call.wait(scene);
        }));
        EXPECT_FALSE(scene.gate.is_open());
    });
}

TEST_P(CancelPoints, AWaitThatIsOverBeforeItBeginsDoesNotThrow) {
    Group victims;
    auto const [threads, place] = GetParam();
    static_cast<void>(threads);
    static_cast<void>(place);
    victims
        .spawn([&] {
            Group group;
            Pool pool{2};
            auto const done = group.spawn([] { return 7; });
            group.join();
            victims.request_cancel();
            EXPECT_EQ(done.get(), 7);
            EXPECT_TRUE(done.wait_for(0s));
            EXPECT_FALSE(done.cancel());
            EXPECT_NO_THROW(group.join());
            EXPECT_NO_THROW(group.cancel());
            EXPECT_NO_THROW(pool.wait_available());
            EXPECT_NO_THROW(pool.spawn_wait([] {}));
            EXPECT_THROW(frond::yield(), Cancelled);
        })
        .wait();
}

} // namespace
