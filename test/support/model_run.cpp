#include "support/model_run.hpp"

#include "support/model_blocks.hpp"

#include <frond/frond.hpp>

#include <optional>
#include <stdexcept>
#include <utility>

namespace frond::test {

/// The groups of one task; the last one opened dies first, also during unwinding.
class ModelRun::OpenGroups {
public:
    OpenGroups(ModelRun& run, std::uint32_t me)
        : run_{run}, me_{me}, exceptions_{std::uncaught_exceptions()} {
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
            if (run_.program_.groups[*g].is_pool) run_.check_pool(*g);
            {
                Wait const wait{oracle, me_, Wait::For::destructor, *g};
                run_.groups_[*g].end();
            }
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
        GroupOptions options{.on_error = spec.on_error};
        if (spec.has_token) options.stop = run_.tokens_[index].get_token();
        if (spec.is_pool) {
            auto const& pool = run_.program_.pools[spec.pool];
            group.begin({.limit = pool.limit, .order = pool.order, .group = options});
        } else if (spec.pool != no_pool) {
            group.begin(run_.pool(spec.pool), options);
        } else {
            group.begin(options);
        }
    }

    ModelRun& run_;
    std::uint32_t const me_;
    int const exceptions_;
};

/// In the callable, so that the oracle learns how that died.
struct ModelRun::Body {
    ModelRun* run;
    std::uint32_t task;
    bool used = false;

    Body(ModelRun& r, std::uint32_t t) : run{&r}, task{t} {}
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

std::string ModelRun::go() {
    set_unhandled_error_handler([this](TaskError const& e) { oracle_.unhandled(e); });
    try {
        auto const& main = program_.tasks[0];
        if (main.around == Around::deadline)
            with_deadline(oracle_, 0, false, false, main.limit, [this] { perform(0); });
        else if (main.around == Around::shield)
            with_shield(oracle_, 0, main.limit, [this] { perform(0); });
        else
            perform(0);
    } catch (std::exception const& e) {
        oracle_.complain(std::string{"the main fiber gets: "} + e.what());
    } catch (Cancelled const& c) {
        oracle_.complain("the main fiber is cancelled: " + c.text);
    }
    set_unhandled_error_handler({});
    oracle_.finished();
    std::string text;
    for (auto const& complaint : oracle_.complaints()) text += complaint + '\n';
    return text;
}

// --- tasks ------------------------------------------------------------------------------------------------

int ModelRun::call(std::uint32_t me) {
    oracle_.started(me, this_task::id());
    auto const& spec = program_.tasks[me];
    bool const limited = spec.around == Around::time_limit && !oracle_.was_run(me);
    if (limited) oracle_.enters(me, StopScopes::Kind::deadline, spec.limit);
    auto how = StopScopes::Exit::returned;
    std::exception_ptr error;
    try {
        if (spec.around == Around::deadline || (spec.around == Around::time_limit && !limited))
            with_deadline(oracle_, me, true, true, spec.limit, [&] { perform(me); });
        else if (spec.around == Around::shield)
            with_shield(oracle_, me, spec.limit, [&] { perform(me); });
        else
            perform(me);
    } catch (Cancelled const&) {
        how = StopScopes::Exit::cancelled;
        error = std::current_exception();
    } catch (...) {
        how = StopScopes::Exit::failed;
        error = std::current_exception();
    }
    auto const late = limited ? oracle_.leaves(me, how) : Verdict::no;
    if (late == Verdict::maybe) oracle_.complain("task " + std::to_string(me) + ": who knows how it ends?");
    if (late == Verdict::yes)
        oracle_.timed_out(me);
    else if (how == StopScopes::Exit::returned)
        oracle_.returned(me);
    else if (how == StopScopes::Exit::cancelled)
        oracle_.cancelled_itself(me, error);
    else
        oracle_.failed(me, error);
    if (error) std::rethrow_exception(error);
    return Oracle::value_of(me);
}

void ModelRun::perform(std::uint32_t me) {
    OpenGroups const own{*this, me};
    take_steps(*this, me, program_.tasks[me].steps);
    switch (program_.tasks[me].ending) {
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

void ModelRun::take_step(std::uint32_t me, Step const& step) {
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
        check_point(me, [] { yield(); });
        break;
    case Kind::nap: {
        Wait wait{oracle_, me, Wait::For::time};
        await(me, wait, [] { sleep_for(std::chrono::microseconds{20}); });
        break;
    }
    case Kind::check:
        if (me != 0 && this_task::stop_token().stop_requested() != oracle_.is_cancelled(me))
            oracle_.complain("task " + std::to_string(me) + ": its stop token is wrong");
        check_point(me, [] { this_task::check(); });
        break;
    case Kind::cancel_task:
        if (handles_[step.index]) cancel_task(me, step.index);
        break;
    case Kind::request_cancel_task:
        if (!handles_[step.index]) break;
        oracle_.cancel_task(step.index);
        handles_[step.index].request_cancel();
        break;
    case Kind::cancel_group:
        cancel_group(me, step.index);
        break;
    case Kind::request_cancel_group:
        request_cancel_of_group(step.index);
        break;
    case Kind::stop_group:
        oracle_.stop_group(step.index);
        tokens_[step.index].request_stop();
        break;
    case Kind::with_timeout:
    case Kind::move_on_after:
        with_deadline(oracle_, me, step.kind == Kind::with_timeout, program_.tasks[me].propagates, step.limit,
                      [&] { take_steps(*this, me, step.inner); });
        break;
    case Kind::shield:
        with_shield(oracle_, me, step.limit, [&] { take_steps(*this, me, step.inner); });
        break;
    case Kind::clean_up:
    case Kind::rescue:
        break; // see take_steps
    }
    check_groups(me);
}

void ModelRun::spawn(std::uint32_t me, Step const& step) {
    auto const child = step.index;
    auto const& spec = program_.tasks[child];
    auto const index = spec.group;
    auto& group = *groups_[index];
    SpawnOptions options{.name = std::to_string(child)};
    if (spec.around == Around::time_limit) options.timeout = duration_of(spec.limit);
    if (oracle_.refuses(me, index)) {
        try {
            handles_[child] = group.spawn(std::move(options), Body{*this, child});
            oracle_.complain("a pool that is being destroyed takes a task from outside");
        } catch (Closed const&) { // NOLINT(bugprone-empty-catch): as it should
        }
        return;
    }
    if (step.kind == Step::Kind::try_spawn) return try_to_spawn(group, child, std::move(options));
    oracle_.spawned(child);
    switch (step.kind) {
    case Step::Kind::spawn_wait:
        spawn_and_wait(me, group, child, std::move(options));
        break;
    case Step::Kind::run: {
        oracle_.runs(child);
        Wait wait{oracle_, me, Wait::For::run, child, oracle_.may_drop(index)};
        watch(me, child, wait, [&] { return group.run(Body{*this, child}); });
        break;
    }
    default:
        handles_[child] = group.spawn(std::move(options), Body{*this, child});
        break;
    }
}

/// Where the group drops what comes, the task is dropped at once; otherwise it is none before it has a slot.
void ModelRun::try_to_spawn(Group& group, std::uint32_t child, SpawnOptions options) {
    auto const index = program_.tasks[child].group;
    bool const dropping = oracle_.is_dropping(index);
    bool const may_drop = oracle_.may_drop(index);
    if (may_drop) oracle_.spawned(child);
    if (auto task = group.try_spawn(std::move(options), Body{*this, child})) {
        if (!may_drop) oracle_.spawned(child);
        handles_[child] = std::move(*task);
    } else if (dropping) {
        oracle_.complain("try_spawn fails in a group that drops its tasks");
    }
}

void ModelRun::spawn_and_wait(std::uint32_t me, Group& group, std::uint32_t child, SpawnOptions options) {
    auto const& spec = program_.groups[program_.tasks[child].group];
    auto const place = program_.tasks[child].group;
    auto const go = [&] { handles_[child] = group.spawn_wait(std::move(options), Body{*this, child}); };
    bool const full = spec.pool != no_pool && pool(spec.pool).full();
    if (!full || oracle_.is_dropping(place)) return go();
    // Somebody who waits for the group may lend his slot for it.
    bool const doubtful = oracle_.may_drop(place) || oracle_.anybody_waits();
    Wait wait{oracle_, me, Wait::For::admission, child, doubtful};
    if (!await(me, wait, go)) oracle_.cancel_task(child);
}

// --- what must hold after each step -----------------------------------------------------------------------

/// Own groups have exactly the tasks that the oracle knows.
void ModelRun::check_groups(std::uint32_t me) {
    for (auto const g : program_.tasks[me].opens) {
        auto const size = (*groups_[g]).size();
        if (size != oracle_.size_of(g))
            oracle_.complain("group " + std::to_string(g) + " has " + std::to_string(size) + " tasks, not " +
                             std::to_string(oracle_.size_of(g)));
    }
    for (std::uint32_t p = 0; p < program_.pools.size(); ++p) check_pool(p);
}

void ModelRun::check_pool(std::uint32_t index) {
    if (!groups_[index].is_open()) return;
    auto const stats = pool(index).stats();
    auto const limit = program_.pools[index].limit;
    auto const allowed = program_.extra_waiters + oracle_.dropped_tasks() + oracle_.cut_waits();
    auto const name = "pool " + std::to_string(index) + ' ';
    if (stats.active_peak > limit + stats.overdraft_peak) oracle_.complain(name + "admits at its cap");
    if (stats.overdraft_peak > allowed)
        oracle_.complain(name + "is overdrawn by " + std::to_string(stats.overdraft_peak) + ", predicted " +
                         std::to_string(allowed));
    if (oracle_.most_working_in(index) > limit + stats.overdraft_peak)
        oracle_.complain(name + "runs " + std::to_string(oracle_.most_working_in(index)) + " at a time");
    if (stats.active < oracle_.working_in(index))
        oracle_.complain(name + "has tasks that work without a slot");
    if (stats.admitted < oracle_.admitted_at_least(index))
        oracle_.complain(name + "starts what it did not admit");
    if (stats.active < limit && stats.pending > 0) oracle_.complain(name + "leaves a slot unused");
}

} // namespace frond::test
