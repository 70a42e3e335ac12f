#pragma once

#include "support/model_program.hpp"
#include "support/parallel_books.hpp"

#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/task.hpp>

#include <cstdint>
#include <exception>
#include <stdexcept>

namespace frond::test {

/// Waits for tasks and groups, and tells the books what came out. What a wait throws leaves it only where the
/// program wants the waiter to propagate it.
class ParallelWaits {
public:
    ParallelWaits(Program const& program, ParallelBooks& books) : program_{program}, books_{books} {}

    /// Performs a wait. @param surely whether it throws in any case if the task is to stop
    /// @return false: it was cut short, and the task goes on all the same
    template <class F>
    bool through(std::uint32_t me, F&& f, bool surely = false);

    /// Performs a wait that gives the task's value or throws, and compares.
    template <class F>
    void watch(std::uint32_t me, std::uint32_t other, F&& wait);

    /// Performs a step that waits for a task.
    void wait_for_task(std::uint32_t me, Step const& step, Task<int> const& task);

    void join(std::uint32_t me, std::uint32_t index, Group& group);
    /// In a destructor: until it throws no more. @return false: it was cut short
    bool join_to_the_last(std::uint32_t me, std::uint32_t index, Group& group);
    void cancel_task(std::uint32_t me, std::uint32_t other, Task<int> const& task);
    void cancel_group(std::uint32_t me, std::uint32_t index, Group& group);
    /// Everything else that is bound to the pool has died before; its own tasks may spawn more of them.
    void join_idle_pool(std::uint32_t index, Group& group);

private:
    /// Around every wait: meanwhile the task may have lent its slot.
    class Pause {
    public:
        Pause(ParallelBooks& books, std::uint32_t task) : books_{books}, task_{task} {
            books_.stops_working(task_);
        }
        Pause(Pause const&) = delete;
        Pause& operator=(Pause const&) = delete;
        ~Pause() { books_.works_again(task_); }

    private:
        ParallelBooks& books_;
        std::uint32_t const task_;
    };

    /// @throws Cancelled
    std::exception_ptr join_and_look(std::uint32_t index, Group& group);
    void was_cut_short(std::uint32_t me, Cancelled const& c, bool long_ago = false);
    bool propagates(std::uint32_t me) const {
        return me != ParallelStops::nobody && program_.tasks[me].propagates;
    }
    bool swallows(std::uint32_t me) const {
        return me == ParallelStops::nobody || program_.tasks[me].swallows;
    }

    Program const& program_;
    ParallelBooks& books_;
};

template <class F>
bool ParallelWaits::through(std::uint32_t me, F&& f, bool surely) {
    surely = surely && books_.stops.must_stop(me) == Verdict::yes;
    try {
        Pause const pause{books_, me};
        f();
    } catch (Cancelled const& c) {
        was_cut_short(me, c);
        if (!swallows(me)) throw;
        return false;
    }
    if (surely) books_.complain("task " + std::to_string(me) + ": a wait begins although it was to stop");
    return true;
}

template <class F>
void ParallelWaits::watch(std::uint32_t me, std::uint32_t other, F&& wait) {
    int value = 0;
    try {
        Pause const pause{books_, me};
        value = wait();
    } catch (Deadlock const& e) {
        books_.complain(e.what());
        throw;
    } catch (Closed const&) {
        throw;
    } catch (std::logic_error const&) {
        books_.saw_taken(other);
        return;
    } catch (Cancelled const& c) {
        if (!books_.is_end_of(other, std::current_exception()) &&
            books_.stops.is_own(me, c.reason(), books_.was_cancelled(other))) {
            was_cut_short(me, c, true);
            if (!swallows(me)) throw;
        } else {
            books_.saw_cancelled(other);
            if (propagates(me)) throw;
        }
        return;
    } catch (...) {
        books_.saw_error(other, std::current_exception());
        if (propagates(me)) throw;
        return;
    }
    books_.saw_value(other, value);
}

} // namespace frond::test
