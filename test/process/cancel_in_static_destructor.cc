// exit: 0
// stdout: ^main returns.3 were cut: failed, cancelled, done.$

// The main thread's end waits for its tasks, and deadlines go on working meanwhile: what would never end is
// ended by its pool's limit of time, by its group's deadline, and by a scope in the task. Statics see the
// outcome.

#include <frond/frond.hpp>

#include <chrono>
#include <cstdio>

using namespace std::chrono_literals;

namespace {

int cancelled = 0;

void never_end() {
    try {
        frond::sleep_for(1h);
    } catch (frond::Cancelled const&) {
        ++cancelled;
        throw;
    }
}

char const* outcome(frond::Task<void> const& task) {
    switch (task.state()) {
    case frond::TaskState::done:
        return "done";
    case frond::TaskState::failed:
        return "failed";
    case frond::TaskState::cancelled:
        return "cancelled";
    default:
        return "alive";
    }
}

struct Static {
    frond::Pool pool{{.limit = 1, .task_timeout = 10ms}};
    frond::Group group{{.timeout = 10ms}};
    frond::Group plain;

    frond::Task<void> in_pool = pool.spawn(&never_end);
    frond::Task<void> in_group = group.spawn(&never_end);
    frond::Task<void> in_plain = plain.spawn([] { frond::move_on_after(10ms, &never_end); });

    ~Static() {
        std::printf("%d were cut: %s, %s, %s\n", cancelled, outcome(in_pool), outcome(in_group),
                    outcome(in_plain));
        in_pool.error(); // seen
        group.errors();
    }
} last;

} // namespace

int main() {
    frond::yield();
    std::puts("main returns");
}
