// Programs of the primitives, stopped at every point.

#include "support/every_point.hpp"

#include <frond/frond.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace frond::test {
namespace {

using namespace std::chrono_literals;
using enum StoppedProgram::Length;
using Body = std::function<void()>;

// --- locks and the like -----------------------------------------------------------------------------------

Body mutex(Scene& s) {
    auto& m = s.make<Mutex>();
    auto& inside = s.make<std::atomic<int>>(0);
    s.at_end([&] { return m.try_lock() ? (m.unlock(), "") : "the mutex stays locked"; });
    return [&] {
        auto const visit = [&] {
            std::unique_lock const lock{m};
            if (++inside != 1) s.complain("two inside");
            struct Leave {
                std::atomic<int>& inside;
                ~Leave() { --inside; }
            } const leave{inside};
            s.here();
            yield();
        };
        Group g;
        for (int i = 0; i < 3; ++i) g.spawn(s.job(visit));
        g.spawn(s.job([&] {
            if (m.try_lock_for(5us)) m.unlock();
        }));
        visit();
        g.join();
    };
}

Body condition(Scene& s) {
    struct State {
        Mutex m;
        ConditionVariable changed;
        int items = 0;
    };
    auto& state = s.make<State>();
    s.at_end([&] { return state.m.try_lock() ? (state.m.unlock(), "") : "the mutex stays locked"; });
    return [&] {
        state.items = 0;
        Group g;
        for (int i = 0; i < 3; ++i)
            g.spawn(s.job([&] {
                std::unique_lock lock{state.m};
                state.changed.wait_for(lock, 5us, [&] { return state.items > 0; });
                state.changed.wait(lock, [&] { return state.items > 0; });
                --state.items;
            }));
        for (int i = 0; i < 3; ++i) {
            yield();
            std::unique_lock const lock{state.m};
            s.here();
            ++state.items;
            state.changed.notify_one();
        }
        g.join();
    };
}

Body event(Scene& s) {
    auto& e = s.make<Event>();
    return [&] {
        Group g;
        for (int i = 0; i < 3; ++i)
            g.spawn(s.job([&, i] {
                if (i == 0) e.wait_for(5us);
                e.wait();
                s.here();
            }));
        yield();
        g.spawn(s.job([&] { e.set(); }));
        e.wait();
        g.join();
    };
}

/// A permit that is given back, whatever happens.
class Permit {
public:
    Permit(Semaphore& from, int n) : from_{from}, n_{n} { from_.acquire(n_); }
    Permit(Permit const&) = delete;
    Permit& operator=(Permit const&) = delete;
    ~Permit() { from_.release(n_); }

private:
    Semaphore& from_;
    int n_;
};

Body semaphore(Scene& s) {
    auto& all = s.make<Semaphore>(2);
    s.at_end([&] { return all.available() == 2 ? "" : "permits are lost"; });
    return [&] {
        Group g;
        for (int i = 0; i < 4; ++i)
            g.spawn(s.job([&, i] {
                Permit const one{all, 1 + i % 2};
                s.here();
                yield();
            }));
        g.spawn(s.job([&] {
            if (all.try_acquire_for(5us, 2)) all.release(2);
        }));
        {
            Permit const both{all, 2};
            yield();
        }
        g.join();
    };
}

Body barrier(Scene& s) {
    auto& b = s.make<Barrier>(3);
    s.at_end([&] {
        Group g;
        for (int i = 0; i < 3; ++i) g.spawn([&b] { b.arrive_and_wait(); });
        if (g.join_for(10s)) return "";
        g.cancel();
        return "the barrier counts somebody who has left";
    });
    return [&] {
        Group g;
        for (int i = 0; i < 3; ++i)
            g.spawn(s.job([&] {
                for (int round = 0; round < 2; ++round) {
                    s.here();
                    b.arrive_and_wait();
                }
            }));
        g.join();
    };
}

Body rate_limiter(Scene& s) {
    auto& limiter = s.make<RateLimiter>(Rate{.per_second = 100'000, .burst = 1});
    return [&] {
        Group g;
        for (int i = 0; i < 3; ++i)
            g.spawn(s.job([&] {
                limiter.acquire();
                s.here();
            }));
        limiter.acquire();
        g.join();
    };
}

Body values_of_tasks(Scene& s) {
    auto& local = s.make<Local<Mortal>>([&s] { return s.result(); });
    return [&] {
        Group g;
        for (int i = 0; i < 3; ++i)
            g.spawn(s.job([&] {
                local.get();
                yield();
                local.get();
                s.here();
            }));
        g.join();
    };
}

// --- channels ---------------------------------------------------------------------------------------------

constexpr std::size_t items_at_most = 16;

/// What became of every item.
struct Ledger {
    std::array<std::atomic<bool>, items_at_most> pushed{};
    std::array<std::atomic<int>, items_at_most> popped{};
    std::atomic<std::size_t> next{0};

    std::string complaint() const {
        for (std::size_t i = 0; i < items_at_most; ++i) {
            if (pushed[i] && popped[i] == 0) return "an item is lost";
            if (!pushed[i] && popped[i] != 0) return "an item whose push failed was popped";
            if (popped[i] > 1) return "an item was popped twice";
        }
        return "";
    }
};

struct Token {
    Mortal life;
    std::size_t id;
};
using ByPointer = std::unique_ptr<Token>; ///< moved under the channel's lock
using ByValue = Token;                    ///< its move may throw

std::size_t id_of(ByPointer const& p) { return p->id; }
std::size_t id_of(ByValue const& v) { return v.id; }
template <class T>
T item(Scene& s, std::size_t id) {
    if constexpr (std::is_same_v<T, ByPointer>)
        return std::make_unique<Token>(Token{s.result(), id});
    else
        return Token{s.result(), id};
}

template <class T>
Body channel(Scene& s, std::size_t capacity) {
    auto& c = s.make<Channel<T>>(capacity);
    auto& ledger = s.make<Ledger>();
    s.at_end([&] {
        while (auto const left = c.try_pop()) ++ledger.popped[id_of(*left)];
        return ledger.complaint();
    });
    return [&] {
        auto const push = [&](auto&& how) {
            auto const id = ledger.next++;
            ledger.pushed[id] = how(item<T>(s, id));
        };
        Group producers;
        for (int i = 0; i < 2; ++i)
            producers.spawn(s.job([&] {
                push([&](T t) { return c.push(std::move(t)), true; });
                s.here();
                push([&](T t) { return c.push_for(std::move(t), 5us); });
                push([&](T t) { return c.push(std::move(t)), true; });
            }));
        Group consumers;
        for (int i = 0; i < 2; ++i)
            consumers.spawn(s.job([&, i] {
                if (i == 0)
                    if (auto const first = c.pop_for(5us)) ++ledger.popped[id_of(*first)];
                for (T const& t : c) {
                    ++ledger.popped[id_of(t)];
                    s.here();
                    yield();
                }
            }));
        producers.join();
        c.close();
        consumers.join();
    };
}

template <class T>
StoppedProgram channel_of(char const* name, std::size_t capacity) {
    return {name + std::to_string(capacity), [=](Scene& s) { return channel<T>(s, capacity); },
            ends_with_all};
}

Body endless_waits(Scene& s) {
    struct Things {
        Mutex m;
        Mutex held;
        ConditionVariable changed;
        Event event;
        Semaphore semaphore{1};
        Barrier barrier{9};
        Channel<int> empty{0};
        Channel<int> full{0};
    };
    auto& t = s.make<Things>();
    s.at_end([&] {
        if (t.semaphore.available() != 1) return "a permit is lost";
        if (t.full.try_pop()) return "an item of a push that failed";
        if (!t.m.try_lock()) return "the mutex stays locked";
        t.m.unlock();
        return "";
    });
    return [&] {
        std::unique_lock const lock{t.held};
        Permit const permit{t.semaphore, 1};
        Group g;
        g.spawn(s.job([&] { std::unique_lock const wanted{t.held}; }));
        g.spawn(s.job([&] {
            std::unique_lock own{t.m};
            t.changed.wait(own);
        }));
        g.spawn(s.job([&] { t.event.wait(); }));
        g.spawn(s.job([&] { t.semaphore.acquire(); }));
        g.spawn(s.job([&] { t.barrier.arrive_and_wait(); }));
        g.spawn(s.job([&] { t.empty.pop(); }));
        g.spawn(s.job([&] { t.full.push(1); }));
        s.here();
        g.join();
    };
}

StoppedProgram const programs[] = {
    {"mutex", mutex},
    {"condition", condition, ends_with_all},
    {"event", event, ends_with_all},
    {"semaphore", semaphore},
    {"barrier", barrier, ends_with_all},
    {"rate_limiter", rate_limiter},
    {"values_of_tasks", values_of_tasks},
    channel_of<ByPointer>("channel_", 0),
    channel_of<ByPointer>("channel_", 1),
    channel_of<ByPointer>("channel_", 3),
    channel_of<ByValue>("channel_of_throwing_moves_", 0),
    channel_of<ByValue>("channel_of_throwing_moves_", 1),
    {"endless_waits", endless_waits, endless},
};

class EveryPointOfPrimitives : public testing::TestWithParam<StoppedProgram> {};

TEST_P(EveryPointOfPrimitives, LeavesEverythingInOrder) { EXPECT_EQ(stop_everywhere(GetParam()), ""); }

INSTANTIATE_TEST_SUITE_P(Programs, EveryPointOfPrimitives, testing::ValuesIn(programs),
                         [](auto const& p) { return p.param.name; });

class RandomPointsOfPrimitives : public testing::TestWithParam<std::size_t> {};

TEST_P(RandomPointsOfPrimitives, LeaveEverythingInOrder) {
    EXPECT_EQ(stop_at_random(programs, GetParam(), 3'000), "");
}

INSTANTIATE_TEST_SUITE_P(Threads, RandomPointsOfPrimitives, testing::Values(1, 2, 4));

} // namespace
} // namespace frond::test
