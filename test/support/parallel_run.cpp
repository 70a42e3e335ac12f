#include "support/parallel_run.hpp"

#include "support/model_blocks.hpp"
#include "support/parallel_compute.hpp"
#include "support/parallel_observer.hpp"

#include <frond/diagnostics.hpp>
#include <frond/errors.hpp>
#include <frond/this_task.hpp>

#include <chrono>
#include <exception>
#include <stdexcept>
#include <thread>
#include <vector>

namespace frond::test {

namespace {

/// The groups of one task; the last one opened dies first, also during unwinding.
class OpenGroups {
public:
    /// @param entered the runtime in which a task from elsewhere opens them, or none
    OpenGroups(ParallelScene& scene, std::uint32_t me, Runtime* entered)
        : scene_{scene}, me_{me}, exceptions_{std::uncaught_exceptions()} {
        auto const open = [&] {
            for (auto const g : scene.program.tasks[me].opens) scene.groups.open(g);
        };
        if (entered) {
            Shield const shield;
            entered->run(open);
        } else {
            open();
        }
    }
    OpenGroups(OpenGroups const&) = delete;
    OpenGroups& operator=(OpenGroups const&) = delete;
    ~OpenGroups() {
        auto const& opened = scene_.program.tasks[me_].opens;
        bool const unwinding = std::uncaught_exceptions() > exceptions_;
        for (auto g = opened.rbegin(); g != opened.rend(); ++g) {
            scene_.groups.destroy(me_, *g, unwinding);
            if ((std::uncaught_exceptions() > exceptions_) != unwinding)
                scene_.books.complain("uncaught_exceptions() changed over a destructor's wait");
        }
    }

private:
    ParallelScene& scene_;
    std::uint32_t const me_;
    int const exceptions_;
};

} // namespace

std::string ParallelRun::go() {
    set_unhandled_error_handler([this](TaskError const& e) { scene_.books.unhandled(e); });
    {
        std::vector<std::thread> observers;
        {
            Runtime runtime{{.threads = threads_}};
            runtime_ = &runtime;
            for (std::uint32_t i = 0; i < scene_.extras.observers; ++i)
                observers.emplace_back([this, i] { observe(scene_, i, over_); });
            drive();
            over_ = true;
        }
        for (auto& t : observers) t.join();
    }
    set_unhandled_error_handler({});
    for (std::uint32_t i = 1; i < scene_.handles.size(); ++i)
        if (auto const handle = scene_.handles.of(i)) // a handle outlives the runtime
            scene_.books.saw_state(i, handle.state());
    scene_.books.finished();
    return scene_.books.complaints();
}

void ParallelRun::drive() {
    auto const main = [this] {
        try {
            perform_within_limits(0);
        } catch (std::exception const& e) {
            scene_.books.complain(std::string{"the driver gets: "} + e.what());
        } catch (Cancelled const& c) {
            scene_.books.complain("the driver is cancelled: " + c.text);
        }
    };
    switch (scene_.extras.driver) {
    case Extras::Driver::task:
        runtime_->run(main);
        break;
    case Extras::Driver::plain_thread:
        main();
        break;
    case Extras::Driver::fiber_elsewhere: {
        Runtime other{{.threads = 1}};
        other.run(main);
        break;
    }
    }
}

int ParallelRun::call(std::uint32_t me) {
    scene_.books.started(me);
    try {
        perform_within_limits(me);
    } catch (Cancelled const&) {
        scene_.books.cancelled_itself(me, std::current_exception());
        throw;
    } catch (...) {
        scene_.books.failed(me, std::current_exception());
        throw;
    }
    scene_.books.returned(me);
    return ParallelBooks::value_of(me);
}

void ParallelRun::perform_within_limits(std::uint32_t me) {
    auto const& spec = scene_.program.tasks[me];
    auto const body = [&] { perform(me); };
    switch (spec.around) {
    case Around::nothing:
        body();
        break;
    case Around::time_limit: // what it does to the task's end depends on the schedule
    case Around::deadline:
        with_deadline(scene_.books.stops, me, true, me != 0, spec.limit, body);
        break;
    case Around::shield:
        with_shield(scene_.books.stops, me, spec.limit, body);
        break;
    }
}

void ParallelRun::perform(std::uint32_t me) {
    OpenGroups const own{scene_, me, scene_.extras.is_outside(me) ? runtime_ : nullptr};
    auto const& spec = scene_.program.tasks[me];
    take_steps(*this, me, spec.steps);
    take_extra_step(me, ++places_[me]);
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

void ParallelRun::take_extra_step(std::uint32_t me, std::uint64_t place) {
    auto const& dice = scene_.extras.dice;
    std::chrono::microseconds const time{dice.below(100, Dice::how_long, me, place)};
    switch (dice.below(20, Dice::extra, me, place)) {
    case 0:
    case 1:
        compute(time);
        break;
    case 2:
        scene_.waits.through(me, [&] { sleep_for(time); }, true);
        break;
    case 3:
        scene_.groups.change_a_pool(dice.below(1000, Dice::resizes, me, place));
        break;
    case 4:
        if (auto const task = dice.below(scene_.handles.size(), Dice::dropped_handle, me, place))
            scene_.handles.drop(task);
        break;
    default:
        break;
    }
}

void ParallelRun::take_step(std::uint32_t me, Step const& step) {
    using Kind = Step::Kind;
    auto& stops = scene_.books.stops;
    take_extra_step(me, ++places_[me]);
    switch (step.kind) {
    case Kind::spawn:
    case Kind::try_spawn:
    case Kind::spawn_wait:
    case Kind::run:
        spawner_.spawn(me, step);
        break;
    case Kind::get:
    case Kind::take:
    case Kind::wait:
    case Kind::wait_briefly:
    case Kind::error:
        if (auto const task = scene_.handles.of(step.index)) scene_.waits.wait_for_task(me, step, task);
        break;
    case Kind::join:
        if (auto const& group = scene_.groups[step.index]; group.is_open())
            scene_.waits.join(me, step.index, *group);
        break;
    case Kind::errors:
        if (auto const& group = scene_.groups[step.index]; group.is_open())
            scene_.books.took_errors(step.index, (*group).errors());
        break;
    case Kind::loan:
        lend(me);
        break;
    case Kind::yield:
        scene_.waits.through(me, [] { yield(); }, true);
        break;
    case Kind::nap:
        scene_.waits.through(me, [] { sleep_for(std::chrono::microseconds{20}); }, true);
        break;
    case Kind::check:
        stops.check_token(me);
        scene_.waits.through(me, [] { this_task::check(); }, true);
        break;
    case Kind::cancel_task:
        if (auto const task = scene_.handles.of(step.index)) scene_.waits.cancel_task(me, step.index, task);
        break;
    case Kind::request_cancel_task:
        if (auto const task = scene_.handles.of(step.index)) {
            stops.cancels_task(step.index);
            task.request_cancel();
            stops.has_cancelled_task(step.index);
        }
        break;
    case Kind::cancel_group:
        if (auto const& group = scene_.groups[step.index]; group.is_open())
            scene_.waits.cancel_group(me, step.index, *group);
        break;
    case Kind::request_cancel_group:
        if (auto const& group = scene_.groups[step.index]; group.is_open()) {
            stops.cancels_group(step.index);
            (*group).request_cancel("asked");
            stops.has_cancelled_group(step.index);
        }
        break;
    case Kind::stop_group:
        scene_.groups.stop(step.index);
        break;
    case Kind::with_timeout:
    case Kind::move_on_after:
        with_deadline(stops, me, step.kind == Kind::with_timeout, scene_.program.tasks[me].propagates,
                      step.limit, [&] { take_steps(*this, me, step.inner); });
        break;
    case Kind::shield:
        with_shield(stops, me, step.limit, [&] { take_steps(*this, me, step.inner); });
        break;
    case Kind::clean_up:
    case Kind::rescue:
        break; // see take_steps
    }
    scene_.books.still_here(me);
    auto const pool = scene_.program.groups[scene_.program.tasks[me].group].pool;
    if (me != 0 && pool != no_pool && scene_.groups[pool].pool().stats().active == 0)
        scene_.books.complain("task " + std::to_string(me) + ": works without a slot");
}

void ParallelRun::lend(std::uint32_t me) {
    auto const& program = scene_.program;
    auto const pool = program.groups[program.tasks[me].group].pool;
    scene_.waits.through(
        me,
        [&] {
            auto const loan = scene_.groups[pool].pool().release_slot();
            yield();
        },
        true);
}

} // namespace frond::test
