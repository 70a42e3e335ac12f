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

    /// Performs a wait that gives the task's value or throws, and compares.
    template <class F>
    void watch(std::uint32_t me, std::uint32_t other, F&& wait);

    /// Performs a step that waits for a task.
    void wait_for_task(std::uint32_t me, Step const& step, Task<int> const& task);

    void join(std::uint32_t me, std::uint32_t index, Group& group);
    /// @return false: it threw
    bool join_once(std::uint32_t me, std::uint32_t index, Group& group);
    /// Everything else that is bound to the pool has died before; its own tasks may spawn more of them.
    void join_idle_pool(std::uint32_t index, Group& group);

private:
    std::exception_ptr join_and_look(std::uint32_t me, std::uint32_t index, Group& group);

    Program const& program_;
    ParallelBooks& books_;
};

template <class F>
void ParallelWaits::watch(std::uint32_t me, std::uint32_t other, F&& wait) {
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

} // namespace frond::test
