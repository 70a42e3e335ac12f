#include "support/parallel_waits.hpp"

#include <chrono>

namespace frond::test {

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

bool ParallelWaits::join_once(std::uint32_t me, std::uint32_t index, Group& group) {
    return !join_and_look(me, index, group);
}

void ParallelWaits::join(std::uint32_t me, std::uint32_t index, Group& group) {
    auto const error = join_and_look(me, index, group);
    if (error && program_.tasks[me].propagates) std::rethrow_exception(error);
}

std::exception_ptr ParallelWaits::join_and_look(std::uint32_t me, std::uint32_t index, Group& group) {
    auto const awaited = books_.spawned_in(index);
    std::exception_ptr error;
    books_.stops_working(me);
    try {
        group.join();
    } catch (Deadlock const& e) {
        books_.complain(e.what());
    } catch (...) {
        error = std::current_exception();
    }
    books_.works_again(me);
    books_.join_ended(index, awaited, error);
    return error;
}

void ParallelWaits::join_idle_pool(std::uint32_t index, Group& group) {
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

} // namespace frond::test
