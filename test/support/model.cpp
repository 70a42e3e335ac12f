#include "support/model.hpp"

#include "support/model_oracle.hpp"

#include <frond/frond.hpp>

#include <chrono>
#include <deque>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace frond::test {

namespace {

class Run {
public:
    explicit Run(Program const& p)
        : program_{p}, oracle_{p}, groups_(p.groups.size()), handles_(p.tasks.size()) {}

    std::string go() {
        set_unhandled_error_handler([this](TaskError const& e) { oracle_.unhandled(e); });
        try {
            perform(0);
        } catch (std::exception const& e) {
            oracle_.complain(std::string{"the main fiber gets: "} + e.what());
        }
        set_unhandled_error_handler({});
        oracle_.finished();
        std::string text;
        for (auto const& complaint : oracle_.complaints()) text += complaint + '\n';
        return text;
    }

private:
    /// The groups of one task; the last one opened dies first, also during unwinding.
    class OpenGroups {
    public:
        OpenGroups(Run& run, std::uint32_t me) : run_{run}, me_{me}, exceptions_{std::uncaught_exceptions()} {
            for (auto const g : run.program_.tasks[me].opens) open(g);
        }
        OpenGroups(OpenGroups const&) = delete;
        OpenGroups& operator=(OpenGroups const&) = delete;
        ~OpenGroups() {
            auto const& opened = run_.program_.tasks[me_].opens;
            bool const unwinding = std::uncaught_exceptions() > exceptions_;
            for (auto g = opened.rbegin(); g != opened.rend(); ++g) {
                auto& oracle = run_.oracle_;
                oracle.group_dies(*g, unwinding);
                oracle.stops_working(me_);
                run_.check_pools(*g);
                run_.groups_[*g].end();
                oracle.works_again(me_);
                oracle.group_dead(*g);
                if ((std::uncaught_exceptions() > exceptions_) != unwinding)
                    oracle.complain("uncaught_exceptions() changed over a destructor's wait");
            }
        }

    private:
        void open(std::uint32_t index) {
            auto const& spec = run_.program_.groups[index];
            auto& group = run_.groups_[index];
            GroupOptions const options{.on_error = spec.on_error};
            if (spec.is_pool) {
                auto const& pool = run_.program_.pools[spec.pool];
                group.begin({.limit = pool.limit, .order = pool.order, .group = options});
            } else if (spec.pool != no_pool) {
                group.begin(run_.pool(spec.pool), options);
            } else {
                group.begin(options);
            }
        }

        Run& run_;
        std::uint32_t const me_;
        int const exceptions_;
    };

    /// In the callable, so that the oracle learns how that died.
    struct Body {
        Run* run;
        std::uint32_t task;
        bool used = false;

        Body(Run& r, std::uint32_t t) : run{&r}, task{t} {}
        Body(Body&& other) noexcept
            : run{std::exchange(other.run, nullptr)}, task{other.task}, used{other.used} {}
        Body& operator=(Body&&) = delete;
        ~Body() {
            if (run && !used) run->oracle_.dropped(task);
        }
        int operator()() {
            used = true;
            return run->call(task);
        }
    };

    /// A group or a pool, at a place that its tasks know until its destructor is over.
    class AnyGroup {
    public:
        AnyGroup() = default;
        AnyGroup(AnyGroup const&) = delete;
        AnyGroup& operator=(AnyGroup const&) = delete;
        ~AnyGroup() { end(); }

        void begin(GroupOptions const& options) { group_ = new Group{options}; }
        void begin(Pool& pool, GroupOptions const& options) { group_ = new Group{pool, options}; }
        void begin(PoolOptions options) { group_ = pool_ = new Pool{std::move(options)}; }
        void end() {
            if (pool_)
                delete pool_;
            else
                delete group_; // no virtual destructor
            group_ = pool_ = nullptr;
        }
        Group& operator*() const { return *group_; }
        Pool& pool() const { return *pool_; }
        bool is_open() const { return group_ != nullptr; }

    private:
        Group* group_ = nullptr;
        Pool* pool_ = nullptr;
    };

    Pool& pool(std::uint32_t index) const { return groups_[index].pool(); }

    int call(std::uint32_t me) {
        oracle_.started(me, this_task::id());
        try {
            perform(me);
        } catch (Cancelled const&) {
            oracle_.cancelled_itself(me, std::current_exception());
            throw;
        } catch (...) {
            oracle_.failed(me, std::current_exception());
            throw;
        }
        oracle_.returned(me);
        return Oracle::value_of(me);
    }

    void perform(std::uint32_t me) {
        OpenGroups const own{*this, me};
        auto const& spec = program_.tasks[me];
        for (auto const& step : spec.steps) take_step(me, step);
        switch (spec.ending) {
        case Ending::value:
            return;
        case Ending::exception:
            throw std::runtime_error(std::to_string(me));
        case Ending::number:
            throw static_cast<int>(me);
        case Ending::cancelled:
            throw Cancelled{std::to_string(me)};
        }
    }

    void take_step(std::uint32_t me, Step const& step) {
        using Kind = Step::Kind;
        switch (step.kind) {
        case Kind::spawn:
        case Kind::try_spawn:
        case Kind::spawn_wait:
        case Kind::run:
            spawn(me, step);
            break;
        case Kind::get:
        case Kind::take:
        case Kind::wait:
        case Kind::wait_briefly:
        case Kind::error:
            if (handles_[step.index]) wait_for_task(me, step);
            break;
        case Kind::join:
            join(me, step.index);
            break;
        case Kind::errors:
            oracle_.took_errors(step.index, (*groups_[step.index]).errors());
            break;
        case Kind::loan:
            lend(me);
            break;
        case Kind::yield:
            yield();
            break;
        case Kind::nap:
            sleep_for(std::chrono::microseconds{20});
            break;
        }
        check_groups(me);
    }

    void spawn(std::uint32_t me, Step const& step) {
        auto const child = step.index;
        auto const index = program_.tasks[child].group;
        auto& group = *groups_[index];
        SpawnOptions options{.name = std::to_string(child)};
        if (oracle_.refuses(me, index)) {
            try {
                handles_[child] = group.spawn(std::move(options), Body{*this, child});
                oracle_.complain("a pool that is being destroyed takes a task from outside");
            } catch (Closed const&) {
            }
            return;
        }
        if (step.kind == Step::Kind::try_spawn) {
            // Where the group drops what comes, the task is dropped at once; otherwise it is none before it
            // has a slot.
            bool const dropping = oracle_.is_dropping(index);
            if (dropping) oracle_.spawned(child);
            if (auto task = group.try_spawn(std::move(options), Body{*this, child})) {
                if (!dropping) oracle_.spawned(child);
                handles_[child] = std::move(*task);
            } else if (dropping) {
                oracle_.complain("try_spawn fails in a group that drops its tasks");
            }
            return;
        }
        oracle_.spawned(child);
        switch (step.kind) {
        case Step::Kind::spawn_wait:
            oracle_.stops_working(me);
            handles_[child] = group.spawn_wait(std::move(options), Body{*this, child});
            oracle_.works_again(me);
            break;
        case Step::Kind::run:
            run_in(me, group, child);
            break;
        default:
            handles_[child] = group.spawn(std::move(options), Body{*this, child});
            break;
        }
    }

    void run_in(std::uint32_t me, Group& group, std::uint32_t child) {
        watch(me, child, [&] { return group.run(Body{*this, child}); });
    }

    /// Performs a wait that gives the task's value or throws, and compares.
    template <class F>
    void watch(std::uint32_t me, std::uint32_t other, F&& wait) {
        oracle_.stops_working(me);
        try {
            int const value = wait();
            oracle_.works_again(me);
            oracle_.saw_value(other, value);
        } catch (Deadlock const& e) {
            oracle_.complain(e.what());
            throw;
        } catch (std::logic_error const& e) {
            oracle_.works_again(me);
            oracle_.saw_taken(other, e.what());
        } catch (Cancelled const& c) {
            oracle_.works_again(me);
            oracle_.saw_cancelled(other);
            if (!c.text.empty()) oracle_.saw_error(other, std::current_exception());
            if (program_.tasks[me].propagates) throw;
        } catch (...) {
            oracle_.works_again(me);
            oracle_.saw_error(other, std::current_exception());
            if (program_.tasks[me].propagates) throw;
        }
    }

    void wait_for_task(std::uint32_t me, Step const& step) {
        auto const other = step.index;
        Task<int> const task = handles_[other];
        switch (step.kind) {
        case Step::Kind::get:
            watch(me, other, [&] { return task.get(); });
            break;
        case Step::Kind::take:
            watch(me, other, [&] {
                int const value = task.take();
                return value;
            });
            if (task.state() == TaskState::done) oracle_.took(other);
            break;
        case Step::Kind::error: {
            oracle_.stops_working(me);
            auto const error = task.error();
            oracle_.works_again(me);
            oracle_.saw_end(other, true);
            if (error && task.state() == TaskState::failed) oracle_.saw_error(other, error);
            break;
        }
        default: {
            oracle_.stops_working(me);
            bool const ended = step.kind == Step::Kind::wait ? (task.wait(), true)
                                                             : task.wait_for(std::chrono::microseconds{20});
            oracle_.works_again(me);
            // It may have ended between the deadline and now; then the wait was right.
            if (ended || !task.ready()) oracle_.saw_end(other, ended);
        }
        }
    }

    void join(std::uint32_t me, std::uint32_t group) {
        auto& expected = oracle_.join_begins(group);
        std::exception_ptr error;
        oracle_.stops_working(me);
        try {
            (*groups_[group]).join();
        } catch (Deadlock const& e) {
            oracle_.complain(e.what());
            throw;
        } catch (...) {
            error = std::current_exception();
        }
        oracle_.works_again(me);
        oracle_.join_ended(expected, error);
        if (error && program_.tasks[me].propagates) std::rethrow_exception(error);
    }

    void lend(std::uint32_t me) {
        oracle_.stops_working(me);
        {
            auto const loan = pool(program_.groups[program_.tasks[me].group].pool).release_slot();
            yield();
        }
        oracle_.works_again(me);
    }

    /// Own groups have exactly the tasks that the oracle knows.
    void check_groups(std::uint32_t me) {
        for (auto const g : program_.tasks[me].opens)
            if ((*groups_[g]).size() != oracle_.size_of(g))
                oracle_.complain("group " + std::to_string(g) + " has " +
                                 std::to_string((*groups_[g]).size()) + " tasks, not " +
                                 std::to_string(oracle_.size_of(g)));
        for (std::uint32_t p = 0; p < program_.pools.size(); ++p) check_pool(p);
    }

    void check_pools(std::uint32_t dying_group) {
        if (program_.groups[dying_group].is_pool) check_pool(dying_group);
    }

    void check_pool(std::uint32_t index) {
        if (!groups_[index].is_open()) return;
        auto const stats = pool(index).stats();
        auto const limit = program_.pools[index].limit;
        auto const allowed = program_.extra_waiters + oracle_.dropped_tasks();
        auto const name = "pool " + std::to_string(index) + ' ';
        if (stats.active_peak > limit + stats.overdraft_peak) oracle_.complain(name + "admits at its cap");
        if (stats.overdraft_peak > allowed)
            oracle_.complain(name + "is overdrawn by " + std::to_string(stats.overdraft_peak) +
                             ", predicted " + std::to_string(allowed));
        if (oracle_.most_working_in(index) > limit + stats.overdraft_peak)
            oracle_.complain(name + "runs " + std::to_string(oracle_.most_working_in(index)) + " at a time");
        if (stats.active < oracle_.working_in(index))
            oracle_.complain(name + "has tasks that work without a slot");
        if (stats.admitted < oracle_.admitted_at_least(index))
            oracle_.complain(name + "starts what it did not admit");
        if (stats.active < limit && stats.pending > 0) oracle_.complain(name + "leaves a slot unused");
    }

    Program const& program_;
    Oracle oracle_;
    std::deque<AnyGroup> groups_;
    std::vector<Task<int>> handles_;
};

} // namespace

std::string run_and_compare(Program const& p) { return Run{p}.go(); }

} // namespace frond::test
