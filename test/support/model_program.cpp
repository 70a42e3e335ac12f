#include "support/model_program.hpp"

#include <algorithm>
#include <ostream>
#include <random>

namespace frond::test {

namespace {

class Generator {
public:
    explicit Generator(std::uint64_t seed) : random_{seed} { program_.seed = seed; }

    Program generate() {
        one_waiter_ = chance(50);
        budget_ = chance(10) ? between(100, 300) : between(3, 60);
        most_tasks_ = budget_;
        make_pools();
        program_.tasks.emplace_back();
        for (std::uint32_t g = 0; g < program_.groups.size(); ++g) program_.tasks[0].opens.push_back(g);
        std::vector<std::uint32_t> visible = program_.tasks[0].opens;
        fill(0, 0, visible, {});
        program_.tasks[0].ending = Ending::value;
        program_.tasks[0].propagates = false;
        return std::move(program_);
    }

private:
    std::uint32_t between(std::uint32_t low, std::uint32_t high) {
        return std::uniform_int_distribution<std::uint32_t>{low, high}(random_);
    }
    bool chance(unsigned percent) { return between(1, 100) <= percent; }
    template <class T>
    T const& any_of(std::vector<T> const& from) {
        return from[between(0, static_cast<std::uint32_t>(from.size()) - 1)];
    }

    void make_pools() {
        auto const count = chance(60) ? 1 : between(0, 3);
        for (std::uint32_t i = 0; i < count; ++i) {
            std::size_t const limit = chance(40) ? 1 : chance(60) ? between(2, 5) : between(6, 100);
            auto const order = chance(80) ? Order::fifo : Order::newest;
            program_.pools.push_back({.limit = limit, .order = order});
            program_.groups.push_back(
                {.pool = i, .is_pool = true, .on_error = random_on_error(), .owner = 0});
        }
    }

    OnError random_on_error() {
        return chance(80) ? OnError::collect : chance(50) ? OnError::report : OnError::cancel;
    }

    /// A pool that never fills makes nobody wait for a slot; from it one may go back to any other.
    bool is_wide(std::uint32_t pool) const { return program_.pools[pool].limit >= most_tasks_; }
    std::uint32_t rank_inside(std::uint32_t outer, std::uint32_t pool) const {
        return pool == no_pool || is_wide(pool) ? outer : std::max(outer, pool);
    }
    bool may_enter(std::uint32_t rank, std::uint32_t pool) const {
        return pool == no_pool || is_wide(pool) || pool >= rank;
    }

    /// `visible`: groups of the task and those around it. `older`: tasks that it may wait for besides its
    /// own.
    void fill(std::uint32_t me, unsigned depth, std::vector<std::uint32_t> visible,
              std::vector<std::uint32_t> older) {
        open_groups(me, visible);
        std::vector<std::uint32_t> children;
        auto const steps = depth == 0 ? between(3, 20) : between(0, depth < 6 ? 7 : 2);
        for (std::uint32_t i = 0; i < steps; ++i) {
            auto const what = between(1, 100);
            if (what <= 50)
                add_child(me, depth, visible, children, older);
            else if (what <= 70)
                add_wait_for_task(me, children, older);
            else if (what <= 82)
                add_group_step(me, Step::Kind::join);
            else if (what <= 84)
                add_group_step(me, Step::Kind::errors);
            else if (what <= 86)
                add_loan(me);
            else
                steps_of(me).push_back({chance(80) ? Step::Kind::yield : Step::Kind::nap});
        }
        auto& spec = program_.tasks[me];
        auto const how = between(1, 100);
        spec.ending = how <= 75   ? Ending::value
                      : how <= 90 ? Ending::exception
                      : how <= 95 ? Ending::number
                                  : Ending::cancelled;
        spec.propagates = chance(20);
    }

    std::vector<Step>& steps_of(std::uint32_t task) { return program_.tasks[task].steps; }

    void open_groups(std::uint32_t me, std::vector<std::uint32_t>& visible) {
        auto const count = me == 0 ? between(1, 3) : chance(60) ? between(1, 2) : 0;
        for (std::uint32_t i = 0; i < count; ++i) {
            std::uint32_t pool = no_pool;
            if (!program_.pools.empty() && chance(50)) {
                auto const candidate = between(0, static_cast<std::uint32_t>(program_.pools.size()) - 1);
                bool const lives = std::find(visible.begin(), visible.end(), candidate) != visible.end();
                if (lives && may_enter(program_.tasks[me].rank, candidate)) pool = candidate;
            }
            auto const index = static_cast<std::uint32_t>(program_.groups.size());
            program_.groups.push_back(
                {.pool = pool, .is_pool = false, .on_error = random_on_error(), .owner = me});
            program_.tasks[me].opens.push_back(index);
            visible.push_back(index);
        }
    }

    void add_child(std::uint32_t me, unsigned depth, std::vector<std::uint32_t> const& visible,
                   std::vector<std::uint32_t>& children, std::vector<std::uint32_t> older) {
        if (budget_ == 0 || visible.empty()) return;
        auto const group = chance(60) && !program_.tasks[me].opens.empty() ? any_of(program_.tasks[me].opens)
                                                                           : any_of(visible);
        auto const pool = program_.groups[group].pool;
        if (!may_enter(program_.tasks[me].rank, pool)) return;
        --budget_;
        auto const child = static_cast<std::uint32_t>(program_.tasks.size());
        TaskSpec spec;
        spec.group = group;
        spec.rank = rank_inside(program_.tasks[me].rank, pool);
        spec.parent = me;
        program_.tasks.push_back(std::move(spec));
        auto kind = Step::Kind::spawn;
        if (!one_waiter_ && chance(10)) kind = Step::Kind::try_spawn;
        if (!one_waiter_ && chance(10)) {
            kind = Step::Kind::spawn_wait;
            ++program_.extra_waiters;
        }
        if (chance(8) && may_wait_for(me, child)) {
            kind = Step::Kind::run;
            count_wait(me, child);
        }
        steps_of(me).push_back({kind, child});
        older.insert(older.end(), children.begin(), children.end());
        // It may outlive this task, and use only what outlives its own group: that, and what was opened
        // before.
        auto const last = std::find(visible.begin(), visible.end(), group);
        fill(child, depth + 1, {visible.begin(), last + 1}, std::move(older));
        if (kind != Step::Kind::run) children.push_back(child);
    }

    /// With one waiter a task, whoever gets a task is also the only one to join its group; the main fiber
    /// never holds a slot, so its waits do not count.
    bool may_wait_for(std::uint32_t me, std::uint32_t other) const {
        auto const owner = program_.groups[program_.tasks[other].group].owner;
        return !one_waiter_ || owner == me || owner == 0;
    }

    void count_wait(std::uint32_t me, std::uint32_t other) {
        auto const owner = program_.groups[program_.tasks[other].group].owner;
        if (owner != me && owner != 0) ++program_.extra_waiters;
    }

    void add_wait_for_task(std::uint32_t me, std::vector<std::uint32_t> const& children,
                           std::vector<std::uint32_t> const& older) {
        bool const across = !one_waiter_ && !older.empty() && chance(30);
        if (!across && children.empty()) return;
        auto const other = any_of(across ? older : children);
        if (across && program_.tasks[other].rank < program_.tasks[me].rank) return;
        if (!may_wait_for(me, other)) return;
        if (across) ++program_.extra_waiters;
        count_wait(me, other);
        auto const what = between(1, 100);
        auto kind = what <= 60   ? Step::Kind::get
                    : what <= 70 ? Step::Kind::take
                    : what <= 85 ? Step::Kind::wait
                                 : Step::Kind::error;
        if (!one_waiter_ && chance(15)) {
            kind = Step::Kind::wait_briefly;
            ++program_.extra_waiters;
        }
        steps_of(me).push_back({kind, other});
    }

    void add_group_step(std::uint32_t me, Step::Kind kind) {
        auto const& own = program_.tasks[me].opens;
        if (!own.empty()) steps_of(me).push_back({kind, any_of(own)});
    }

    void add_loan(std::uint32_t me) {
        if (one_waiter_ || me == 0 || program_.groups[program_.tasks[me].group].pool == no_pool) return;
        ++program_.extra_waiters;
        steps_of(me).push_back({Step::Kind::loan});
    }

    std::mt19937_64 random_;
    Program program_;
    bool one_waiter_ = false;
    std::uint32_t budget_ = 0;
    std::uint32_t most_tasks_ = 0;
};

char const* name_of(Step::Kind k) {
    switch (k) {
    case Step::Kind::spawn:
        return "spawn";
    case Step::Kind::try_spawn:
        return "try_spawn";
    case Step::Kind::spawn_wait:
        return "spawn_wait";
    case Step::Kind::run:
        return "run";
    case Step::Kind::get:
        return "get";
    case Step::Kind::take:
        return "take";
    case Step::Kind::wait:
        return "wait";
    case Step::Kind::wait_briefly:
        return "wait_briefly";
    case Step::Kind::error:
        return "error";
    case Step::Kind::join:
        return "join group";
    case Step::Kind::errors:
        return "errors of group";
    case Step::Kind::loan:
        return "loan";
    case Step::Kind::yield:
        return "yield";
    case Step::Kind::nap:
        return "nap";
    }
    return "?";
}

} // namespace

Program random_program(std::uint64_t seed) { return Generator{seed}.generate(); }

std::ostream& operator<<(std::ostream& out, Program const& p) {
    out << "seed " << p.seed << ", " << p.extra_waiters << " extra waiters\n";
    for (std::size_t i = 0; i < p.pools.size(); ++i)
        out << "pool " << i << ": limit " << p.pools[i].limit
            << (p.pools[i].order == Order::newest ? ", newest first" : "") << '\n';
    for (std::size_t i = 0; i < p.groups.size(); ++i) {
        out << "group " << i << ": of task " << p.groups[i].owner;
        if (p.groups[i].pool != no_pool) out << ", in pool " << p.groups[i].pool;
        out << (p.groups[i].on_error == OnError::cancel   ? ", cancels"
                : p.groups[i].on_error == OnError::report ? ", reports"
                                                          : "")
            << '\n';
    }
    for (std::size_t i = 0; i < p.tasks.size(); ++i) {
        auto const& t = p.tasks[i];
        out << "task " << i << " in group " << t.group << ", child of " << t.parent << ':';
        for (auto const& s : t.steps) out << ' ' << name_of(s.kind) << ' ' << s.index << ';';
        out << (t.ending == Ending::value ? " value" : " throws") << (t.propagates ? ", propagates" : "")
            << '\n';
    }
    return out;
}

} // namespace frond::test
