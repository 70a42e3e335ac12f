#include <frond/diagnostics.hpp>

#include "scheduler/home.hpp"
#include "scheduler/home_registry.hpp"
#include "scheduler/remote.hpp"
#include "scheduler/stack_arena.hpp"
#include "scheduler/stall.hpp"
#include "scheduler/task_extras.hpp"

#include <frond/detail/group_core.hpp>
#include <frond/detail/pool_core.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

namespace frond::inline v0 {

namespace detail {

namespace {

constexpr std::chrono::milliseconds patience{100};
constexpr std::size_t tasks_shown_a_group = 1000;

char const* state_text(TaskNode const& t) {
    if (t.delayed) return "delayed";
    switch (t.state.load(std::memory_order_relaxed)) {
    case TaskState::queued:
        return t.in_pool_queue ? "queued" : "runnable";
    // A fiber that is not the running one has yielded, or waits in a primitive that is not ours.
    case TaskState::running:
        return t.fiber == &t.home->current_fiber() ? "running" : "suspended";
    case TaskState::waiting:
        return "waiting";
    case TaskState::done:
        return "done";
    case TaskState::failed:
        return "failed";
    case TaskState::cancelled:
        return "cancelled";
    }
    return "?";
}

void label(std::ostream& out, GroupCore const& g) {
    out << (g.is_pool ? "pool" : "group") << " #" << g.id;
    if (!g.name.empty()) out << " '" << g.name << '\'';
}

void label(std::ostream& out, TaskNode const& t) {
    out << "task #" << t.id;
    if (auto const name = name_of_task(t); !name.empty()) out << " '" << name << '\'';
}

void describe_wait(std::ostream& out, Waiter const& w) {
    switch (w.kind) {
    case WaitKind::sleep:
        out << "sleeps";
        break;
    case WaitKind::task:
        out << "waits for ";
        label(out, *static_cast<TaskNode const*>(w.target));
        break;
    case WaitKind::admission:
        out << "waits for a slot for ";
        label(out, *static_cast<TaskNode const*>(w.target));
        break;
    case WaitKind::group:
        out << "joins ";
        label(out, *static_cast<GroupCore const*>(w.target));
        break;
    case WaitKind::backlog:
        out << "waits for room in the backlog of ";
        label(out, *static_cast<PoolCore const*>(w.target)->own);
        break;
    case WaitKind::slot:
        out << "waits for a free slot of ";
        label(out, *static_cast<PoolCore const*>(w.target)->own);
        break;
    case WaitKind::pool_end:
        out << "waits for the end of everything in ";
        label(out, *static_cast<PoolCore const*>(w.target)->own);
        break;
    case WaitKind::home_end:
        out << "ends its thread and waits for the last task";
        break;
    case WaitKind::io:
        out << "waits for I/O";
        break;
    case WaitKind::offload:
        out << "waits for a blocking call";
        break;
    case WaitKind::remote:
        out << "waits for an answer of another thread";
        break;
    }
    if (w.armed()) out << ", with a deadline";
}

class Printer {
public:
    Printer(std::ostream& out, Home const& h) : out_{out}, home_{h} {}

    void home() {
        out_ << "thread " << home_.number << " (tid " << home_.thread_id << "): " << home_.live_tasks
             << " tasks\n";
        if (Waiter const* const w = home_.main_fiber ? home_.main_fiber->waiting : nullptr) {
            out_ << "  main fiber ";
            describe_wait(out_, *w);
            out_ << '\n';
        }
        for (GroupCore const* g = home_.groups.head; g; g = g->home_next)
            if (!has_visible_parent(*g)) group(*g, 1);
    }

private:
    /// A group made inside a task is shown below that task.
    bool has_visible_parent(GroupCore const& g) const {
        if (g.parent_task == 0) return false;
        for (GroupCore const* o = home_.groups.head; o; o = o->home_next)
            for (TaskNode const* t = o->live.head; t; t = t->live_next)
                if (t->id == g.parent_task) return true;
        return false;
    }

    void group(GroupCore const& g, int depth) {
        indent(depth);
        label(out_, g);
        if (g.is_pool && g.pool) {
            out_ << ": limit " << g.pool->limit.get() << ", active " << g.pool->active.get() << ", queued "
                 << g.pool->queued.get() << ", lent " << g.pool->lent;
        } else if (g.pool) {
            out_ << " in ";
            label(out_, *g.pool->own);
        }
        out_ << "; " << g.size.get() << " tasks, " << g.errors_kept + g.errors_dropped << " unseen errors"
             << (g.closed.load(std::memory_order_relaxed) ? ", closed" : "") << '\n';
        std::size_t shown = 0;
        for (TaskNode const* t = g.live.head; t; t = t->live_next) {
            if (++shown > tasks_shown_a_group) {
                indent(depth + 1);
                out_ << "... and " << g.size.get() - tasks_shown_a_group << " more\n";
                break;
            }
            task(*t, depth + 1);
        }
    }

    void task(TaskNode const& t, int depth) {
        indent(depth);
        label(out_, t);
        out_ << ": " << state_text(t)
             << (t.has_slot ? ", has a slot"
                 : t.lent   ? ", has lent its slot"
                            : "")
             << ", " << home_.now_ms - t.born_ms << " ms old, spawned at " << t.site.file_name() << ':'
             << t.site.line();
        auto const state = t.state.load(std::memory_order_relaxed);
        if (state == TaskState::waiting && t.fiber->waiting) {
            out_ << "; ";
            describe_wait(out_, *t.fiber->waiting);
        }
        out_ << '\n';
        if (depth > 40 || !is_started(state)) return;
        for (GroupCore const* g = home_.groups.head; g; g = g->home_next)
            if (g->parent_task == t.id) group(*g, depth + 1);
    }

    static bool is_started(TaskState s) { return s == TaskState::running || s == TaskState::waiting; }
    void indent(int depth) { out_ << std::string(static_cast<std::size_t>(depth) * 2, ' '); }

    std::ostream& out_;
    Home const& home_;
};

std::string describe(Home const& h) {
    std::ostringstream out;
    Printer{out, h}.home();
    return std::move(out).str();
}

/// Another thread's answer; shared, because the asker may have gone when it comes.
struct Answer {
    std::mutex lock;
    std::condition_variable came;
    bool there = false;
    std::string text;
};

/// The asker's thread is blocked for at most `patience`: this must work also where no fiber can be suspended.
std::string ask(Home& h) {
    auto const answer = std::make_shared<Answer>();
    send_to(h, [answer, &h] {
        std::string text;
        try {
            text = describe(h);
        } catch (...) {
            text = "(no memory)\n";
        }
        std::lock_guard const lock{answer->lock};
        answer->text = std::move(text);
        answer->there = true;
        answer->came.notify_one();
    });
    std::unique_lock lock{answer->lock};
    if (answer->came.wait_for(lock, patience, [&] { return answer->there; })) return std::move(answer->text);
    return "thread " + std::to_string(h.number) + " (tid " + std::to_string(h.thread_id) +
           "): does not answer: it blocks outside frond\n";
}

} // namespace

std::string wait_graph() noexcept {
    try {
        std::ostringstream out;
        dump(out);
        return std::move(out).str();
    } catch (...) {
        return "(no memory for the wait graph)\n";
    }
}

} // namespace detail

void dump(std::ostream& out) {
    std::vector<detail::Home*> homes;
    detail::HomeRegistry::instance().for_each([&](detail::Home& h) { homes.push_back(&h); });
    for (detail::Home* h : homes) out << (h->is_here() ? detail::describe(*h) : detail::ask(*h));
}

Stats stats() {
    auto const s = detail::StackArena::instance().stats();
    return {.stacks_in_use = s.in_use,
            .stacks_cached = s.cached,
            .stack_bytes_reserved = s.reserved_bytes,
            .guard = static_cast<StackGuard>(s.guard),
            .guarded_by_madvise = s.guarded_by_madvise,
            .guarded_by_mprotect = s.guarded_by_mprotect,
            .unguarded = s.unguarded,
            .homes = detail::HomeRegistry::instance().live_homes()};
}

void set_default_stack_size(std::size_t bytes) {
    detail::Home::current().default_stack = static_cast<std::uint8_t>(detail::stack_class_for(bytes));
}

} // namespace frond::inline v0
