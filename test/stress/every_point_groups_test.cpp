// Groups, pools and tasks, stopped at every point.

#include "support/every_point.hpp"

#include <frond/frond.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

#include <gtest/gtest.h>

namespace frond::test {
namespace {

using namespace std::chrono_literals;
using enum StoppedProgram::Length;
using Body = std::function<void()>;

Body fan_out(Scene& s, Pool& pool) {
    return [&s, &pool] {
        Group g{pool};
        for (int i = 0; i < 2; ++i)
            g.spawn(s.job([&] {
                s.here();
                Group h{pool};
                for (int j = 0; j < 2; ++j)
                    h.spawn(s.job([&] {
                        Group leaves{pool};
                        for (int k = 0; k < 2; ++k) leaves.spawn(s.job([&] { yield(); }));
                        s.here();
                        leaves.join();
                    }));
                h.join();
            }));
        g.join();
    };
}

Body fan_out_without_joins(Scene& s, Pool& pool) {
    return [&s, &pool] {
        Group g{pool};
        for (int i = 0; i < 3; ++i)
            g.spawn(s.job([&] {
                Group h{pool};
                h.spawn(s.job([&] { yield(); }));
                h.spawn(s.job([&] {
                    s.here();
                    sleep_for(10us);
                }));
            }));
    };
}

Body lending_chain(Scene& s, Pool& pool) {
    return [&s, &pool] {
        Group g{pool};
        for (int i = 0; i < 2; ++i)
            g.spawn(s.job([&] {
                Group uncapped;
                auto const u = uncapped.spawn(s.job([&] {
                    Group h{pool};
                    h.spawn(s.job([&] { yield(); }));
                    s.here();
                    h.join();
                }));
                u.get();
                yield();
            }));
        g.join();
    };
}

Body two_pools(Scene& s) {
    auto& p = s.make<Pool>(1);
    auto& q = s.make<Pool>(1);
    return [&] {
        Group g{p};
        for (int i = 0; i < 2; ++i)
            g.spawn(s.job([&] {
                q.run(s.job([&] {
                    s.here();
                    Group h{p};
                    h.spawn(s.job([] { yield(); }));
                    h.join();
                }));
            }));
        g.join();
    };
}

Body spawn_wait(Scene& s, Pool& pool) {
    return [&s, &pool] {
        Group g{pool};
        for (int i = 0; i < 3; ++i)
            s.keep(g.spawn_wait(s.job([&] {
                Group h{pool};
                h.spawn_wait(s.job([] { yield(); }));
                s.here();
                h.spawn_wait(s.job([] { sleep_for(10us); }));
            })));
        g.join();
    };
}

Body backlog(Scene& s) {
    auto& pool = s.make<Pool>(PoolOptions{.limit = 1, .max_pending = 1});
    return [&] {
        Group submitters;
        for (int i = 0; i < 3; ++i)
            submitters.spawn(s.job([&] {
                Group g{pool};
                for (int k = 0; k < 2; ++k) s.keep(g.spawn(s.job([] { yield(); })));
                s.here();
                g.join();
            }));
        Group own{pool};
        for (int k = 0; k < 3; ++k) own.spawn(s.job([] { yield(); }));
        own.join();
        submitters.join();
    };
}

Body later(Scene& s, Pool& pool) {
    return [&s, &pool] {
        Group g{pool};
        s.keep(g.spawn_after(30us, s.job([&] { s.here(); })));
        g.spawn_after(10us, s.job([] { yield(); }));
        g.spawn(s.job([&] {
            Group h{pool};
            h.spawn_after(5us, s.job([] { sleep_for(5us); }));
            h.join();
        }));
        g.join();
    };
}

/// What they call refers to the callers' frames.
Body run(Scene& s, Pool& pool) {
    return [&s, &pool] {
        Group g{pool};
        for (int i = 0; i < 2; ++i)
            g.spawn(s.job([&] {
                int local = 0;
                pool.run(s.job([&] {
                    yield();
                    Group h;
                    h.run(s.job([&] {
                        s.here();
                        yield();
                        ++local;
                    }));
                    ++local;
                }));
                if (local != 2) s.complain("run() returns before its task has ended");
            }));
        g.join();
    };
}

Body many_waiters(Scene& s, Pool& pool) {
    return [&s, &pool] {
        Group g{pool};
        Group waiters{pool};
        auto const t = g.spawn(s.job([&] {
            yield();
            s.here();
            return s.result();
        }));
        for (int i = 0; i < 3; ++i)
            waiters.spawn(s.job([&s, &g, t, i] {
                if (i == 0) g.join();
                if (i == 1) t.wait();
                t.get();
                s.here();
            }));
        t.get();
        waiters.join();
        t.take();
    };
}

Body wait_available(Scene& s) {
    auto& pool = s.make<Pool>(1);
    return [&] {
        Group g{pool};
        for (int i = 0; i < 2; ++i) g.spawn(s.job([] { yield(); }));
        Group watchers;
        for (int i = 0; i < 2; ++i)
            watchers.spawn(s.job([&] {
                pool.wait_available();
                s.here();
            }));
        pool.wait_available();
        g.join();
        watchers.join();
    };
}

Body pool_inside(Scene& s) {
    return [&s] {
        Pool pool{1};
        Group g{pool};
        for (int i = 0; i < 2; ++i) g.spawn(s.job([] { yield(); }));
        pool.spawn(s.job([&] { s.here(); }));
        {
            Pool other{2};
            other.spawn(s.job([&] { g.join(); }));
            other.shutdown(1h);
        }
        Pool third{1};
        auto const t = third.spawn(s.job([] { sleep_for(forever); }));
        third.spawn(s.job([] {}));
        third.shutdown(10us);
        if (t.state() != TaskState::cancelled) s.complain("shutdown does not cancel");
    };
}

Body endless_sleep(Scene& s) {
    return [&s] {
        Group g;
        for (int i = 0; i < 3; ++i)
            s.keep(g.spawn(s.job([&] {
                s.here();
                sleep_for(forever);
            })));
        g.join();
    };
}

Body endless_everything(Scene& s) {
    auto& pool = s.make<Pool>(1);
    auto& bounded = s.make<Pool>(PoolOptions{.limit = 1, .max_pending = 1});
    return [&] {
        Group h{pool};
        Group k{bounded};
        Task<void> t;
        Group g; // the first to die: its tasks use all the others
        t = s.keep(h.spawn(s.job([] { sleep_for(forever); })));
        for (int i = 0; i < 2; ++i) s.keep(k.spawn(s.job([] { sleep_for(forever); })));
        g.spawn(s.job([&] { h.spawn_wait(s.job([] {})); }));
        g.spawn(s.job([&] { k.spawn(s.job([] {})); }));
        g.spawn(s.job([&] { pool.wait_available(); }));
        g.spawn(s.job([&] { t.get(); }));
        g.spawn(s.job([&] { h.join(); }));
        g.spawn(s.job([&] { bounded.run(s.job([] {})); }));
        s.keep(h.spawn(s.job([] {})));
        s.keep(h.spawn_after(1h, s.job([] {})));
        s.keep(g.spawn_after(forever, s.job([] {})));
        s.here();
        g.join();
    };
}

Body endless_tokens(Scene& s) {
    auto& told = s.make<std::atomic<int>>(0);
    return [&] {
        Group g;
        for (int i = 0; i < 2; ++i)
            g.spawn(s.job([&] {
                std::stop_callback const tell{this_task::stop_token(), [&] { ++told; }};
                s.here();
                sleep_for(forever);
            }));
        g.join();
    };
}

StoppedProgram in_pool(char const* name, Body (*set_up)(Scene&, Pool&), std::size_t cap,
                       StoppedProgram::Length length = ends) {
    return {name + ("_" + std::to_string(cap)), [=](Scene& s) { return set_up(s, s.make<Pool>(cap)); },
            length};
}

StoppedProgram const programs[] = {
    in_pool("fan_out", fan_out, 1),
    in_pool("fan_out", fan_out, 2),
    in_pool("fan_out", fan_out, 3),
    in_pool("fan_out_without_joins", fan_out_without_joins, 1),
    in_pool("fan_out_without_joins", fan_out_without_joins, 2),
    in_pool("lending_chain", lending_chain, 1),
    in_pool("lending_chain", lending_chain, 2),
    {"two_pools", two_pools},
    in_pool("spawn_wait", spawn_wait, 1),
    in_pool("spawn_wait", spawn_wait, 2),
    {"backlog", backlog},
    in_pool("later", later, 1),
    in_pool("later", later, 2),
    in_pool("run", run, 1),
    in_pool("run", run, 2),
    in_pool("many_waiters", many_waiters, 1),
    in_pool("many_waiters", many_waiters, 3),
    {"wait_available", wait_available},
    {"pool_inside", pool_inside},
    {"endless_sleep", endless_sleep, endless},
    {"endless_everything", endless_everything, endless},
    {"endless_tokens", endless_tokens, endless},
};

class EveryPointOfGroups : public testing::TestWithParam<StoppedProgram> {};

TEST_P(EveryPointOfGroups, LeavesEverythingInOrder) { EXPECT_EQ(stop_everywhere(GetParam()), ""); }

INSTANTIATE_TEST_SUITE_P(Programs, EveryPointOfGroups, testing::ValuesIn(programs),
                         [](auto const& p) { return p.param.name; });

class RandomPointsOfGroups : public testing::TestWithParam<std::size_t> {};

TEST_P(RandomPointsOfGroups, LeaveEverythingInOrder) {
    EXPECT_EQ(stop_at_random(programs, GetParam(), 3'000), "");
}

INSTANTIATE_TEST_SUITE_P(Threads, RandomPointsOfGroups, testing::Values(1, 2, 4));

} // namespace
} // namespace frond::test
