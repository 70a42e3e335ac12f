#include <frond/diagnostics.hpp>

#include "scheduler/guard.hpp"
#include "scheduler/home.hpp"
#include "scheduler/home_registry.hpp"
#include "scheduler/remote.hpp"
#include "scheduler/stack_arena.hpp"
#include "scheduler/stall.hpp"
#include "scheduler/task_extras.hpp"

#include <frond/detail/group_core.hpp>
#include <frond/detail/pool_core.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace frond::inline v0 {

namespace detail {

namespace {

constexpr std::chrono::milliseconds patience{100};
constexpr std::size_t tasks_shown_a_group = 1000;

char const* state_text(TaskNode const& t) {
    if (t.delayed) return "delayed";
    switch (t.state.load(std::memory_order_acquire)) {
    case TaskState::queued:
        return t.in_pool_queue ? "queued" : "runnable";
    // A fiber that is not the running one has yielded, or waits in a primitive that is not ours.
    case TaskState::running:
        return !t.fiber->home->is_here() || t.fiber == &this_home->current_fiber() ? "running" : "suspended";
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

void label(std::ostream& out, PoolCore const& p) { label(out, *p.own); }

/// @param target nullptr: it cannot be told from here
void describe_wait(std::ostream& out, WaitKind kind, void const* target) {
    auto const name = [&]<class T>(char const* text, T const*) {
        out << text;
        if (target)
            label(out, *static_cast<T const*>(target));
        else
            out << "something";
    };
    constexpr TaskNode const* a_task = nullptr;
    constexpr GroupCore const* a_group = nullptr;
    constexpr PoolCore const* a_pool = nullptr;
    switch (kind) {
    case WaitKind::sleep:
        out << "sleeps";
        break;
    case WaitKind::task:
        name("waits for ", a_task);
        break;
    case WaitKind::admission:
        name("waits for a slot for ", a_task);
        break;
    case WaitKind::group:
        name("joins ", a_group);
        break;
    case WaitKind::others:
        name("waits for the other tasks of ", a_group);
        break;
    case WaitKind::result:
        name("waits for the next result of ", a_group);
        break;
    case WaitKind::place:
        name("has read ahead far enough for ", a_group);
        break;
    case WaitKind::backlog:
        name("waits for room in the backlog of ", a_pool);
        break;
    case WaitKind::slot:
        name("waits for a free slot of ", a_pool);
        break;
    case WaitKind::pool_end:
        name("waits for the end of everything in ", a_pool);
        break;
    case WaitKind::home_end:
        out << "ends its thread and waits for the last task";
        break;
    case WaitKind::team_end:
        out << "ends a runtime and waits for its last task";
        break;
    case WaitKind::stop:
        out << "is a runtime's thread";
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
    case WaitKind::mutex:
        out << "waits for a Mutex";
        break;
    case WaitKind::condition:
        out << "waits for a ConditionVariable";
        break;
    case WaitKind::event:
        out << "waits for an Event";
        break;
    case WaitKind::semaphore:
        out << "waits for a Semaphore";
        break;
    case WaitKind::barrier:
        out << "waits for a Barrier";
        break;
    case WaitKind::push:
        out << "waits to push into a Channel";
        break;
    case WaitKind::pop:
        out << "waits for an item of a Channel";
        break;
    }
}

/// The wait of a fiber of another thread may end while we look, unless it stands in a list that our guard
/// covers.
void describe_wait(std::ostream& out, Fiber const& f) {
    bool const ours = f.home->is_here();
    if (Waiter const* const w = ours ? f.waiting : f.task_wait) {
        describe_wait(out, w->kind, w->target);
        if (ours && w->armed()) out << ", with a deadline";
    } else if (!ours) {
        describe_wait(out, f.wait_kind.load(std::memory_order_relaxed), nullptr);
    }
}

class Printer {
public:
    Printer(std::ostream& out, Home const& h) : out_{out}, home_{h} {}

    void home() {
        out_ << "thread " << home_.number << " (tid " << home_.thread_id << ')';
        if (home_.team) out_ << " of runtime '" << home_.team->name << '\'';
        out_ << ": " << home_.live_tasks << " tasks\n";
        if (!home_.team && home_.main_fiber && home_.main_fiber->waiting) {
            out_ << "  main fiber ";
            describe_wait(out_, *home_.main_fiber);
            out_ << '\n';
        }
        for (GroupCore const* g = home_.groups.head; g; g = g->home_next)
            if (!has_visible_parent(*g)) group(*g, 1);
    }

private:
    /// Calls `f` for each group of this home, or of all homes of its runtime, until that returns true.
    template <class F>
    bool any_group(F f) const {
        auto const among = [&f](Home const& h) {
            for (GroupCore const* g = h.groups.head; g; g = g->home_next)
                if (f(*g)) return true;
            return false;
        };
        if (!home_.team) return among(home_);
        return std::any_of(home_.team->homes.begin(), home_.team->homes.end(),
                           [&](Home const* h) { return among(*h); });
    }

    /// A group made inside a task is shown below that task.
    bool has_visible_parent(GroupCore const& g) const {
        if (g.parent_task == 0) return false;
        return any_group([&](GroupCore const& o) {
            for (TaskNode const* t = o.live.head; t; t = t->live_next)
                if (t->id == g.parent_task) return true;
            return false;
        });
    }

    void group(GroupCore const& g, int depth) {
        indent(depth);
        label(out_, g);
        if (g.is_pool && g.pool) {
            out_ << ": limit " << g.pool->limit.get() << ", active " << g.pool->active.get() << ", queued "
                 << g.pool->queued.get() << ", lent " << g.pool->lent.get();
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
        out_ << ": " << state_text(t) << (t.is_marked(TaskNode::cancelled) ? ", cancelled" : "")
             << (t.has_slot ? ", has a slot"
                 : t.lent   ? ", has lent its slot"
                            : "")
             << ", " << now_ms_ - t.born_ms << " ms old, spawned at " << t.site.file_name() << ':'
             << t.site.line();
        auto const state = t.state.load(std::memory_order_acquire);
        if (state == TaskState::waiting) {
            out_ << "; ";
            describe_wait(out_, *t.fiber);
        }
        out_ << '\n';
        if (depth > 40 || !is_started(state)) return;
        any_group([&](GroupCore const& g) {
            if (g.parent_task == t.id) group(g, depth + 1);
            return false;
        });
    }

    static bool is_started(TaskState s) { return s == TaskState::running || s == TaskState::waiting; }
    void indent(int depth) { out_ << std::string(static_cast<std::size_t>(depth) * 2, ' '); }

    /// Not the home's coarse clock: that stands still while the home computes, and others spawn meanwhile.
    static std::uint32_t now_in_ms() noexcept {
        auto const since_boot = Clock::now().time_since_epoch();
        return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::milliseconds>(since_boot).count());
    }

    std::ostream& out_;
    Home const& home_;
    std::uint32_t const now_ms_ = now_in_ms();
};

std::string describe(Home& h) {
    std::ostringstream out;
    Guard guard{h};
    guard.widen();
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

struct Question : Message {
    std::shared_ptr<Answer> answer;
};

/// A home to be described, which its thread's end does not take away meanwhile: that of a runtime is read
/// from here, and the others answer themselves.
class Seen {
public:
    /// Under the registry's lock.
    explicit Seen(Home& h) noexcept : home_{&h}, number_{h.number}, thread_{h.thread_id} {
        if (!h.team) return;
        std::lock_guard const lock{h.ended_lock};
        if (h.state.load(std::memory_order_acquire) == HomeState::ended ||
            !h.team->is_complete.load(std::memory_order_acquire)) {
            home_ = nullptr;
            return;
        }
        h.add_object();
        held_ = true;
    }
    Seen(Seen&& other) noexcept
        : home_{std::exchange(other.home_, nullptr)},
          number_{other.number_},
          thread_{other.thread_},
          held_{std::exchange(other.held_, false)} {}
    Seen& operator=(Seen&&) = delete;
    ~Seen() {
        if (!held_) return;
        home_->forget_object();
        if (home_->state.load(std::memory_order_acquire) == HomeState::ended) home_->recycle_if_unused();
    }

    std::string text() const {
        if (!home_) return {};
        return home_->is_here() ? describe(*home_) : ask();
    }

private:
    std::string ask() const;

    Home* home_;
    std::uint32_t number_;
    pid_t thread_;
    bool held_ = false;
};

/// The asker's thread is blocked for at most `patience`: this must work also where no fiber can be suspended.
/// What threads share can be read from here, but that one of them does not answer is worth knowing.
std::string Seen::ask() const {
    auto const answer = std::make_shared<Answer>();
    auto question = std::make_unique<Question>();
    question->answer = answer;
    question->deliver = [](Message& m, Home& home) noexcept {
        std::unique_ptr<Question> const self{static_cast<Question*>(&m)};
        std::string text;
        try {
            if (!home.team) text = describe(home);
        } catch (...) {
            text = "(no memory)\n";
        }
        std::lock_guard const lock{self->answer->lock};
        self->answer->text = std::move(text);
        self->answer->there = true;
        self->answer->came.notify_one();
    };
    if (!home_->post(*question)) return held_ ? describe(*home_) : std::string{};
    [[maybe_unused]] Question* const sent = question.release(); // it deletes itself
    std::string text;
    {
        std::unique_lock lock{answer->lock};
        if (answer->came.wait_for(lock, patience, [&] { return answer->there; }))
            text = std::move(answer->text);
        else
            text = "thread " + std::to_string(number_) + " (tid " + std::to_string(thread_) +
                   "): does not answer: it blocks outside frond\n";
    }
    if (held_) text += describe(*home_);
    return text;
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
    std::vector<detail::Seen> homes;
    detail::HomeRegistry::instance().for_each([&](detail::Home& h) { homes.emplace_back(h); });
    for (detail::Seen const& h : homes) out << h.text();
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
