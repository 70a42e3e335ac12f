// Carriers: Boost contexts that run many tasks, one after another.

#include "scheduler/algorithm.hpp"
#include "scheduler/home.hpp"
#include "scheduler/stack_arena.hpp"
#include "scheduler/task_extras.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>

#include <boost/context/stack_context.hpp>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>

namespace frond::inline v0::detail {

namespace bf = boost::fibers;

namespace {

constexpr std::chrono::milliseconds longest_turn{1};
constexpr std::size_t warm_carriers = 64;
constexpr std::size_t retired_at_once = 256;
constexpr std::chrono::milliseconds trim_interval{100};

/// Lends an arena stack, taken beforehand, to one context.
struct ArenaStack {
    Stack stack;
    boost::context::stack_context allocate() const noexcept {
        boost::context::stack_context c;
        c.size = stack.size;
        c.sp = stack.top;
        return c;
    }
    void deallocate(boost::context::stack_context&) const noexcept {
        StackArena::instance().deallocate(stack);
    }
};

/// Cancelled before it began; but what was to follow another task sees to it itself.
bool is_not_to_start(TaskNode const& t) noexcept {
    return t.is_marked(TaskNode::cancelled) && !is_continuation(t);
}

} // namespace

Fiber& Home::make_fiber(FiberKind kind, StackClass klass) {
    auto properties = std::make_unique<FiberProperties>(nullptr, kind);
    Fiber& f = properties->fiber;
    f.stack = StackArena::instance().allocate(klass);
    StackArena::instance().set_owner(f.stack, &f);
    // From here on nothing throws: the context is built on the stack itself.
    auto const made = bf::make_worker_context_with_properties(
        bf::launch::post, properties.release(), ArenaStack{f.stack}, [this, &f] { kind_loop(f); });
    f.context = made.get();
    bf::context::active()->attach(made.get());
    adopt(f);
    ++carriers_;
    return f;
}

void Home::kind_loop(Fiber& self) {
    if (self.kind == FiberKind::reactor)
        reactor_loop(self);
    else
        carrier_loop(self);
    --carriers_;
}

void Home::push_idle(Fiber& f) noexcept {
    auto*& idle = idle_[static_cast<std::size_t>(f.stack.klass)];
    f.ready_next = idle;
    idle = &f;
    ++idle_count_;
}

/// @return false: no memory for a stack
bool Home::ensure_spare() noexcept {
    auto*& idle = idle_[default_stack];
    if (idle) return true;
    try {
        Fiber& f = make_fiber(FiberKind::carrier, static_cast<StackClass>(default_stack));
        push_idle(f);
        return true;
    } catch (std::bad_alloc const&) {
        return false;
    }
}

void Home::carrier_loop(Fiber& self) {
    auto const klass = static_cast<std::size_t>(self.stack.klass);
    while (!retiring_ && !self.retire) {
        if (TaskNode* const t = self.assigned) {
            self.assigned = nullptr;
            if (is_not_to_start(*t))
                task_dropped(*t, TaskState::cancelled, nullptr);
            else
                run(self, *t);
        }
        if (klass == default_stack)
            while (TaskNode* const t = next_task(self)) run(self, *t);
        going_idle_ = &self;
        give_way(self);
    }
}

/// The task to run on `self` now; nullptr if a fiber is ready, the dispatcher is due or nothing can start.
TaskNode* Home::next_task(Fiber& self) noexcept {
    for (;;) {
        flush_batch();
        if (!can_start()) return nullptr;
        bool const must_start = start_one_;
        start_one_ = false;
        if (!must_start) {
            if (is_anybody_ready()) return nullptr;
            // The clock costs as much as a task: it is read after 1, 2, 4, 8, ... starts, early for long
            // tasks.
            unsigned const n = starts_this_turn_++;
            if (n >= turn_length ||
                (n != 0 && (n & (n - 1)) == 0 && Clock::now() - turn_began_ > longest_turn)) {
                turn_due_ = true;
                return nullptr;
            }
        }
        TaskNode* const next = team ? pop_task_in_team() : pop_task();
        if (!next) return nullptr; // another thread was faster
        TaskNode& t = *next;
        if (t.is_marked(TaskNode::cancelled | TaskNode::gated)) [[unlikely]] {
            if (t.is_marked(TaskNode::gated) && !may_start(t)) continue;
            if (is_not_to_start(t)) {
                task_dropped(t, TaskState::cancelled, nullptr);
                continue;
            }
        }
        if (!ensure_spare()) {
            task_dropped(t, TaskState::failed, std::make_exception_ptr(std::bad_alloc{}));
            continue;
        }
        if (t.stack_class == 0 || static_cast<StackClass>(t.stack_class - 1) == self.stack.klass) return &t;
        if (hand_to_other_stack(t)) return nullptr;
        task_dropped(t, TaskState::failed, std::make_exception_ptr(std::bad_alloc{}));
    }
}

/// Every 61st start takes the oldest, of the pools' and of the others in turn, so that nothing starves.
TaskNode* Home::pop_task() noexcept {
    TaskNode* t;
    if (++starts_ % turn_length != 0) {
        t = local_.empty() ? fifo_.pop_front() : pop_newest_batch();
    } else {
        bool const from_pools = local_.empty() || (starts_ % (2 * turn_length) == 0 && !fifo_.empty());
        t = from_pools ? fifo_.pop_front() : pop_oldest_batch();
    }
    if (!t) return nullptr;
    t->in_run_queue = false;
    --queued_;
    return t;
}

TaskNode* Home::pop_task_in_team() noexcept {
    std::lock_guard const guard{state_lock};
    TaskNode* const t = pop_task();
    if (t && t->pinned) --pinned_;
    return t;
}

TaskNode* Home::pop_newest_batch() noexcept {
    TaskNode* const t = local_.pop_front();
    if (t == oldest_) oldest_ = local_.head;
    return t;
}

/// The first of the batch at the far end. Where that begins is looked for once a batch.
TaskNode* Home::pop_oldest_batch() noexcept {
    TaskNode* t = oldest_;
    if (!t) {
        t = local_.tail;
        while (t != local_.head && !t->first_of_batch) t = t->queue_prev;
    }
    oldest_ = t->queue_next;
    if (oldest_) oldest_->first_of_batch = true;
    local_.erase(*t);
    return t;
}

/// A task that asked for a stack of its own size goes to a carrier of that class.
bool Home::hand_to_other_stack(TaskNode& t) noexcept {
    auto const klass = static_cast<StackClass>(t.stack_class - 1);
    auto*& idle = idle_[static_cast<std::size_t>(klass)];
    Fiber* f = idle;
    if (f) {
        idle = f->ready_next;
        --idle_count_;
    } else {
        try {
            f = &make_fiber(FiberKind::carrier, klass);
        } catch (std::bad_alloc const&) {
            return false;
        }
    }
    f->assigned = &t;
    make_ready(*f);
    return true;
}

namespace {

/// What counts is the time from the start on, not that in a queue.
[[gnu::noinline]] void run_with_limit(TaskNode& t) {
    TaskExtras const* const x = extras_if_any(t);
    auto const own = x ? x->timeout : forever;
    auto const limit = t.group->pool ? std::min(own, t.group->pool->task_timeout) : own;
    bool has_result = false;
    try {
        with_timeout(limit, [&] {
            t.ops->run(t);
            has_result = true;
        });
    } catch (...) { // a destructor's wait was cut short: the result was there, and will not be read
        if (has_result && t.ops->drop_result) t.ops->drop_result(t);
        t.marks.fetch_and(static_cast<std::uint8_t>(~TaskNode::yields), std::memory_order_relaxed);
        throw;
    }
}

} // namespace

void Home::run(Fiber& self, TaskNode& t) noexcept {
    self.task = &t;
    t.fiber = &self;
    if (t.group->pool && !t.boosted) t.group->unboosted.take(t.group->shared);
    t.state.store(TaskState::running, std::memory_order_release); // `fiber` with it, for who looks at both
    auto outcome = TaskState::done;
    std::exception_ptr error;
    try {
        if (t.is_marked(TaskNode::limited)) [[unlikely]]
            run_with_limit(t);
        else
            t.ops->run(t);
    } catch (Cancelled const&) {
        outcome = TaskState::cancelled;
        error = std::current_exception();
    } catch (...) {
        outcome = TaskState::failed;
        error = std::current_exception();
    }
    if (extras_if_any(t)) [[unlikely]]
        drop_values(t);
    self.task = nullptr; // but `t.fiber` stays until it is under the guard: others look at what is live
    if (this_home != this) std::_Exit(EXIT_SUCCESS); // a task of the parent, ending in a forked child
    task_ended(t, outcome, std::move(error));
}

/// Idle carriers that nobody needed for a while let their stacks go, half of them every 100 ms.
void Home::trim_idle(Clock::time_point now) noexcept {
    if (trim_quota_ == 0) {
        if (idle_count_ <= warm_carriers) {
            next_trim_ = Clock::time_point::max();
            return;
        }
        if (next_trim_ == Clock::time_point::max()) {
            next_trim_ = now + trim_interval;
            idle_low_ = idle_count_;
            return;
        }
        if (now < next_trim_) return;
        next_trim_ = now + trim_interval;
        trim_quota_ =
            idle_low_ > 2 * warm_carriers ? idle_low_ / 2 : idle_low_ - std::min(idle_low_, warm_carriers);
        idle_low_ = idle_count_;
    }
    for (auto& idle : idle_) {
        std::size_t const most = std::min(trim_quota_, retired_at_once);
        for (std::size_t n = 0; n < most && idle; ++n) {
            Fiber& f = *idle;
            idle = f.ready_next;
            --idle_count_;
            --trim_quota_;
            f.retire = true;
            make_ready(f);
        }
    }
    if (ready_.empty()) trim_quota_ = 0;
    idle_low_ = std::min(idle_low_, idle_count_);
}

void Home::retire_carriers() noexcept {
    retiring_ = true;
    for (auto& idle : idle_) {
        while (Fiber* const f = idle) {
            idle = f->ready_next;
            make_ready(*f);
        }
    }
    idle_count_ = 0;
    if (reactor_fiber_) make_ready(*std::exchange(reactor_fiber_, nullptr));
    while (carriers_ > 0) yield();
    retiring_ = false;
}

} // namespace frond::inline v0::detail
