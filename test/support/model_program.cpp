#include "support/model_program.hpp"

#include <algorithm>
#include <iterator>
#include <random>

namespace frond::test {

namespace {

class Generator {
public:
    explicit Generator(std::uint64_t seed) : random_{seed} { program_.seed = seed; }

    Program generate() {
        one_waiter_ = chance(50);
        program_.stops = stops_ = chance(70);
        crossing_ = stops_ && chance(40);
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
            program_.groups.push_back({.pool = i,
                                       .is_pool = true,
                                       .has_token = stops_ && chance(15),
                                       .on_error = random_on_error(),
                                       .owner = 0});
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
            if (stops_ && chance(25))
                add_stop(me, visible, children, older);
            else if (what <= 50)
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
        if (stops_) make_stoppable(me);
    }

    /// What is around it, and around parts of it.
    void make_stoppable(std::uint32_t me) {
        wrap_parts(program_.tasks[me].steps, 3);
        auto& spec = program_.tasks[me];
        spec.swallows = chance(20);
        if (!chance(me == 0 ? 10 : 20)) return;
        auto const what = between(1, 100);
        spec.around = what <= 40 && me != 0     ? Around::time_limit
                      : what <= 80 || crossing_ ? Around::deadline
                                                : Around::shield;
        spec.limit = random_limit();
        if (spec.around == Around::time_limit && spec.limit == Limit::soon) spec.limit = Limit::at_once;
    }

    Limit random_limit() { return chance(45) ? Limit::at_once : chance(60) ? Limit::never : Limit::soon; }

    void wrap_parts(std::vector<Step>& steps, unsigned depth) {
        while (!steps.empty() && chance(35)) {
            auto const size = static_cast<std::uint32_t>(steps.size());
            auto const first = between(0, size - 1);
            auto const last = between(first + 1, std::min(size, first + 6));
            if (last - first == 1 && !steps[first].inner.empty() && chance(70)) continue;
            auto const begin = steps.begin() + first;
            auto const end = steps.begin() + last;
            auto const what = between(1, 100);
            Step block{.kind = what <= 35   ? Step::Kind::with_timeout
                               : what <= 50 ? Step::Kind::move_on_after
                               : what <= 65 ? Step::Kind::shield
                               : what <= 85 ? Step::Kind::clean_up
                                            : Step::Kind::rescue,
                       .limit = random_limit()};
            bool const protects = block.kind == Step::Kind::shield || block.kind == Step::Kind::clean_up;
            if (protects && crossing_ && !std::all_of(begin, end, never_waits_for_tasks)) continue;
            block.inner.assign(std::make_move_iterator(begin), std::make_move_iterator(end));
            steps.erase(begin, end);
            if (depth > 1) wrap_parts(block.inner, depth - 1);
            steps.insert(steps.begin() + first, std::move(block));
        }
    }

    static bool never_waits_for_tasks(Step const& s) {
        switch (s.kind) {
        case Step::Kind::spawn:
        case Step::Kind::try_spawn:
        case Step::Kind::errors:
        case Step::Kind::loan:
        case Step::Kind::yield:
        case Step::Kind::nap:
        case Step::Kind::check:
        case Step::Kind::request_cancel_task:
        case Step::Kind::request_cancel_group:
        case Step::Kind::stop_group:
            return true;
        default:
            return !s.inner.empty() && std::all_of(s.inner.begin(), s.inner.end(), never_waits_for_tasks);
        }
    }

    void add_stop(std::uint32_t me, std::vector<std::uint32_t> const& visible,
                  std::vector<std::uint32_t> const& children, std::vector<std::uint32_t> const& older) {
        auto const any_task = between(0, static_cast<std::uint32_t>(program_.tasks.size()) - 1);
        auto const what = between(1, 100);
        if (what <= 15) {
            steps_of(me).push_back({Step::Kind::check});
        } else if (what <= 40) {
            auto const task = !children.empty() && chance(60) ? any_of(children) : chance(10) ? me : any_task;
            if (task != 0) steps_of(me).push_back({Step::Kind::request_cancel_task, task});
        } else if (what <= 60) {
            add_cancel_of_task(me, any_task, children, older);
        } else if (what <= 75) {
            if (!visible.empty()) steps_of(me).push_back({Step::Kind::request_cancel_group, any_of(visible)});
        } else if (what <= 90) {
            auto const& groups = crossing_ ? visible : program_.tasks[me].opens;
            if (groups.empty()) return;
            steps_of(me).push_back({Step::Kind::cancel_group, any_of(groups)});
            ++program_.extra_waiters;
        } else {
            std::vector<std::uint32_t> with_token;
            std::copy_if(visible.begin(), visible.end(), std::back_inserter(with_token),
                         [this](auto g) { return program_.groups[g].has_token; });
            if (!with_token.empty()) steps_of(me).push_back({Step::Kind::stop_group, any_of(with_token)});
        }
    }

    void add_cancel_of_task(std::uint32_t me, std::uint32_t any_task,
                            std::vector<std::uint32_t> const& children,
                            std::vector<std::uint32_t> const& older) {
        auto task = me;
        if (crossing_ && chance(50))
            task = any_task;
        else if (!chance(10)) {
            bool const across = !older.empty() && chance(30);
            if (!across && children.empty()) return;
            task = any_of(across ? older : children);
            if (across && program_.tasks[task].rank < program_.tasks[me].rank) return;
        }
        if (task == 0) return;
        ++program_.extra_waiters;
        steps_of(me).push_back({Step::Kind::cancel_task, task});
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
            program_.groups.push_back({.pool = pool,
                                       .is_pool = false,
                                       .has_token = stops_ && chance(15),
                                       .on_error = random_on_error(),
                                       .owner = me});
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
    bool stops_ = false;
    bool crossing_ = false; ///< whoever cancels may wait for what may wait for it
    std::uint32_t budget_ = 0;
    std::uint32_t most_tasks_ = 0;
};

} // namespace

Program random_program(std::uint64_t seed) { return Generator{seed}.generate(); }

} // namespace frond::test
