#include <frond/ordered_bag.hpp>

#include "support/other_thread.hpp"
#include "support/parallel_watchdog.hpp"
#include "support/scale.hpp"
#include "support/serial_program.hpp"
#include "support/threads_test.hpp"

#include <frond/frond.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace frond::test {
namespace {

using namespace std::chrono_literals;

/// How a program is run: all of it follows from the seed.
struct Setting {
    enum class Reader : std::uint8_t { maker, task_of_the_pool, task, thread };

    explicit Setting(std::uint64_t from)
        : seed{from},
          random{from * 7919 + 1},
          limit{one_of(std::array<std::size_t, 5>{1, 2, 3, 100, 0})},
          admits{one_of(std::array{Order::fifo, Order::newest, Order::priority})},
          buffer{one_of(std::array{std::size_t{1}, std::size_t{2}, std::size_t{5}, unlimited})},
          window{one_of(std::array{std::size_t{1}, std::size_t{2}, std::size_t{5}, unlimited})},
          reader{random() % 32 == 0 ? Reader::thread : static_cast<Reader>(random() % 3)},
          is_in_the_pool{random() % 2 == 0 && reader != Reader::thread} {}

    template <class T, std::size_t N>
    T one_of(std::array<T, N> const& values) {
        return values[random() % N];
    }
    std::string text() const {
        static constexpr char const* readers[] = {"the maker", "a task of the pool", "a task", "a thread"};
        std::ostringstream out;
        out << "FROND_TEST_SEED=" << seed << " limit " << limit << " order " << static_cast<int>(admits)
            << " buffer " << buffer << " window " << window << " reader "
            << readers[static_cast<std::size_t>(reader)] << (is_in_the_pool ? ", in the pool" : "");
        return out.str();
    }

    std::uint64_t seed;
    std::mt19937_64 random;
    std::size_t limit; ///< 0: no pool
    Order admits;
    std::size_t buffer;
    std::size_t window;
    Reader reader;
    bool is_in_the_pool; ///< the maker; who waits for a reader on a thread lends no slot
};

/// Reads in one way or another, item by item, with pauses.
class ItemReader {
public:
    ItemReader(OrderedBag<int>& bag, std::uint64_t seed) : bag_{bag}, random_{seed} {}

    /// @return whether there was one
    bool read_one() {
        try {
            std::optional<int> item;
            if (random_() % 3 == 0) item = bag_.next_for(random_() % 2 * 5us);
            if (!item) item = bag_.next();
            if (item) items_.push_back(*item);
            return item.has_value();
        } catch (ScriptError const& e) {
            items_.push_back(-e.item);
            return true;
        }
    }
    void read_all() {
        switch (random_() % 3) {
        case 0:
            while (read_one()) pause();
            break;
        case 1:
            read_outcomes();
            break;
        default:
            while (!read_by_loop()) {
            }
        }
    }
    std::vector<int> const& items() const { return items_; }

private:
    void pause() {
        if (random_() % 4 == 0)
            for (auto n = random_() % 4; n > 0; --n) yield();
    }
    void read_outcomes() {
        for (Outcome<int>&& o : bag_.outcomes()) {
            try {
                items_.push_back(o.value());
            } catch (ScriptError const& e) {
                items_.push_back(-e.item);
            }
            pause();
        }
    }
    /// @return whether it came to the end, and not to an error
    bool read_by_loop() {
        try {
            for (int&& item : bag_) {
                items_.push_back(item);
                pause();
            }
            return true;
        } catch (ScriptError const& e) {
            items_.push_back(-e.item);
            return false;
        }
    }

    OrderedBag<int>& bag_;
    std::mt19937_64 random_;
    std::vector<int> items_;
};

struct Items {
    std::vector<int> expected;
    std::vector<int> read;
};

void make_and_read(Setting const& s, ScriptRun& run, Script const& script, OrderedBag<int>& bag, Pool* pool,
                   ItemReader& reader) {
    using enum Setting::Reader;
    if (s.reader == maker) {
        run.make(script, [&] { reader.read_one(); });
        reader.read_all();
        return;
    }
    auto hold = bag.keep_open();
    Group readers = pool && s.reader == task_of_the_pool ? Group{*pool} : Group{};
    readers.spawn([&] {
        if (s.reader == thread)
            on_other_thread([&] { reader.read_all(); });
        else
            reader.read_all();
    });
    run.make(script, [&] { run.pause(); });
    hold.release();
    readers.join();
}

/// One program, one setting.
Items run_once(Setting const& s, Script const& script, Sequence sequence) {
    std::optional<Pool> pool;
    if (s.limit != 0) pool.emplace(PoolOptions{.limit = s.limit, .order = s.admits});
    Items items;
    auto const body = [&] {
        BagOptions const options{.buffer = s.buffer, .window = s.window, .sequence = sequence};
        std::optional<OrderedBag<int>> bag;
        if (pool)
            bag.emplace(*pool, options);
        else
            bag.emplace(options);
        Pool* const cap = pool ? &*pool : nullptr;
        // A reader that waits for the hold lends no slot to the maker: nobody knows whose the hold is.
        bool const maker_may_need_slots = s.reader != Setting::Reader::task_of_the_pool;
        ScriptRun run{*bag, sequence, cap, maker_may_need_slots ? cap : nullptr, s.seed};
        ItemReader reader{*bag, s.seed};
        make_and_read(s, run, script, *bag, cap, reader);
        EXPECT_EQ(bag->size(), 0U);
        items.expected = sequence == Sequence::serial ? serial_items(script) : run.items_by_spawn();
        items.read = reader.items();
    };
    if (pool && s.is_in_the_pool)
        pool->run(body);
    else
        body();
    if (pool) {
        auto const stats = pool->stats();
        EXPECT_EQ(stats.active + stats.pending, 0U);
        EXPECT_LE(stats.active_peak, s.limit + stats.overdraft_peak);
    }
    return items;
}

std::string text_of(std::vector<int> const& items) {
    std::string text;
    for (int const i : items) text += ' ' + std::to_string(i);
    return text;
}

class OrderedBagProperty : public ThreadsTest {
protected:
    /// Runs the programs of many seeds, up to the first that goes wrong; FROND_TEST_SEED=N that one only.
    static void run_seeds(std::size_t count, Sequence sequence, ScriptWriter::Style style) {
        char const* const given = std::getenv("FROND_TEST_SEED");
        std::uint64_t const first = given ? std::strtoull(given, nullptr, 10) : 1;
        Watchdog watchdog{"the first", 60s};
        run([&] {
            for (auto seed = first; seed < first + (given ? 1 : count) && !HasFailure(); ++seed) {
                Setting const setting{seed};
                watchdog.pat(setting.text());
                SCOPED_TRACE(setting.text());
                Script const script = ScriptWriter{seed, style}.write();
                auto const items = run_once(setting, script, sequence);
                EXPECT_EQ(text_of(items.read), text_of(items.expected)) << text_of(script);
            }
        });
    }
};

TEST_P(OrderedBagProperty, SerialYieldsWhatTheProgramOfCallsYields) {
    run_seeds(scaled(10'000), Sequence::serial, {});
}

TEST_P(OrderedBagProperty, SpawnYieldsInTheOrderOfTheSpawnCalls) {
    // Where tasks spawn on several threads, nobody knows that order.
    run_seeds(scaled(10'000), Sequence::spawn, {.nested_spawns = GetParam() < 2, .put_in_groups = true});
}

INSTANTIATE_TEST_SUITE_P(Threads, OrderedBagProperty, testing::Values(0, 1, 2, 4));

} // namespace
} // namespace frond::test
