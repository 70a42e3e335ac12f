#include "admission/slots.hpp"
#include "admission/wait_graph.hpp"
#include "ownership/lifecycle.hpp"
#include "scheduler/home_registry.hpp"
#include "scheduler/remote.hpp"
#include "scheduler/stall.hpp"
#include "scheduler/task_extras.hpp"

#include <frond/task.hpp>
#include <frond/this_task.hpp>

#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>

namespace frond::inline v0::detail {

// --- references -------------------------------------------------------------------------------------------

namespace {

/// On the home's thread or under the lock of an ended home.
void drop_local_ref(TaskNode& n) noexcept {
    if (--n.refs == 0) settle_foreign_refs(n);
}

} // namespace

void destroy_node(TaskNode& n) noexcept {
    if (n.ops->drop_result && n.state.load(std::memory_order_relaxed) == TaskState::done)
        n.ops->drop_result(n);
    std::destroy_at(&n.error);
    delete n.extras;
    Home& h = *n.home;
    free_node(&n, *n.ops);
    bool const shared = h.team != nullptr;
    h.forget_object();
    if (shared && h.state.load(std::memory_order_seq_cst) == HomeState::ended) h.recycle_if_unused();
}

/// The home's own references are gone. What other threads hold is counted in `foreign_refs`: it becomes ours,
/// and each of those handles will send its drop here.
void settle_foreign_refs(TaskNode& n) noexcept {
    n.refs = n.foreign_refs.exchange(0, std::memory_order_acq_rel);
    if (n.refs == 0) destroy_node(n);
}

void add_foreign_ref(TaskNode& n) noexcept { n.foreign_refs.fetch_add(1, std::memory_order_relaxed); }

void drop_foreign_ref(TaskNode& n) noexcept {
    if (n.home->team) {
        if (n.foreign_refs.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy_node(n);
        return;
    }
    auto count = n.foreign_refs.load(std::memory_order_relaxed);
    while (count > 0)
        if (n.foreign_refs.compare_exchange_weak(count, count - 1, std::memory_order_acq_rel)) return;
    Home& h = *n.home;
    auto const state = h.state.load(std::memory_order_acquire);
    if (state == HomeState::forked) return;
    send_to(h, [&n](Guard&) { drop_local_ref(n); });
    if (state == HomeState::ended) h.recycle_if_unused();
}

// --- waiting
// ------------------------------------------------------------------------------------------------

void throw_empty_handle() { throw std::logic_error("frond: an empty Task handle"); }

namespace {

void throw_if_forked(Home const& h) {
    if (h.state.load(std::memory_order_acquire) == HomeState::forked)
        throw std::logic_error("frond: this task belongs to the parent process");
}

bool wait_remotely_for_end(TaskNode& n, Clock::time_point deadline) {
    Home& h = *n.home;
    throw_if_forked(h);
    Waiter w{WaitKind::task, &n};
    wait_remotely(h, w, deadline, [](RemoteWait& r, Guard& guard) noexcept {
        auto& t = *static_cast<TaskNode*>(const_cast<void*>(r.proxy.target));
        if (is_final(t.state.load(std::memory_order_relaxed))) {
            r.complete(WakeReason::done);
        } else {
            move_up(guard, t);
            r.proxy.enlist(t.waiters);
        }
    });
    if (w.reason == WakeReason::stalled) throw_deadlock();
    return w.reason == WakeReason::done;
}

} // namespace

bool wait_for_end(TaskNode& n, Clock::time_point deadline, bool moves_up) {
    auto const has_ended = [&n] { return is_final(n.state.load(std::memory_order_acquire)); };
    if (has_ended()) return true;
    Home& h = *n.home;
    if (!h.is_reachable()) return wait_remotely_for_end(n, deadline);
    if (!h.is_here()) throw_if_forked(h);
    Fiber& f = Home::current().check_may_wait();
    Waiter w{WaitKind::task, &n};
    {
        Guard guard{h};
        if (!wait_unless(has_ended, guard, f, w, n.waiters, h.current_fellow(), moves_up, deadline))
            return true;
    }
    if (w.reason == WakeReason::stalled) throw_deadlock();
    return w.reason == WakeReason::done;
}

// --- results
// ------------------------------------------------------------------------------------------------

namespace {

void mark_seen(TaskNode& n) noexcept {
    if (n.home->state.load(std::memory_order_acquire) == HomeState::forked) return;
    if (n.home->is_reachable()) {
        Guard guard{*n.home};
        forget_error(guard, n);
        return;
    }
    // The message needs the node: it carries a reference of its own.
    add_ref(n);
    send_to(*n.home, [&n](Guard& guard) {
        forget_error(guard, n);
        drop_ref_of_message(n);
    });
}

} // namespace

void drop_ref_of_message(TaskNode& n) noexcept {
    auto count = n.foreign_refs.load(std::memory_order_relaxed);
    while (count > 0)
        if (n.foreign_refs.compare_exchange_weak(count, count - 1, std::memory_order_acq_rel)) return;
    drop_local_ref(n);
}

void rethrow_failure(TaskNode& n) {
    switch (n.state.load(std::memory_order_acquire)) {
    case TaskState::failed:
        mark_seen(n);
        std::rethrow_exception(n.error);
    case TaskState::cancelled:
        if (n.error) std::rethrow_exception(n.error);
        throw Cancelled{};
    default:
        return;
    }
}

std::exception_ptr failure_of(TaskNode& n) {
    auto const state = n.state.load(std::memory_order_acquire);
    if (state == TaskState::done) return nullptr;
    if (state == TaskState::failed) mark_seen(n);
    return n.error ? n.error : std::make_exception_ptr(Cancelled{});
}

void claim_result(TaskNode& n) {
    if ((n.marks.fetch_or(TaskNode::taken, std::memory_order_acq_rel) & TaskNode::taken) != 0)
        throw std::logic_error("frond: the result was taken");
}

std::string_view name_of(TaskNode const& n) noexcept { return name_of_task(n); }

// --- the running task
// ---------------------------------------------------------------------------------------

void sleep_until_deadline(Clock::time_point deadline) {
    Home& h = Home::current();
    h.check_may_wait();
    if (deadline <= Clock::now()) {
        h.yield();
        return;
    }
    Waiter w{WaitKind::sleep};
    h.park(w, deadline);
    if (w.reason == WakeReason::stalled) throw_deadlock();
}

} // namespace frond::inline v0::detail

namespace frond::inline v0::this_task {

std::uint64_t id() noexcept {
    auto* const t = detail::this_home ? detail::this_home->current_task() : nullptr;
    return t ? t->id : 0;
}

std::string_view name() noexcept {
    auto* const t = detail::this_home ? detail::this_home->current_task() : nullptr;
    return t ? detail::name_of_task(*t) : std::string_view{};
}

void yield() { detail::Home::current().yield(); }

} // namespace frond::inline v0::this_task
