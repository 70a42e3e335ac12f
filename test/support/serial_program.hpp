#pragma once

#include "support/parallel_dice.hpp"

#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/ordered_bag.hpp>
#include <frond/pool.hpp>
#include <frond/sync/event.hpp>
#include <frond/this_task.hpp>

#include <atomic>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace frond::test {

// Random programs of tasks that put items into an ordered bag. An item is a positive number, an error in a
// task's place the negative one.

struct Step;

/// What a task does, and how it ends.
struct Script {
    enum class End : std::uint8_t { nothing, value, engaged, disengaged, error, cancelled };

    std::vector<Step> steps;
    End end = End::nothing;
    int result = 0;
};

struct Step {
    enum class Kind : std::uint8_t {
        put,
        pause, ///< lets others go first
        wait,  ///< for an event that a task of a group of its own sets
        spawn, ///< one task, into the bag
        group, ///< some tasks in a group of its own; waits for them
        read   ///< the maker's: takes an item
    };

    Kind kind;
    int item = 0;
    std::vector<Script> tasks;
};

/// What a task throws on purpose.
struct ScriptError {
    int item;
};

/// Makes programs up. The same seed gives the same program.
class ScriptWriter {
public:
    struct Style {
        bool nested_spawns = true;  ///< tasks spawn, too, and not only the maker
        bool put_in_groups = false; ///< and so do the tasks of a task's own groups
    };

    ScriptWriter(std::uint64_t seed, Style style) : random_{seed}, style_{style}, left_{below(40)} {}

    /// What the maker of the bag does.
    Script write() {
        Script s;
        for (auto n = 1 + below(8); n > 0; --n) add_step(s, Place::maker, 0);
        return s;
    }

private:
    enum class Place : std::uint8_t { maker, bag, group };

    unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }

    Script write_task(Place place, unsigned depth) {
        Script s;
        auto const most = depth < 3 ? 5U : 3U;
        for (auto n = below(most + 1); n > 0; --n) add_step(s, place, depth);
        if (place == Place::group) return s;
        s.end = static_cast<Script::End>(below(8) % 6);
        s.result = ++item_;
        return s;
    }

    void add_step(Script& s, Place place, unsigned depth) {
        using enum Step::Kind;
        auto const dice = below(16);
        bool const may_put = place != Place::group || style_.put_in_groups;
        bool const may_spawn = place == Place::maker || (style_.nested_spawns && may_put);
        if (dice < 4 && may_put) {
            s.steps.push_back({put, ++item_, {}});
        } else if (dice < 10 && may_spawn && left_ > 0 && depth < 8) {
            --left_;
            Step step{spawn, 0, {}};
            step.tasks.push_back(write_task(Place::bag, depth + 1));
            s.steps.push_back(std::move(step));
        } else if (dice == 10 && depth < 4) {
            Step step{group, 0, {}};
            for (auto n = 1 + below(2); n > 0; --n) step.tasks.push_back(write_task(Place::group, depth + 2));
            s.steps.push_back(std::move(step));
        } else if (dice == 11 && place == Place::maker) {
            s.steps.push_back({read, 0, {}});
        } else if (dice == 12) {
            s.steps.push_back({wait, 0, {}});
        } else {
            s.steps.push_back({pause, 0, {}});
        }
    }

    std::mt19937_64 random_;
    Style style_;
    unsigned left_; ///< spawns
    int item_ = 0;
};

/// The program in which every spawn is a call.
inline void call_serially(Script const& s, std::vector<int>& items) {
    for (Step const& step : s.steps) {
        if (step.kind == Step::Kind::put) items.push_back(step.item);
        for (Script const& task : step.tasks) call_serially(task, items);
    }
    if (s.end == Script::End::value || s.end == Script::End::engaged) items.push_back(s.result);
    if (s.end == Script::End::error) items.push_back(-s.result);
}

inline std::vector<int> serial_items(Script const& maker) {
    std::vector<int> items;
    call_serially(maker, items);
    return items;
}

/// To be read by people.
inline std::string text_of(Script const& s) {
    std::string text = "{";
    for (Step const& step : s.steps) {
        static constexpr char const* names[] = {"put ", "pause", "wait", "spawn", "group", "read"};
        text.append(" ").append(names[static_cast<std::size_t>(step.kind)]);
        if (step.kind == Step::Kind::put) text += std::to_string(step.item);
        for (Script const& task : step.tasks) text += text_of(task);
    }
    static constexpr char const* ends[] = {
        "", " return ", " return maybe ", " return nothing ", " throw ", " throw Cancelled "};
    text.append(ends[static_cast<std::size_t>(s.end)]);
    if (s.end != Script::End::nothing) text += std::to_string(s.result);
    return text + " }";
}

/// A program on its way, with random pauses.
class ScriptRun {
public:
    /// What the order by spawn goes by: a spawned task, or an item that the maker put.
    struct Entry {
        Script const* task;
        int item;
    };

    /// @param pool of the tasks' own groups; nullptr: none
    /// @param makers_pool of the maker's own groups; nullptr: none
    ScriptRun(OrderedBag<int>& bag, Sequence order, Pool* pool, Pool* makers_pool, std::uint64_t seed)
        : bag_{bag},
          keeps_entries_{order == Sequence::spawn},
          pool_{pool},
          makers_pool_{makers_pool},
          dice_{seed} {}

    /// The maker's part. @param read takes the next item
    template <class Read>
    void make(Script const& maker, Read read) {
        for (Step const& step : maker.steps) {
            if (step.kind == Step::Kind::read)
                read();
            else
                take(step, true);
        }
    }

    /// What an order by spawn must give. Entries are in order if all spawns are on one thread.
    std::vector<int> items_by_spawn() const {
        std::vector<int> items;
        for (Entry const& e : entries_) {
            if (e.task)
                add_own_items(*e.task, items);
            else
                items.push_back(e.item);
        }
        return items;
    }

    void pause(unsigned most = 3) {
        for (auto n = dice_.below(most + 1, Dice::extra, turns_++); n > 0; --n) yield();
    }

private:
    void take(Step const& step, bool is_maker) {
        switch (step.kind) {
        case Step::Kind::put:
            if (is_maker) enter({nullptr, step.item});
            bag_.put(step.item);
            break;
        case Step::Kind::spawn:
            enter({&step.tasks.front(), 0});
            spawn(step.tasks.front());
            break;
        case Step::Kind::group: {
            Pool* const pool = is_maker ? makers_pool_ : pool_;
            Group own = pool && dice_.chance(50, Dice::bounded, turns_++) ? Group{*pool} : Group{};
            // One after the other: their items all go to the same place.
            for (Script const& task : step.tasks) own.spawn([&] { perform(task, is_maker); }).wait();
            own.join();
            break;
        }
        case Step::Kind::wait: {
            Event event;
            Group own;
            own.spawn([&] {
                pause();
                event.set();
            });
            event.wait();
            own.join();
            break;
        }
        default:
            pause();
        }
        if (dice_.chance(20, Dice::how_long, turns_++)) pause(1);
    }

    void perform(Script const& s, bool is_maker = false) {
        for (Step const& step : s.steps) take(step, is_maker);
    }

    void spawn(Script const& s) {
        SpawnOptions options;
        options.priority = static_cast<int>(dice_.below(3, Dice::priorities, turns_++));
        switch (s.end) {
        case Script::End::nothing:
            bag_.spawn([this, &s] { perform(s); });
            break;
        case Script::End::value:
            bag_.spawn(std::move(options), [this, &s] {
                perform(s);
                return s.result;
            });
            break;
        case Script::End::engaged:
        case Script::End::disengaged:
            bag_.spawn(std::move(options), [this, &s] {
                perform(s);
                return s.end == Script::End::engaged ? std::optional{s.result} : std::nullopt;
            });
            break;
        case Script::End::error:
            bag_.spawn(
                [this](Script const* task) -> int {
                    perform(*task);
                    throw ScriptError{task->result};
                },
                &s);
            break;
        case Script::End::cancelled:
            bag_.spawn([this, &s] {
                perform(s);
                throw Cancelled{};
            });
            break;
        }
    }

    /// Without those of the tasks that it spawned, which have places of their own.
    static void add_own_items(Script const& s, std::vector<int>& items) {
        for (Step const& step : s.steps) {
            if (step.kind == Step::Kind::put) items.push_back(step.item);
            if (step.kind == Step::Kind::group)
                for (Script const& task : step.tasks) add_own_items(task, items);
        }
        if (s.end == Script::End::value || s.end == Script::End::engaged) items.push_back(s.result);
        if (s.end == Script::End::error) items.push_back(-s.result);
    }

    void enter(Entry e) {
        if (keeps_entries_) entries_.push_back(e);
    }

    OrderedBag<int>& bag_;
    bool const keeps_entries_;
    Pool* const pool_;
    Pool* const makers_pool_;
    Dice const dice_;
    std::atomic<std::uint64_t> turns_{0};
    std::vector<Entry> entries_;
};

} // namespace frond::test
