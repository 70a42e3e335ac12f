#include "support/parallel_model.hpp"

#include "support/gate.hpp"
#include "support/parallel_books.hpp"

#include <frond/frond.hpp>

#include <atomic>
#include <chrono>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace frond::test {

namespace {

/// Draws that depend on nothing but the seed and the place in the program, whatever the schedule.
class Dice {
public:
    explicit Dice(std::uint64_t seed) : seed_{seed} {}

    enum Question : std::uint64_t {
        driver,
        observers,
        resizes,
        bounded,
        priorities,
        pinned,
        delayed,
        delay,
        dropped_handle,
        extra,
        how_long,
        final_join,
        first_limit,
        backlog,
        closes
    };
    std::uint32_t below(std::uint32_t n, Question q, std::uint64_t a = 0, std::uint64_t b = 0) const {
        auto x = seed_ * 0x9E3779B97F4A7C15U + q * 0xBF58476D1CE4E5B9U + a * 0x94D049BB133111EBU +
                 b * 0xD6E8FEB86659FD93U;
        x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
        x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
        return static_cast<std::uint32_t>((x ^ (x >> 31U)) % n);
    }
    bool chance(unsigned percent, Question q, std::uint64_t a = 0, std::uint64_t b = 0) const {
        return below(100, q, a, b) < percent;
    }

private:
    std::uint64_t seed_;
};

void compute(std::chrono::microseconds d) {
    auto const end = Clock::now() + d;
    while (Clock::now() < end) {
    }
}

enum class Driver : std::uint8_t { task, plain_thread, fiber_elsewhere };

/// What comes on top of the single-threaded program.
struct Extras {
    explicit Extras(Program const& p) : dice{p.seed} {
        auto const who = dice.below(10, Dice::driver);
        driver = who < 6 ? Driver::task : who < 8 ? Driver::plain_thread : Driver::fiber_elsewhere;
        observers = dice.chance(30, Dice::observers) ? 1 + dice.below(2, Dice::observers, 1) : 0;
        resizes = dice.chance(30, Dice::resizes);
        bounded = dice.chance(25, Dice::bounded);
        closes = dice.chance(10, Dice::closes);
    }
    Dice dice;
    Driver driver;
    std::uint32_t observers;
    bool resizes;
    bool bounded;
    bool closes;
};

class ParallelRun {
public:
    ParallelRun(Program const& p, std::size_t threads)
        : program_{p},
          extras_{p},
          threads_{threads},
          books_{p},
          groups_(p.groups.size()),
          handles_(p.tasks.size()) {}

    std::string go() {
        set_unhandled_error_handler([this](TaskError const& e) { books_.unhandled(e); });
        {
            std::vector<std::thread> observers;
            {
                Runtime runtime{{.threads = threads_}};
                runtime_ = &runtime;
                for (std::uint32_t i = 0; i < extras_.observers; ++i)
                    observers.emplace_back([this, i] { observe(i); });
                drive();
                over_ = true;
            }
            for (auto& t : observers) t.join();
        }
        set_unhandled_error_handler({});
        for (std::uint32_t i = 1; i < handles_.size(); ++i) check_result(i);
        books_.finished();
        return books_.complaints();
    }

private:
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
            if (pool_) {
                Pool* const ending = pool_;
                {
                    std::lock_guard const lock{changing};
                    group_ = pool_ = nullptr;
                }
                delete ending;
            } else {
                delete group_; // no virtual destructor
                group_ = nullptr;
            }
        }
        Group& operator*() const { return *group_; }
        Pool& pool() const { return *pool_; }
        bool is_open() const { return group_ != nullptr; }

        std::mutex changing; ///< held by who changes a pool that may end meanwhile

    private:
        Group* group_ = nullptr;
        Pool* pool_ = nullptr;
    };

    /// The groups of one task; the last one opened dies first, also during unwinding.
    class OpenGroups {
    public:
        OpenGroups(ParallelRun& run, std::uint32_t me)
            : run_{run}, me_{me}, exceptions_{std::uncaught_exceptions()} {
            run.in_runtime(me, [&] {
                for (auto const g : run.program_.tasks[me].opens) run.open(g);
            });
        }
        OpenGroups(OpenGroups const&) = delete;
        OpenGroups& operator=(OpenGroups const&) = delete;
        ~OpenGroups() {
            auto const& opened = run_.program_.tasks[me_].opens;
            bool const unwinding = std::uncaught_exceptions() > exceptions_;
            for (auto g = opened.rbegin(); g != opened.rend(); ++g) {
                run_.destroy(me_, *g, unwinding);
                if ((std::uncaught_exceptions() > exceptions_) != unwinding)
                    run_.books_.complain("uncaught_exceptions() changed over a destructor's wait");
            }
        }

    private:
        ParallelRun& run_;
        std::uint32_t const me_;
        int const exceptions_;
    };

    /// In the callable, so that the books learn how that died.
    struct Body {
        ParallelRun* run;
        std::uint32_t task;
        bool used = false;

        Body(ParallelRun& r, std::uint32_t t) : run{&r}, task{t} { r.books_.offered(t); }
        Body(Body&& other) noexcept
            : run{std::exchange(other.run, nullptr)}, task{other.task}, used{other.used} {}
        Body& operator=(Body&&) = delete;
        ~Body() {
            if (run) run->books_.callable_died(task, used);
        }
        int operator()() {
            used = true;
            return run->call(task);
        }
    };

    struct Handle {
        std::mutex mutex;
        Task<int> task;
    };

    Task<int> handle_of(std::uint32_t task) {
        std::lock_guard const lock{handles_[task].mutex};
        return handles_[task].task;
    }
    void keep_handle(std::uint32_t task, Task<int> handle) {
        if (extras_.dice.chance(10, Dice::dropped_handle, task)) return;
        std::lock_guard const lock{handles_[task].mutex};
        handles_[task].task = std::move(handle);
    }

    // --- the program's tasks ---

    void drive() {
        auto const main = [this] {
            try {
                perform(0);
            } catch (std::exception const& e) {
                books_.complain(std::string{"the driver gets: "} + e.what());
            }
        };
        switch (extras_.driver) {
        case Driver::task:
            runtime_->run(main);
            break;
        case Driver::plain_thread:
            main();
            break;
        case Driver::fiber_elsewhere: {
            Runtime other{{.threads = 1}};
            other.run(main);
            break;
        }
        }
    }

    bool is_outside(std::uint32_t me) const { return me == 0 && extras_.driver != Driver::task; }

    template <class F>
    void in_runtime(std::uint32_t me, F&& f) {
        if (is_outside(me))
            runtime_->run(f);
        else
            f();
    }

    void open(std::uint32_t index) {
        auto const& spec = program_.groups[index];
        auto& group = groups_[index];
        GroupOptions const options{.on_error = spec.on_error};
        auto const& dice = extras_.dice;
        if (spec.is_pool) {
            auto const& pool = program_.pools[spec.pool];
            auto const order = dice.chance(20, Dice::priorities, index) ? Order::priority : pool.order;
            books_.raise_limit(spec.pool, pool.limit);
            PoolOptions all{.limit = pool.limit, .order = order, .group = options};
            if (extras_.bounded && may_change(spec.pool)) {
                all.max_pending = 1 + dice.below(4, Dice::backlog, index);
                books_.not_strict(spec.pool);
            }
            group.begin(std::move(all));
        } else if (spec.pool != no_pool) {
            try {
                group.begin(groups_[spec.pool].pool(), options);
            } catch (Closed const&) {
                books_.closed_unasked(index);
            }
        } else {
            group.begin(options);
        }
    }

    /// Whether a pool may get narrow: from one that never fills, waits may lead to any other.
    bool may_change(std::uint32_t pool) const {
        return program_.pools[pool].limit + 1 < program_.tasks.size();
    }

    void destroy(std::uint32_t me, std::uint32_t index, bool unwinding) {
        auto const& spec = program_.groups[index];
        if (!groups_[index].is_open()) return;
        Group& group = *groups_[index];
        if (!unwinding && extras_.dice.chance(60, Dice::final_join, index)) {
            while (!join_once(me, index)) {
            }
            if (group.size() != 0 || group.active() != 0 || group.pending() != 0)
                books_.complain("group " + std::to_string(index) + ": not empty after its last join");
        }
        if (unwinding) books_.may_drop(index);
        if (spec.is_pool) books_.may_refuse(spec.pool);
        books_.group_dies(index);
        books_.stops_working(me);
        if (spec.is_pool) {
            wait_for_idle_pool(index);
            books_.pool_is_idle(spec.pool, groups_[index].pool().stats());
        }
        groups_[index].end();
        books_.works_again(me);
        books_.group_dead(index);
    }

    /// Everything else that is bound to it has died before; its own tasks may spawn more of them.
    void wait_for_idle_pool(std::uint32_t index) {
        for (;;) {
            auto const before = books_.spawned_in(index);
            std::exception_ptr error;
            try {
                (*groups_[index]).join();
            } catch (...) {
                error = std::current_exception();
            }
            books_.join_ended(index, before, error);
            if (!error) return;
        }
    }

    int call(std::uint32_t me) {
        books_.started(me);
        try {
            perform(me);
        } catch (Cancelled const&) {
            books_.cancelled_itself(me, std::current_exception());
            throw;
        } catch (...) {
            books_.failed(me, std::current_exception());
            throw;
        }
        books_.returned(me);
        return ParallelBooks::value_of(me);
    }

    void perform(std::uint32_t me) {
        OpenGroups const own{*this, me};
        auto const& spec = program_.tasks[me];
        std::uint64_t place = 0;
        for (auto const& step : spec.steps) {
            take_extra_step(me, ++place);
            take_step(me, step);
            books_.still_here(me);
        }
        take_extra_step(me, ++place);
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

    void take_extra_step(std::uint32_t me, std::uint64_t place) {
        auto const& dice = extras_.dice;
        std::chrono::microseconds const time{dice.below(100, Dice::how_long, me, place)};
        switch (dice.below(20, Dice::extra, me, place)) {
        case 0:
        case 1:
            compute(time);
            break;
        case 2:
            sleep_for(time);
            break;
        case 3:
            change_a_pool(dice.below(1000, Dice::resizes, me, place));
            break;
        case 4:
            if (auto const task = dice.below(static_cast<std::uint32_t>(handles_.size()),
                                             Dice::dropped_handle, me, place)) {
                std::lock_guard const lock{handles_[task].mutex};
                handles_[task].task = {};
            }
            break;
        default:
            break;
        }
    }

    void change_a_pool(std::uint32_t draw) {
        if (program_.pools.empty()) return;
        auto const index = draw % static_cast<std::uint32_t>(program_.pools.size());
        if (!may_change(index)) return;
        std::lock_guard const lock{groups_[index].changing};
        if (!groups_[index].is_open()) return;
        Pool& pool = groups_[index].pool();
        if (extras_.resizes) {
            auto const limit = 1 + draw / 10 % 5;
            books_.not_strict(index);
            books_.raise_limit(index, limit);
            if (draw % 7 == 0) pool.resize(0);
            pool.resize(limit);
        }
        if (extras_.closes && draw % 4 == 0) {
            books_.may_refuse(index);
            pool.close();
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
            if (auto const task = handle_of(step.index)) wait_for_task(me, step, task);
            break;
        case Kind::join:
            if (groups_[step.index].is_open()) join(me, step.index);
            break;
        case Kind::errors:
            if (groups_[step.index].is_open())
                books_.took_errors(step.index, (*groups_[step.index]).errors());
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
    }

    void spawn(std::uint32_t me, Step const& step) {
        auto const child = step.index;
        auto const index = program_.tasks[child].group;
        if (!groups_[index].is_open()) return;
        auto& group = *groups_[index];
        auto const& dice = extras_.dice;
        SpawnOptions options{.name = std::to_string(child),
                             .priority = static_cast<int>(dice.below(3, Dice::priorities, child)),
                             .pinned = dice.chance(15, Dice::pinned, child)};
        if (options.pinned && !is_outside(me)) books_.pinned_to(child, std::this_thread::get_id());
        try {
            switch (step.kind) {
            case Step::Kind::try_spawn:
                if (auto task = group.try_spawn(std::move(options), Body{*this, child})) {
                    books_.spawned(child);
                    keep_handle(child, std::move(*task));
                } else {
                    books_.refused(child);
                }
                break;
            case Step::Kind::spawn_wait: {
                books_.stops_working(me);
                WorksAgain const again{books_, me};
                auto task = group.spawn_wait(std::move(options), Body{*this, child});
                books_.spawned(child);
                keep_handle(child, std::move(task));
                break;
            }
            case Step::Kind::run:
                run_in(me, group, child);
                break;
            default: {
                books_.stops_working(me); // a full backlog
                WorksAgain const again{books_, me};
                auto task = dice.chance(10, Dice::delayed, child)
                                ? spawn_later(group, child)
                                : group.spawn(std::move(options), Body{*this, child});
                books_.spawned(child);
                keep_handle(child, std::move(task));
                break;
            }
            }
        } catch (Closed const&) {
            books_.refused(child);
            books_.closed_unasked(index);
        }
    }

    struct WorksAgain {
        ParallelBooks& books;
        std::uint32_t me;
        WorksAgain(ParallelBooks& b, std::uint32_t m) : books{b}, me{m} {}
        WorksAgain(WorksAgain const&) = delete;
        WorksAgain& operator=(WorksAgain const&) = delete;
        ~WorksAgain() { books.works_again(me); }
    };

    Task<int> spawn_later(Group& group, std::uint32_t child) {
        books_.forget_pin(child);
        return group.spawn_after(std::chrono::microseconds{extras_.dice.below(200, Dice::delay, child)},
                                 Body{*this, child});
    }

    /// Its task is as good as spawned when the call is over, whatever comes out.
    void run_in(std::uint32_t me, Group& group, std::uint32_t child) {
        books_.forget_pin(child);
        books_.takes(child);
        watch(me, child, [&] {
            try {
                int const value = group.run(Body{*this, child});
                books_.spawned(child);
                books_.took(child);
                return value;
            } catch (Closed const&) {
                throw;
            } catch (...) {
                books_.spawned(child);
                throw;
            }
        });
    }

    /// Performs a wait that gives the task's value or throws, and compares.
    template <class F>
    void watch(std::uint32_t me, std::uint32_t other, F&& wait) {
        books_.stops_working(me);
        try {
            int const value = wait();
            books_.works_again(me);
            books_.saw_value(other, value);
        } catch (Deadlock const& e) {
            books_.works_again(me);
            books_.complain(e.what());
            throw;
        } catch (Closed const&) {
            books_.works_again(me);
            throw;
        } catch (std::logic_error const&) {
            books_.works_again(me);
            books_.saw_taken(other);
        } catch (Cancelled const& c) {
            books_.works_again(me);
            books_.saw_cancelled(other);
            if (!c.text.empty()) books_.saw_error(other, std::current_exception());
            if (program_.tasks[me].propagates) throw;
        } catch (...) {
            books_.works_again(me);
            books_.saw_error(other, std::current_exception());
            if (program_.tasks[me].propagates) throw;
        }
    }

    void wait_for_task(std::uint32_t me, Step const& step, Task<int> const& task) {
        auto const other = step.index;
        switch (step.kind) {
        case Step::Kind::get:
            watch(me, other, [&] { return task.get(); });
            break;
        case Step::Kind::take:
            watch(me, other, [&] {
                task.wait();
                books_.takes(other);
                int const value = task.take();
                books_.took(other);
                return value;
            });
            break;
        case Step::Kind::error: {
            books_.stops_working(me);
            auto const error = task.error();
            books_.works_again(me);
            books_.saw_end(other);
            if (error && task.state() == TaskState::failed) books_.saw_error(other, error);
            break;
        }
        default: {
            books_.stops_working(me);
            bool const ended = step.kind == Step::Kind::wait ? (task.wait(), true)
                                                             : task.wait_for(std::chrono::microseconds{20});
            books_.works_again(me);
            if (ended) books_.saw_state(other, task.state());
        }
        }
    }

    /// @return false: it threw
    bool join_once(std::uint32_t me, std::uint32_t group) { return !join_and_look(me, group); }

    std::exception_ptr join_and_look(std::uint32_t me, std::uint32_t group) {
        auto const awaited = books_.spawned_in(group);
        std::exception_ptr error;
        books_.stops_working(me);
        try {
            (*groups_[group]).join();
        } catch (Deadlock const& e) {
            books_.complain(e.what());
        } catch (...) {
            error = std::current_exception();
        }
        books_.works_again(me);
        books_.join_ended(group, awaited, error);
        return error;
    }

    void join(std::uint32_t me, std::uint32_t group) {
        auto const error = join_and_look(me, group);
        if (error && program_.tasks[me].propagates) std::rethrow_exception(error);
    }

    void lend(std::uint32_t me) {
        books_.stops_working(me);
        {
            auto const loan = groups_[program_.groups[program_.tasks[me].group].pool].pool().release_slot();
            yield();
        }
        books_.works_again(me);
    }

    // --- from outside ---

    /// A plain thread that wants to know everything.
    void observe(std::uint32_t number) {
        std::mt19937_64 random{program_.seed * 3 + number};
        std::vector<Task<int>> kept;
        while (!over_) {
            auto const index = static_cast<std::uint32_t>(random() % handles_.size());
            auto task = handle_of(index);
            if (!task) {
                std::this_thread::yield();
                continue;
            }
            switch (random() % 5) {
            case 0:
                if (task.wait_for(std::chrono::microseconds{random() % 100}))
                    books_.saw_state(index, task.state());
                break;
            case 1:
                watch(0, index, [&] { return task.get(); });
                break;
            case 2:
                if (task.ready()) books_.saw_state(index, task.state());
                break;
            case 3:
                task.wait();
                books_.saw_end(index);
                break;
            default:
                kept.push_back(std::move(task));
            }
        }
    }

    /// A handle outlives the runtime.
    void check_result(std::uint32_t task) {
        auto const& handle = handles_[task].task;
        if (!handle) return;
        books_.saw_state(task, handle.state());
    }

    Program const& program_;
    Extras const extras_;
    std::size_t const threads_;
    ParallelBooks books_;
    std::deque<AnyGroup> groups_;
    std::deque<Handle> handles_;
    Runtime* runtime_ = nullptr;
    std::atomic<bool> over_{false};
};

/// Rings of tasks, each of which waits for the next one, among others that wait for one of those.
class Circles {
public:
    Circles(std::uint64_t seed, std::size_t threads) : random_{seed}, threads_{threads} {}

    std::string go() {
        Runtime runtime{{.threads = threads_}};
        runtime.run([this] {
            Pool pool{between(1, 4)};
            Gate all_spawned;
            auto const count = between(1, 3);
            for (std::size_t i = 0; i < count; ++i) add_ring(pool, all_spawned);
            for (auto n = between(0, 6); n > 0; --n) add_onlooker(pool, all_spawned);
            all_spawned.open();
            for (auto& m : members_) m.group.join();
            if (pool.stats().active != 0) complaints_ += "a slot is lost\n";
        });
        for (std::size_t i = 0; i < rings_.size(); ++i)
            if (rings_[i] != 1)
                complaints_ +=
                    "ring " + std::to_string(i) + ": " + std::to_string(rings_[i]) + " tasks got Deadlock\n";
        return complaints_;
    }

private:
    struct Member {
        explicit Member(Pool* pool)
            : group_{pool ? std::make_unique<Group>(*pool) : std::make_unique<Group>()}, group{*group_} {}

    private:
        std::unique_ptr<Group> group_;

    public:
        Group& group;
        Task<int> task;
    };
    struct Habits {
        std::chrono::microseconds before;
        bool sleeps;
        std::size_t how;
    };

    std::size_t between(std::size_t low, std::size_t high) {
        return std::uniform_int_distribution<std::size_t>{low, high}(random_);
    }
    Habits draw_habits() {
        return {std::chrono::microseconds{between(0, 50)}, between(0, 1) == 0, between(0, 4)};
    }
    Member& add_member(Pool& pool) { return members_.emplace_back(between(0, 1) == 0 ? &pool : nullptr); }

    static void wait_for(Member& other, Habits const& habits) {
        if (habits.sleeps)
            sleep_for(habits.before);
        else
            compute(habits.before);
        switch (habits.how) {
        case 0:
            other.group.join();
            break;
        case 1:
            other.task.wait();
            break;
        case 2:
            while (!other.task.wait_for(std::chrono::hours{1})) {
            }
            break;
        default:
            other.task.get();
        }
    }

    void add_ring(Pool& pool, Gate const& all_spawned) {
        auto& deadlocks = rings_.emplace_back(0);
        auto const first = members_.size();
        auto const size = between(1, 5);
        for (std::size_t i = 0; i < size; ++i) add_member(pool);
        for (std::size_t i = 0; i < size; ++i) {
            auto& next = members_[first + (i + 1) % size];
            members_[first + i].task = members_[first + i].group.spawn([&, habits = draw_habits()] {
                all_spawned.pass();
                try {
                    wait_for(next, habits);
                } catch (Deadlock const&) {
                    ++deadlocks;
                }
                return 1;
            });
        }
    }

    void add_onlooker(Pool& pool, Gate const& all_spawned) {
        auto& target = members_[between(0, members_.size() - 1)];
        auto& me = add_member(pool);
        me.task = me.group.spawn([&, habits = draw_habits()] {
            all_spawned.pass();
            wait_for(target, habits);
            return 1;
        });
    }

    std::mt19937_64 random_;
    std::size_t const threads_;
    std::deque<Member> members_;
    std::deque<std::atomic<int>> rings_;
    std::string complaints_;
};

} // namespace

std::string run_circles_in_parallel(std::uint64_t seed, std::size_t threads) {
    return Circles{seed, threads}.go();
}

std::string run_in_parallel(std::uint64_t seed, std::size_t threads) {
    auto const program = random_program(seed);
    return ParallelRun{program, threads}.go();
}

std::string describe_parallel(std::uint64_t seed) {
    auto const program = random_program(seed);
    Extras const extras{program};
    std::ostringstream text;
    text << program << "driven by "
         << (extras.driver == Driver::task           ? "a task"
             : extras.driver == Driver::plain_thread ? "a plain thread"
                                                     : "a fiber of another runtime")
         << ", " << extras.observers << " observers" << (extras.resizes ? ", resizes" : "")
         << (extras.bounded ? ", bounded backlogs" : "") << (extras.closes ? ", closes pools" : "") << '\n';
    return text.str();
}

} // namespace frond::test
