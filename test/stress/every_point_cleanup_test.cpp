// Programs that clean up, shield themselves, or stop parts of their own, stopped at every point.

#include "support/every_point.hpp"

#include <frond/frond.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <stop_token>
#include <string>

#include <gtest/gtest.h>

namespace frond::test {
namespace {

using namespace std::chrono_literals;
using enum StoppedProgram::Length;
using Body = std::function<void()>;

/// Works while it unwinds: nothing of that may be cut short, or the program ends by std::terminate.
class WorksWhileUnwinding {
public:
    WorksWhileUnwinding(Scene& s, Pool& pool) : s_{s}, pool_{pool} {}
    WorksWhileUnwinding(WorksWhileUnwinding const&) = delete;
    WorksWhileUnwinding& operator=(WorksWhileUnwinding const&) = delete;
    ~WorksWhileUnwinding() {
        if (std::uncaught_exceptions() == uncaught_) return;
        sleep_for(5us);
        yield();
        bool ran = false;
        Group g{pool_};
        g.spawn(s_.job([&ran] {
            yield();
            ran = true;
        }));
        auto const t = g.spawn_wait(s_.job([] { yield(); }));
        g.join();
        if (!ran) s_.complain("what clean-up spawns does not run");
        t.wait();
    }

private:
    Scene& s_;
    Pool& pool_;
    int const uncaught_ = std::uncaught_exceptions();
};

Body unwinding(Scene& s) {
    auto& pool = s.make<Pool>(2);
    auto& others = s.make<Pool>(1);
    return [&] {
        WorksWhileUnwinding const outer{s, others};
        Group g{pool};
        for (int i = 0; i < 3; ++i)
            g.spawn(s.job([&] {
                WorksWhileUnwinding const inner{s, others};
                s.here();
                yield();
                Group h{pool};
                h.spawn(s.job([&] { sleep_for(10us); }));
                h.join();
            }));
        g.join();
    };
}

Body shields(Scene& s) {
    auto& pool = s.make<Pool>(1);
    return [&] {
        auto const protected_work = [&] {
            try {
                Shield const shield;
                yield();
                Group g{pool};
                g.spawn(s.job([] { yield(); }));
                g.join();
                sleep_for(5us);
                this_task::check();
            } catch (Cancelled const&) {
                s.complain("cut short inside a shield");
                throw;
            }
            yield();
        };
        Group g;
        for (int i = 0; i < 2; ++i) g.spawn(s.job([&] { protected_work(); }));
        try {
            protected_work();
            s.here();
            g.join();
        } catch (Cancelled const&) {
            Shield const shield{1h};
            yield();
            g.join();
            throw;
        }
    };
}

Body limited_shield(Scene& s) {
    return [&s] {
        Group g;
        for (int i = 0; i < 2; ++i)
            g.spawn(s.job([&] {
                s.here();
                Shield const shield{50us};
                sleep_for(forever);
            }));
        Shield const shield{20us};
        g.join();
    };
}

Body inner_timeouts(Scene& s) {
    auto& pool = s.make<Pool>(1);
    return [&] {
        if (move_on_after(0s, [] {
                yield();
                return 1;
            }))
            s.complain("an expired scope lets a yield pass");
        with_timeout(1h, [&] {
            Group g{pool};
            for (int i = 0; i < 2; ++i)
                g.spawn(s.job([&] {
                    Task<void> t;
                    move_on_after(10us, [&] {
                        Group h{pool};
                        t = h.spawn(s.job([] { sleep_for(forever); }));
                        s.here();
                        h.join();
                    });
                    if (t && t.state() != TaskState::cancelled) s.complain("an endless sleep ends");
                }));
            move_on_after(5us, [&] { Group const nothing; });
            g.join();
        });
        move_on_after(10us, [&] {
            Group g; // only its destructor waits
            g.spawn(s.job([] { sleep_for(forever); }));
        });
    };
}

Body inner_limits(Scene& s) {
    auto& pool = s.make<Pool>(PoolOptions{.limit = 1, .task_timeout = 20us});
    return [&] {
        Group g{pool};
        for (int i = 0; i < 2; ++i) g.spawn(s.job([] { sleep_for(forever); }));
        Group h;
        h.spawn({.timeout = 10us}, s.job([&] {
            s.here();
            sleep_for(forever);
        }));
        Group k{{.timeout = 15us}};
        k.spawn(s.job([] { sleep_for(forever); }));
        for (Group* each : {&g, &h, &k}) {
            try {
                each->join();
            } catch (TimedOut const&) {
            }
            each->errors();
        }
    };
}

Body cancels_inside(Scene& s) {
    auto& pool = s.make<Pool>(2);
    return [&] {
        Task<void> first;
        Group g{pool};
        Group helpers;
        for (int i = 0; i < 4; ++i) {
            auto t = s.keep(g.spawn(s.job([] { sleep_for(forever); })));
            if (i == 1) first = t;
        }
        yield();
        helpers.spawn(s.job([&] { first.cancel(); }));
        s.here();
        first.cancel();
        helpers.join();
        g.cancel("inside");
        if (!g.empty()) s.complain("cancel() does not wait");
        g.spawn(s.job([] { yield(); }));
        g.join();
        auto const self = g.spawn(s.job([&] {
            s.here();
            g.request_cancel();
            yield();
            s.complain("a yield passes in a cancelled task");
        }));
        self.wait();
    };
}

Body members_cancel(Scene& s) {
    auto& pool = s.make<Pool>(2);
    return [&] {
        Group g{pool};
        for (int i = 0; i < 2; ++i)
            g.spawn(s.job([&] {
                yield();
                s.here();
                g.cancel("by a member");
            }));
        for (int i = 0; i < 2; ++i) g.spawn(s.job([] { sleep_for(forever); }));
        g.spawn(s.job([&] {
            Group h;
            h.spawn(s.job([&] { g.cancel("by a descendant"); }));
            h.join();
        }));
        g.join();
    };
}

Body stop_token_inside(Scene& s) {
    auto& pool = s.make<Pool>(1);
    return [&] {
        std::stop_source source;
        Group g{pool, {.stop = source.get_token()}};
        for (int i = 0; i < 3; ++i) s.keep(g.spawn(s.job([] { sleep_for(forever); })));
        Group helpers;
        helpers.spawn(s.job([&] {
            yield();
            s.here();
        }));
        helpers.join();
        source.request_stop();
        g.join();
    };
}

Body first_error_cancels(Scene& s) {
    auto& pool = s.make<Pool>(3);
    return [&] {
        Group g{pool, {.on_error = OnError::cancel}};
        for (int i = 0; i < 4; ++i)
            g.spawn(s.job([&, i] {
                s.here();
                if (i % 2 == 0) sleep_for(forever);
                yield();
                throw ProgramError{};
            }));
        try {
            g.join();
        } catch (ProgramError const&) {
        }
        g.errors();
    };
}

Body throwing(Scene& s) {
    auto& pool = s.make<Pool>(1);
    return [&] {
        try {
            Group g{pool};
            for (int i = 0; i < 3; ++i)
                s.keep(g.spawn(s.job([&] {
                    Group h{pool};
                    h.spawn(s.job([] {
                        yield();
                        throw ProgramError{};
                    }));
                    s.here();
                    h.join();
                })));
            yield();
            throw ProgramError{};
        } catch (ProgramError const&) {
        }
    };
}

Body loans(Scene& s) {
    auto& pool = s.make<Pool>(1);
    return [&] {
        Group g{pool};
        for (int i = 0; i < 3; ++i)
            g.spawn(s.job([&] {
                auto const loan = pool.release_slot();
                yield();
                Group h{pool};
                h.spawn(s.job([&] {
                    auto const own = pool.release_slot();
                    yield();
                }));
                s.here();
                h.join();
            }));
        g.join();
    };
}

Body catch_blocks(Scene& s) {
    auto& pool = s.make<Pool>(1);
    return [&] {
        auto const waits_in_catch = [&] {
            try {
                throw ProgramError{};
            } catch (ProgramError const&) {
                auto const mine = std::current_exception();
                yield();
                Group g{pool};
                g.spawn(s.job([] {
                    try {
                        yield();
                        throw 5;
                    } catch (int) {
                        yield();
                    }
                }));
                s.here();
                g.join();
                if (mine != std::current_exception()) s.complain("another fiber's exception");
            }
        };
        Group g{pool};
        for (int i = 0; i < 2; ++i) g.spawn(s.job(waits_in_catch));
        waits_in_catch();
        g.join();
    };
}

/// Swallows it, as bad code does: the next wait says it again.
Body swallowing(Scene& s) {
    auto& pool = s.make<Pool>(1);
    return [&] {
        Group g{pool};
        for (int i = 0; i < 2; ++i)
            g.spawn(s.job([&] {
                bool told = false;
                try {
                    sleep_for(5us);
                } catch (Cancelled const&) {
                    told = true;
                }
                s.here();
                yield();
                if (told) s.complain("told of its cancellation only once");
            }));
        g.join();
    };
}

StoppedProgram const programs[] = {
    {"unwinding", unwinding},
    {"shields", shields},
    {"limited_shield", limited_shield, endless},
    {"inner_timeouts", inner_timeouts},
    {"inner_limits", inner_limits},
    {"cancels_inside", cancels_inside},
    {"members_cancel", members_cancel, ends_with_all},
    {"stop_token_inside", stop_token_inside},
    {"first_error_cancels", first_error_cancels, ends_with_all},
    {"throwing", throwing},
    {"loans", loans},
    {"catch_blocks", catch_blocks},
    {"swallowing", swallowing},
};

class EveryPointOfCleanUp : public testing::TestWithParam<StoppedProgram> {};

TEST_P(EveryPointOfCleanUp, LeavesEverythingInOrder) { EXPECT_EQ(stop_everywhere(GetParam()), ""); }

INSTANTIATE_TEST_SUITE_P(Programs, EveryPointOfCleanUp, testing::ValuesIn(programs),
                         [](auto const& p) { return p.param.name; });

class RandomPointsOfCleanUp : public testing::TestWithParam<std::size_t> {};

TEST_P(RandomPointsOfCleanUp, LeaveEverythingInOrder) {
    EXPECT_EQ(stop_at_random(programs, GetParam(), 3'000), "");
}

INSTANTIATE_TEST_SUITE_P(Threads, RandomPointsOfCleanUp, testing::Values(1, 2, 4));

} // namespace
} // namespace frond::test
