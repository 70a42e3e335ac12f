#include "support/model_run.hpp"

#include <frond/frond.hpp>

#include <stdexcept>
#include <utility>

namespace frond::test {

/// The task does not work while this lives, whether the call within returns or throws.
class ModelRun::Pause {
public:
    Pause(Oracle& oracle, std::uint32_t task) : oracle_{oracle}, task_{task} { oracle.stops_working(task); }
    Pause(Pause const&) = delete;
    Pause& operator=(Pause const&) = delete;
    ~Pause() { oracle_.works_again(task_); }

private:
    Oracle& oracle_;
    std::uint32_t const task_;
};

// --- waits ------------------------------------------------------------------------------------------------

/// In a catch block: the task leaves, or goes on as if nothing had happened.
void ModelRun::own_end(std::uint32_t me) {
    if (!program_.tasks[me].swallows) throw;
}

bool ModelRun::await(std::uint32_t me, Wait& wait, std::function<void()> const& f) {
    try {
        Pause const pause{oracle_, me};
        f();
        wait.returned();
        return true;
    } catch (Deadlock const& e) {
        oracle_.complain(e.what());
        throw;
    } catch (Cancelled const& c) {
        wait.threw(c.reason());
        own_end(me);
        return false;
    }
}

void ModelRun::check_point(std::uint32_t me, std::function<void()> const& f) {
    auto const stop = oracle_.must_stop(me);
    auto const name = "task " + std::to_string(me) + ": ";
    try {
        f();
        if (stop == Verdict::yes) oracle_.complain(name + "is not cut short");
    } catch (Cancelled const& c) {
        if (stop == Verdict::no) oracle_.complain(name + "is cut short without a reason");
        oracle_.cut_short(me, c.reason());
        own_end(me);
    }
}

void ModelRun::watch(std::uint32_t me, std::uint32_t other, Wait& wait, std::function<int()> const& f) {
    bool const propagates = program_.tasks[me].propagates;
    int value = 0;
    try {
        Pause const pause{oracle_, me};
        value = f();
    } catch (Deadlock const& e) {
        oracle_.complain(e.what());
        throw;
    } catch (std::logic_error const& e) {
        wait.returned();
        oracle_.saw_taken(other, e.what());
        return;
    } catch (Cancelled const& c) {
        bool const own = wait.may_throw() && !oracle_.is_end_of(other, std::current_exception()) &&
                         (!wait.has_come() || c.reason() == "deadline" || oracle_.is_cancelled(me));
        if (!own) {
            wait.returned();
            oracle_.saw_cancelled(other, std::current_exception());
            if (propagates) throw;
        } else {
            wait.threw(c.reason());
            own_end(me);
        }
        return;
    } catch (...) {
        wait.returned();
        oracle_.saw_error(other, std::current_exception());
        if (propagates) throw;
        return;
    }
    wait.returned();
    oracle_.saw_value(other, value);
}

void ModelRun::wait_for_task(std::uint32_t me, Step const& step) {
    auto const other = step.index;
    Task<int> const task = handles_[other];
    Wait wait{oracle_, me, step.kind == Step::Kind::wait_briefly ? Wait::For::task_briefly : Wait::For::task,
              other};
    switch (step.kind) {
    case Step::Kind::get:
        watch(me, other, wait, [&] { return task.get(); });
        break;
    case Step::Kind::take: {
        bool took = false;
        watch(me, other, wait, [&] {
            int const value = task.take();
            took = true;
            return value;
        });
        if (took) oracle_.took(other);
        break;
    }
    case Step::Kind::error: {
        std::exception_ptr error;
        if (!await(me, wait, [&] { error = task.error(); })) return;
        oracle_.saw_end(other, true);
        if (error && task.state() == TaskState::failed) oracle_.saw_error(other, error);
        break;
    }
    case Step::Kind::wait_briefly: {
        bool ended = false;
        if (!await(me, wait, [&] { ended = task.wait_for(std::chrono::microseconds{20}); })) return;
        // It may have ended between the deadline and now; then the wait was right.
        if (ended || !task.ready()) oracle_.saw_end(other, ended);
        break;
    }
    default:
        if (await(me, wait, [&] { task.wait(); })) oracle_.saw_end(other, true);
    }
}

void ModelRun::join(std::uint32_t me, std::uint32_t group) {
    Wait wait{oracle_, me, Wait::For::group, group};
    auto& expected = oracle_.join_begins(group, wait);
    std::exception_ptr error;
    try {
        Pause const pause{oracle_, me};
        (*groups_[group]).join();
    } catch (Deadlock const& e) {
        oracle_.complain(e.what());
        throw;
    } catch (Cancelled const& c) {
        oracle_.join_cut_short(group, expected);
        wait.threw(c.reason());
        own_end(me);
        return;
    } catch (...) {
        error = std::current_exception();
    }
    wait.returned();
    oracle_.join_ended(group, expected, error);
    if (error && program_.tasks[me].propagates) std::rethrow_exception(error);
}

void ModelRun::lend(std::uint32_t me) {
    check_point(me, [&] {
        Pause const pause{oracle_, me};
        auto const loan = pool(program_.groups[program_.tasks[me].group].pool).release_slot();
        yield();
    });
}

// --- cancellation -----------------------------------------------------------------------------------------

void ModelRun::cancel_itself(std::uint32_t me) {
    oracle_.cancel_task(me);
    try {
        handles_[me].cancel();
        oracle_.complain("task " + std::to_string(me) + ": survives its own cancellation");
    } catch (Cancelled const& c) {
        oracle_.cut_short(me, c.reason());
        own_end(me);
    }
}

/// What has not started may end in the call, before it waits.
void ModelRun::cancel_task(std::uint32_t me, std::uint32_t other) {
    if (me == other) return cancel_itself(me);
    auto const task = handles_[other];
    bool const may_end_at_once = task.state() == TaskState::queued;
    oracle_.cancel_task(other);
    Wait wait{oracle_, me, Wait::For::task, other, may_end_at_once};
    bool cancelled = false;
    if (await(me, wait, [&] { cancelled = task.cancel(); }) && cancelled != oracle_.was_cancelled(other))
        oracle_.complain("task " + std::to_string(other) + ": cancel() is wrong about its end");
}

void ModelRun::cancel_group(std::uint32_t me, std::uint32_t index) {
    bool const member = oracle_.is_member(me, index);
    auto const expected = oracle_.cancel_group(index, member ? me : 0);
    auto const what = member ? Wait::For::others : Wait::For::group;
    Wait wait{oracle_, me, what, index, oracle_.has_queued(index)};
    std::size_t reached = 0;
    if (await(me, wait, [&] { reached = (*groups_[index]).cancel("asked"); }) && reached != expected)
        oracle_.complain("group " + std::to_string(index) + ": cancel() reaches " + std::to_string(reached) +
                         ", not " + std::to_string(expected));
}

void ModelRun::request_cancel_of_group(std::uint32_t index) {
    oracle_.cancel_group(index);
    auto& group = *groups_[index];
    group.request_cancel("asked");
    if (group.pending() != 0)
        oracle_.complain("group " + std::to_string(index) + ": keeps what it should have dropped");
}

} // namespace frond::test
