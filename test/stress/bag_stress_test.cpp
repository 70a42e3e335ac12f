// Bags under fire: every item comes once, or is accounted for.

#include <frond/bag.hpp>

#include "support/bag_kinds.hpp"
#include "support/lives.hpp"
#include "support/parallel_watchdog.hpp"
#include "support/scale.hpp"
#include "support/unhandled_errors.hpp"

#include <frond/frond.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iostream>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace frond::test {
namespace {

using namespace std::chrono_literals;
using Random = std::minstd_rand;

Random random_of(std::uint64_t seed, std::size_t who) {
    std::seed_seq mixed{seed, std::uint64_t{who}};
    return Random{mixed};
}

/// What was sent and what has arrived, by number.
class Books {
public:
    explicit Books(std::size_t most) : entries_(most) {}

    std::size_t new_number() {
        auto const n = next_++;
        if (n >= entries_.size()) std::terminate();
        return n;
    }
    void sent(std::size_t n) { entries_[n].sent = true; }
    void arrived(std::size_t n) { ++entries_[n].arrived; }
    /// @param all also whether all that was sent has arrived
    std::string complaints(bool all) const {
        std::ostringstream out;
        for (std::size_t n = 0; n < next_; ++n) {
            auto const times = entries_[n].arrived.load();
            if (times > 1) out << n << " came " << times << " times\n";
            if (times == 1 && !entries_[n].sent) out << n << " was never sent\n";
            if (all && times == 0 && entries_[n].sent) out << n << " is lost\n";
        }
        return out.str();
    }

private:
    struct Entry {
        std::atomic<bool> sent{false};
        std::atomic<int> arrived{0};
    };
    std::vector<Entry> entries_;
    std::atomic<std::size_t> next_{0};
};

struct Parcel {
    std::size_t number;
    Mortal life;
};
struct ParcelError {
    std::size_t number;
};

/// A bag, and everybody who uses it at once.
template <class Bag>
class Crowd {
public:
    Crowd(Pool* pool, BagOptions const& options, std::uint64_t seed) : seed_{seed} {
        if (pool)
            bag_.emplace(*pool, options);
        else
            bag_.emplace(options);
    }
    Crowd(Crowd const&) = delete;
    Crowd& operator=(Crowd const&) = delete;
    ~Crowd() {
        for (auto& t : threads_) t.join();
    }

    Bag& bag() { return *bag_; }
    /// Puts and spawns from outside, in a task or on a thread, for as long as it holds the bag.
    void add_senders(Group& tasks, std::size_t in_tasks, std::size_t on_threads, std::size_t jobs) {
        for (std::size_t i = 0; i < in_tasks + on_threads; ++i) {
            auto work = [this, jobs, hold = bag_->keep_open(), random = random_of(seed_, ++who_)]() mutable {
                for (std::size_t n = 0; n < jobs; ++n) send(random, 2);
            };
            start(tasks, i < in_tasks, std::move(work));
        }
    }
    void add_readers(Group& tasks, std::size_t in_tasks, std::size_t on_threads) {
        for (std::size_t i = 0; i < in_tasks + on_threads; ++i) {
            auto work = [this, random = random_of(seed_, ++who_)]() mutable { read_all(random); };
            start(tasks, i < in_tasks, std::move(work));
        }
    }
    void wait_for_threads() {
        while (live_threads_ != 0) sleep_for(50us);
    }
    void read_all(Random& random) {
        for (;;) {
            switch (random() % 4) {
            case 0: // never the end: that is for `next` to say
                read_one([&] { return bag_->next_for(random() % 20 * 1us); });
                continue;
            case 1: // cut short from outside
                move_on_after(random() % 20 * 1us, [&] { return read_next(); });
                continue;
            default:
                if (!read_next()) return;
            }
            if (random() % 8 == 0) yield();
        }
    }
    void expect_in_order(bool all_read) {
        EXPECT_EQ(books_.complaints(all_read), "");
        EXPECT_EQ(running_, 0);
        EXPECT_EQ(callables_.alive(), 0);
    }
    /// The bag dies, with whatever is in it.
    void drop() {
        bag_.reset();
        EXPECT_EQ(running_, 0);
        EXPECT_EQ(callables_.alive(), 0);
        EXPECT_EQ(parcels_.alive(), 0);
    }

    std::size_t unread_errors() const { return errors_ - errors_read_; }
    void send(Random& random, unsigned depth) {
        if (random() % 4 == 0) put();
        auto const n = books_.new_number();
        bag_->spawn([this, n, depth, own = Random{random()}, life = Mortal{callables_}]() mutable {
            return work(n, depth, own);
        });
        if (random() % 8 == 0) yield();
    }
    bool read_next() {
        return read_one([&] { return bag_->next(); });
    }

private:
    struct Inside {
        explicit Inside(std::atomic<int>& n) : count{n} { ++count; }
        Inside(Inside const&) = delete;
        Inside& operator=(Inside const&) = delete;
        ~Inside() { --count; }
        std::atomic<int>& count;
    };

    template <class Work>
    void start(Group& tasks, bool in_task, Work work) {
        if (in_task) {
            tasks.spawn(std::move(work));
            return;
        }
        ++live_threads_;
        threads_.emplace_back([this, mine = std::optional{std::move(work)}]() mutable {
            (*mine)();
            mine.reset();
            --live_threads_;
        });
    }
    void put() {
        auto const n = books_.new_number();
        books_.sent(n); // it may arrive before `put` returns
        bag_->put(Parcel{n, Mortal{parcels_}});
    }
    std::optional<Parcel> work(std::size_t n, unsigned depth, Random& random) {
        Inside const inside{running_};
        for (auto turns = random() % 3; turns > 0; --turns) yield();
        if (random() % 32 == 0) sleep_for(random() % 50 * 1us);
        if (depth > 0 && random() % 4 == 0) send(random, depth - 1);
        if (random() % 4 == 0) put();
        if (random() % 8 == 0) return std::nullopt;
        books_.sent(n);
        if (random() % 8 == 0) {
            ++errors_;
            throw ParcelError{n};
        }
        return Parcel{n, Mortal{parcels_}};
    }
    template <class Next>
    bool read_one(Next next) {
        try {
            std::optional<Parcel> const p = next();
            if (p) books_.arrived(p->number);
            return p.has_value();
        } catch (ParcelError const& e) {
            ++errors_read_;
            books_.arrived(e.number);
            return true;
        }
    }

    std::uint64_t const seed_;
    std::size_t who_ = 0;
    Books books_{100'000};
    Lives callables_;
    Lives parcels_;
    std::atomic<int> running_{0};
    std::atomic<std::size_t> errors_{0};
    std::atomic<std::size_t> errors_read_{0};
    std::optional<Bag> bag_;
    std::atomic<int> live_threads_{0};
    std::vector<std::thread> threads_;
};

/// What a round is like, from its seed.
struct Round {
    explicit Round(std::uint64_t s) : seed{s}, random{random_of(s, 0)} {
        if (random() % 4 != 0) pool.emplace(std::size_t{1} + random() % 4);
        if (random() % 2 == 0) options.buffer = 1 + random() % 8;
        if (random() % 2 == 0) options.window = 1 + random() % 8;
    }
    void expect_slots_back() const {
        if (!pool) return;
        auto const stats = pool->stats();
        EXPECT_EQ(stats.active + stats.pending + stats.live, 0U);
        EXPECT_EQ(pool->free_count(), pool->limit());
    }

    std::uint64_t seed;
    Random random;
    std::optional<Pool> pool;
    BagOptions options;
};

class BagStress : public BagsTest {
protected:
    /// @param body gets a crowd and its round
    template <class F>
    static void run_rounds(std::size_t count, F body) {
        Watchdog watchdog{"the first round"};
        run([&]<template <class> class B>(Of<B>) {
            for (std::uint64_t seed = 1; seed <= count && !HasFailure(); ++seed) {
                watchdog.pat("round " + std::to_string(seed));
                SCOPED_TRACE("round " + std::to_string(seed));
                Round round{seed};
                {
                    Crowd<B<Parcel>> crowd{round.pool ? &*round.pool : nullptr, round.options, seed};
                    body(crowd, round);
                }
                round.expect_slots_back();
            }
        });
    }
};
INSTANTIATE_TEST_SUITE_P(Both, BagStress, every_bag(), &name_of_bag);

TEST_P(BagStress, EveryItemComesOnce) {
    run_rounds(scaled(100), [](auto& crowd, Round& round) {
        Group tasks;
        crowd.add_senders(tasks, 1 + round.random() % 3, round.random() % 3, 30);
        crowd.add_readers(tasks, 1 + round.random() % 3, round.random() % 2);
        tasks.join();
        crowd.wait_for_threads();
        crowd.expect_in_order(true);
        EXPECT_EQ(crowd.unread_errors(), 0U);
        crowd.drop();
    });
}

TEST_P(BagStress, WhatHadBeenSentBeforeACancelComesOnce) {
    run_rounds(scaled(100), [](auto& crowd, Round& round) {
        Group tasks;
        crowd.add_senders(tasks, 1 + round.random() % 3, round.random() % 3, 30);
        crowd.add_readers(tasks, 1 + round.random() % 3, round.random() % 2);
        tasks.spawn([&] {
            for (auto times = 1 + round.random() % 4; times > 0; --times) {
                sleep_for(round.random() % 300 * 1us);
                if (round.random() % 2 == 0)
                    crowd.bag().cancel("on purpose");
                else
                    crowd.bag().request_cancel();
            }
        });
        tasks.join();
        crowd.wait_for_threads();
        crowd.expect_in_order(true);
        crowd.drop();
    });
}

TEST_P(BagStress, ADyingBagLeavesNothingBehind) {
    UnhandledErrors const unhandled;
    std::size_t unread = 0;
    run_rounds(scaled(500), [&](auto& crowd, Round& round) {
        for (auto jobs = round.random() % 40; jobs > 0; --jobs) crowd.send(round.random, 2);
        for (auto reads = round.random() % 40; reads > 0; --reads) crowd.read_next();
        crowd.drop();
        crowd.expect_in_order(false);
        unread += crowd.unread_errors();
    });
    std::size_t reported = 0;
    for (TaskError const& e : unhandled.seen()) reported += 1 + e.more;
    EXPECT_EQ(reported, unread);
}

TEST_P(BagStress, AnItemThatComesAtTheDeadlineIsNotLost) {
    std::atomic<std::size_t> in_time{0};
    std::atomic<std::size_t> late{0};
    Watchdog const watchdog{"deadlines"};
    run([&]<template <class> class B>(Of<B>) {
        B<std::size_t> bag;
        Random random = random_of(1, 1);
        for (std::size_t round = 0; round < scaled(2'000); ++round) {
            auto const deadline = Clock::now() + random() % 100 * 1us;
            auto const comes = deadline - random() % 20 * 1us;
            bag.spawn([&bag, comes, round, puts = random() % 2 == 0]() -> std::optional<std::size_t> {
                sleep_until(comes);
                if (!puts) return round;
                bag.put(round);
                return std::nullopt;
            });
            auto item = bag.next_until(deadline);
            ++(item ? in_time : late);
            if (!item) item = bag.next();
            ASSERT_EQ(item, round);
            ASSERT_EQ(bag.next(), std::nullopt);
        }
    });
    std::cout << in_time << " in time, " << late << " late\n";
}

TEST_P(BagStress, OtherThreadsReadWithDeadlines) {
    Watchdog const watchdog{"deadlines of other threads"};
    run([&]<template <class> class B>(Of<B>) {
        B<std::size_t> bag;
        auto const count = scaled(3'000);
        std::vector<std::atomic<int>> arrived(count);
        std::atomic<int> reading{2};
        auto hold = bag.keep_open();
        std::vector<std::thread> readers;
        for (std::size_t i = 0; i < 2; ++i)
            readers.emplace_back([&, random = random_of(2, i)]() mutable {
                for (bool more = true; more;) {
                    auto item = bag.next_for(random() % 60 * 1us);
                    if (!item && random() % 16 == 0) more = (item = bag.next()).has_value();
                    if (item) ++arrived[*item];
                }
                --reading;
            });
        Random random = random_of(2, 2);
        for (std::size_t n = 0; n < count; ++n) {
            bag.spawn([n] { return n; });
            if (random() % 4 == 0) sleep_for(random() % 60 * 1us);
        }
        hold.release();
        while (reading != 0) sleep_for(50us);
        for (auto& r : readers) r.join();
        for (std::size_t n = 0; n < count; ++n) ASSERT_EQ(arrived[n], 1) << n;
    });
}

} // namespace
} // namespace frond::test
