#include "support/parallel_waits.hpp"

#include <frond/cancel.hpp>

#include <chrono>

namespace frond::test {

void ParallelWaits::was_cut_short(std::uint32_t me, Cancelled const& c, bool long_ago) {
    if (me == ParallelStops::nobody || books_.stops.must_stop(me) == Verdict::no)
        books_.complain("task " + std::to_string(me) + ": a wait is cut short without a reason");
    else
        books_.stops.cut_short(me, c.reason(), long_ago);
}

void ParallelWaits::wait_for_task(std::uint32_t me, Step const& step, Task<int> const& task) {
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
        std::exception_ptr error;
        if (!through(me, [&] { error = task.error(); })) return;
        books_.saw_end(other);
        if (error && task.state() == TaskState::failed) books_.saw_error(other, error);
        break;
    }
    default: {
        bool ended = true;
        bool const whole = through(me, [&] {
            if (step.kind == Step::Kind::wait)
                task.wait();
            else
                ended = task.wait_for(std::chrono::microseconds{20});
        });
        if (whole && ended) books_.saw_state(other, task.state());
    }
    }
}

bool ParallelWaits::join_to_the_last(std::uint32_t me, std::uint32_t index, Group& group) {
    Pause const pause{books_, me};
    try {
        while (join_and_look(index, group)) {
        }
        return true;
    } catch (Cancelled const& c) {
        was_cut_short(me, c);
        return false;
    }
}

void ParallelWaits::join(std::uint32_t me, std::uint32_t index, Group& group) {
    std::exception_ptr error;
    if (through(me, [&] { error = join_and_look(index, group); }) && error && propagates(me))
        std::rethrow_exception(error);
}

std::exception_ptr ParallelWaits::join_and_look(std::uint32_t index, Group& group) {
    auto const awaited = books_.spawned_in(index);
    std::exception_ptr error;
    try {
        group.join();
    } catch (Deadlock const& e) {
        books_.complain(e.what());
    } catch (Cancelled const&) {
        throw; // the tasks' own ends are no errors
    } catch (...) {
        error = std::current_exception();
    }
    books_.join_ended(index, awaited, error);
    books_.stops.joined(index, [&] { return group.empty(); });
    return error;
}

void ParallelWaits::join_idle_pool(std::uint32_t index, Group& group) {
    Shield const shield;
    for (;;) {
        auto const before = books_.spawned_in(index);
        std::exception_ptr error;
        try {
            group.join();
        } catch (...) {
            error = std::current_exception();
        }
        books_.join_ended(index, before, error);
        if (!error) return;
    }
}

// --- cancellation -----------------------------------------------------------------------------------------

/// A task that cancels itself leaves at once, shielded or not.
void ParallelWaits::cancel_task(std::uint32_t me, std::uint32_t other, Task<int> const& task) {
    books_.stops.cancels_task(other);
    if (me != other) {
        bool cancelled = false;
        if (!through(me, [&] { cancelled = task.cancel(); })) return;
        books_.saw_state(other, task.state());
        if (cancelled != (task.state() == TaskState::cancelled))
            books_.complain("task " + std::to_string(other) + ": cancel() is wrong about its end");
        return;
    }
    try {
        task.cancel();
        books_.complain("task " + std::to_string(me) + ": survives its own cancellation");
    } catch (Cancelled const& c) {
        books_.stops.has_cancelled_task(me);
        books_.stops.cut_short(me, c.reason(), false);
        if (!swallows(me)) throw;
    }
}

void ParallelWaits::cancel_group(std::uint32_t me, std::uint32_t index, Group& group) {
    books_.stops.cancels_group(index);
    through(me, [&] { group.cancel("asked"); });
    books_.stops.has_cancelled_group(index); // unless it throws: then nobody knows how far it came
}

} // namespace frond::test
