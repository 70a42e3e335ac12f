// Bags, streams, and what waits for several tasks, stopped at every point.

#include "support/every_point.hpp"

#include <frond/frond.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <iterator>
#include <optional>
#include <ranges>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace frond::test {
namespace {

using namespace std::chrono_literals;
using enum StoppedProgram::Length;
using Body = std::function<void()>;

Body bag(Scene& s, Pool& pool) {
    return [&s, &pool] {
        Bag<Mortal> bag{pool, {.buffer = 2}};
        for (int i = 0; i < 3; ++i)
            bag.spawn(s.job([&] {
                bag.put(s.result());
                bag.spawn(s.job([&] {
                    yield();
                    return s.result();
                }));
                s.here();
                sleep_for(5us);
                return std::optional{s.result()};
            }));
        while (bag.next()) s.here();
        if (bag.size() != 0) s.complain("at its end while tasks run");
    };
}

/// It dies while its tasks run and some are queued or held.
Body bag_left_early(Scene& s, Pool& pool) {
    return [&s, &pool] {
        OrderedBag<Mortal> bag{pool, {.window = 2}};
        for (int i = 0; i < 4; ++i)
            bag.spawn(s.job([&] {
                bag.put(s.result());
                yield();
                s.here();
                Group own{pool};
                own.spawn(s.job([&] {
                    yield();
                    bag.put(s.result());
                }));
                own.join();
                return s.result();
            }));
        bag.next();
        bag.next_for(10us);
    };
}

void walk(Scene& s, OrderedBag<std::pair<int, Mortal>>& bag, int depth, int number) {
    bag.put({number, s.result()});
    if (depth == 0) return;
    for (int i = 1; i <= 2; ++i)
        bag.spawn(s.job([&s, &bag, depth, below = 3 * number + i] {
            yield();
            s.here();
            walk(s, bag, depth - 1, below);
        }));
}

/// Cancelled tasks leave out their part; the rest stays in order.
Body serial(Scene& s, Pool& pool) {
    return [&s, &pool] {
        OrderedBag<std::pair<int, Mortal>> bag{pool, {.buffer = 2, .sequence = Sequence::serial}};
        bag.spawn(s.job([&] { walk(s, bag, 2, 0); }));
        static constexpr int order[] = {0, 1, 4, 5, 2, 7, 8};
        std::size_t place = 0;
        for (auto&& [number, life] : bag) {
            while (place < std::size(order) && order[place] != number) ++place;
            if (place++ == std::size(order)) s.complain("out of order");
        }
    };
}

/// Somebody else puts in, and holds it open meanwhile.
Body held_bag(Scene& s, Pool& pool) {
    return [&s, &pool] {
        Bag<Mortal> bag;
        Group senders{pool};
        for (int i = 0; i < 2; ++i)
            senders.spawn(s.job([&, hold = bag.keep_open()]() mutable {
                yield();
                bag.put(s.result());
                sleep_for(5us);
                bag.put(s.result());
                hold.release();
            }));
        while (bag.next_for(20us) || bag.next()) s.here();
        senders.join();
    };
}

Body cancelled_bag(Scene& s, Pool& pool) {
    return [&s, &pool] {
        Bag<Mortal> bag{pool};
        for (int i = 0; i < 3; ++i)
            bag.spawn(s.job([&] {
                bag.put(s.result());
                sleep_for(forever);
            }));
        bag.next();
        s.here();
        bag.cancel("enough");
        if (bag.size() != 0) s.complain("cancel() does not wait");
        bag.spawn(s.job([&] { return s.result(); }));
        while (bag.next()) {
        }
    };
}

template <bool ordered>
Body imap(Scene& s, Pool& pool) {
    return [&s, &pool] {
        auto const f = [&s, life = s.result()](std::pair<int, Mortal>&& item) {
            for (int turns = 3 - item.first; turns > 0; --turns) yield();
            s.here();
            return std::move(item);
        };
        auto input = std::views::iota(0, 4) | std::views::transform([&s, life = s.result()](int i) {
                         return std::pair{i, s.result()};
                     });
        StreamOptions const options{.limit = 2, .buffer = 1};
        auto stream = ordered ? pool.imap(std::move(input), f, options)
                              : pool.imap_unordered(std::move(input), f, options);
        int last = -1;
        for (auto&& o : stream.outcomes()) {
            if (!o) continue; // cancelled alone
            if (ordered && o->first <= last) s.complain("out of order");
            last = o->first;
            yield();
        }
    };
}

/// An input that waits, and a loop that is left.
Body stream_left_early(Scene& s, Pool& pool) {
    return [&s, &pool] {
        auto input = std::views::iota(0) | std::views::transform([&s, life = s.result()](int) {
                         sleep_for(2us);
                         return s.result();
                     });
        auto const f = [&s, &pool](Mortal) {
            Group own{pool};
            own.spawn(s.job([] { yield(); }));
            s.here();
            own.join();
            return s.result();
        };
        int count = 0;
        for (auto&& o : pool.imap_unordered(std::move(input), f, {.limit = 2, .buffer = 2}).outcomes()) {
            static_cast<void>(o);
            if (++count == 3) break;
        }
    };
}

/// No `Scene::result` where a group's tasks return: it dies with the last who holds the task, which may be
/// the thread that is just ending it.
Body gathering(Scene& s, Pool& pool) {
    return [&s, &pool] {
        auto const [a, b, c] = gather(s.job([] { return 1; }), s.job([&] {
            s.here();
            return pool.run(s.job([&] {
                yield();
                return 2;
            }));
        }),
                                      s.job([] { sleep_for(5us); }));
        static_cast<void>(c);
        if (a + b != 3) s.complain("wrong results");
        try {
            gather(s.job([] { sleep_for(forever); }), s.job([&] {
                yield();
                s.here();
                throw ProgramError{};
            }));
            s.complain("an error that is not thrown");
        } catch (ProgramError const&) {
        }
    };
}

Body racing(Scene& s, Pool& pool) {
    return [&s, &pool] {
        auto const slow = [&s, &pool] {
            Group own{pool};
            own.spawn(s.job([] { sleep_for(forever); }));
            s.here();
            own.join();
            return s.result();
        };
        auto const winner = race(s.job(slow), s.job([&] {
            yield();
            return s.result();
        }));
        static_cast<void>(winner);
        first_of(s.job([&]() -> int {
            s.here();
            throw ProgramError{};
        }),
                 s.job([] {
                     sleep_for(5us);
                     return 1;
                 }));
    };
}

Body continuations(Scene& s, Pool& pool) {
    return [&s, &pool] {
        Group g{pool};
        for (int i = 0; i < 2; ++i) {
            auto const source = g.spawn(s.job([&] {
                yield();
                s.here();
                return 1;
            }));
            auto const always = source.then([&s, life = s.result()](Outcome<int>& o) {
                s.here();
                return o.has_value();
            });
            auto const last = s.keep(always.then([life = s.result()](bool& has_value) {
                if (has_value) yield();
                return has_value;
            }));
            if (i == 0) last.wait();
        }
        g.join();
    };
}

/// All that waits for results that never come.
Body endless_reads(Scene& s) {
    auto& pool = s.make<Pool>(1);
    return [&] {
        Bag<int> bag{pool};
        OrderedBag<int> ordered{{.sequence = Sequence::serial}};
        auto const hold = ordered.keep_open();
        bag.spawn(s.job([] { sleep_for(forever); }));
        bag.spawn(s.job([] { return 1; }));
        Group g;
        g.spawn(s.job([&] { bag.next(); }));
        g.spawn(s.job([&] { ordered.next(); }));
        g.spawn(s.job([&] {
            auto const two_and_no_end = std::views::iota(0) | std::views::transform([](int i) {
                                            if (i == 2) sleep_for(forever);
                                            return i;
                                        });
            for (auto&& x : pool.imap(two_and_no_end, [](int i) { return i; })) static_cast<void>(x);
        }));
        g.spawn(s.job([&] { race(s.job([] { sleep_for(forever); })); }));
        g.spawn(s.job([&] { gather(s.job([] { sleep_for(forever); })); }));
        s.here();
        g.join();
    };
}

StoppedProgram in_pool(char const* name, Body (*set_up)(Scene&, Pool&), std::size_t cap,
                       StoppedProgram::Length length = ends) {
    return {name + ("_" + std::to_string(cap)), [=](Scene& s) { return set_up(s, s.make<Pool>(cap)); },
            length};
}

StoppedProgram const programs[] = {
    in_pool("bag", bag, 1),
    in_pool("bag", bag, 2),
    in_pool("bag_left_early", bag_left_early, 1),
    in_pool("bag_left_early", bag_left_early, 2),
    in_pool("serial", serial, 1),
    in_pool("serial", serial, 2),
    in_pool("held_bag", held_bag, 1),
    in_pool("cancelled_bag", cancelled_bag, 2),
    in_pool("imap", imap<true>, 1),
    in_pool("imap", imap<true>, 3),
    in_pool("imap_unordered", imap<false>, 2),
    in_pool("stream_left_early", stream_left_early, 1),
    in_pool("stream_left_early", stream_left_early, 2),
    in_pool("gathering", gathering, 1, ends_with_all),
    in_pool("racing", racing, 1, ends_with_all),
    in_pool("continuations", continuations, 1),
    in_pool("continuations", continuations, 2),
    {"endless_reads", endless_reads, endless},
};

class EveryPointOfStreams : public testing::TestWithParam<StoppedProgram> {};

TEST_P(EveryPointOfStreams, LeavesEverythingInOrder) { EXPECT_EQ(stop_everywhere(GetParam()), ""); }

INSTANTIATE_TEST_SUITE_P(Programs, EveryPointOfStreams, testing::ValuesIn(programs),
                         [](auto const& p) { return p.param.name; });

class RandomPointsOfStreams : public testing::TestWithParam<std::size_t> {};

TEST_P(RandomPointsOfStreams, LeaveEverythingInOrder) {
    EXPECT_EQ(stop_at_random(programs, GetParam(), 3'000), "");
}

INSTANTIATE_TEST_SUITE_P(Threads, RandomPointsOfStreams, testing::Values(1, 2, 4));

} // namespace
} // namespace frond::test
