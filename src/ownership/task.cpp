#include "admission/slots.hpp"
#include "admission/wait_graph.hpp"
#include "ownership/lifecycle.hpp"
#include "scheduler/home_registry.hpp"
#include "scheduler/remote.hpp"
#include "scheduler/stall.hpp"
#include "scheduler/stop_chain.hpp"
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
    delete extras_if_any(n);
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

// --- waiting -----------------------------------------------------------------------------------------------

void throw_empty_handle() { throw std::logic_error("frond: an empty Task handle"); }

namespace {

void throw_if_forked(Home const& h) { h.check_not_forked("frond: this task belongs to the parent process"); }

[[gnu::noinline]] bool wait_remotely_for_end(TaskNode& n, Waiter& w, Clock::time_point deadline) {
    Home& h = *n.home;
    throw_if_forked(h);
    wait_remotely(h, w, deadline, [](RemoteWait& r, Guard& guard) noexcept {
        auto& t = *static_cast<TaskNode*>(const_cast<void*>(r.proxy.target));
        if (is_final(t.state.load(std::memory_order_relaxed))) {
            r.complete(WakeReason::done);
        } else {
            move_up(guard, t);
            r.proxy.enlist(t.waiters);
        }
    });
    throw_if_cut_short(w);
    return w.reason == WakeReason::done;
}

} // namespace

bool wait_for_end(TaskNode& n, Clock::time_point deadline, bool moves_up, EndWait how) {
    auto const has_ended = [&n] { return is_final(n.state.load(std::memory_order_acquire)); };
    if (has_ended()) return true;
    Waiter w{WaitKind::task, &n};
    w.shielded = how == EndWait::shielded;
    w.cancels = how == EndWait::cancelling;
    Home& h = *n.home;
    if (!h.is_reachable()) return wait_remotely_for_end(n, w, deadline);
    if (!h.is_here()) throw_if_forked(h);
    Fiber& f = Home::current().check_may_wait();
    {
        Guard guard{h};
        if (!wait_unless(has_ended, guard, f, w, n.waiters, h.current_fellow(), moves_up, deadline))
            return true;
    }
    throw_if_cut_short(w);
    return w.reason == WakeReason::done;
}

void run_to_end(TaskNode& n, bool moves_up) {
    try {
        wait_for_end(n, Clock::time_point::max(), moves_up);
    } catch (...) { // Cancelled, Deadlock
        request_cancel(n);
        wait_for_end(n, Clock::time_point::max(), moves_up, EndWait::shielded);
        throw;
    }
}

// --- cancellation -----------------------------------------------------------------------------------------

void request_cancel(TaskNode& n) noexcept {
    if (is_final(n.state.load(std::memory_order_acquire))) return;
    Home& h = *n.home;
    if (h.state.load(std::memory_order_acquire) == HomeState::forked) return;
    if (h.is_reachable()) {
        Guard guard{h};
        if (n.state.load(std::memory_order_relaxed) != TaskState::queued) guard.widen();
        if (!is_final(n.state.load(std::memory_order_relaxed))) cancel_task(guard, n);
        return;
    }
    // Should the home's thread compute, at least the token tells the task at once.
    if (n.is_marked(TaskNode::has_stop)) extras_if_any(n)->stop.request_stop();
    add_ref(n);
    bool const is_sent = send_to(h, [&n](Guard& guard) {
        if (!is_final(n.state.load(std::memory_order_relaxed))) cancel_task(guard, n);
        drop_ref_of_message(n);
    });
    if (!is_sent) drop_ref(n);
}

bool cancel_and_wait(TaskNode& n) {
    request_cancel(n);
    if (this_home && this_home->current_task() == &n) throw_cancelled(this_home->current_fiber());
    wait_for_end(n, Clock::time_point::max(), true, EndWait::cancelling);
    return n.state.load(std::memory_order_acquire) == TaskState::cancelled;
}

// --- results -----------------------------------------------------------------------------------------------

namespace {

void mark_seen(TaskNode& n) noexcept {
    if (n.home->state.load(std::memory_order_acquire) == HomeState::forked) return;
    if (n.home->is_reachable()) {
        Guard guard{*n.home};
        forget_error(guard, n);
        return;
    }
    // At once: a join that is called after us must not throw it, even if it runs before the message comes.
    n.marks.fetch_or(TaskNode::taken, std::memory_order_release);
    // The message needs the node: it carries a reference of its own.
    add_ref(n);
    bool const is_sent = send_to(*n.home, [&n](Guard& guard) {
        forget_error(guard, n);
        drop_ref_of_message(n);
    });
    if (!is_sent) drop_ref(n);
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

// --- the running task --------------------------------------------------------------------------------------

void sleep_until_deadline(Clock::time_point deadline) {
    Home& h = Home::current();
    h.check_may_wait();
    if (deadline <= Clock::now()) {
        h.yield();
        return;
    }
    Waiter w{WaitKind::sleep};
    h.park(w, deadline);
    throw_if_cut_short(w);
}

/// The reason is written under the guard of the task's group, and read there.
void throw_cancelled(Fiber& f) {
    Cancelled c;
    if (StopChain::of_running(f).fire()) {
        c.text = "deadline";
    } else if (f.task) {
        Guard const guard{*f.task->home};
        c.text = f.task->group->cancel_reason;
    }
    throw c; // NOLINT(cert-err09-cpp,cert-err61-cpp): a copy costs nothing that matters here
}

void throw_if_cut_short(Waiter const& w) {
    if (w.reason == WakeReason::stalled) throw_deadlock();
    if (w.reason == WakeReason::cancelled) throw_cancelled(*w.fiber);
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

std::stop_token stop_token() {
    auto* const t = detail::this_home ? detail::this_home->current_task() : nullptr;
    if (!t) return {};
    if (!t->is_marked(detail::TaskNode::has_stop)) {
        std::stop_source fresh;
        bool cancelled = false;
        {
            detail::Guard const guard{*t->home};
            auto& x = detail::extras_of(*t);
            x.stop = fresh;
            auto const before = t->marks.fetch_or(detail::TaskNode::has_stop, std::memory_order_acq_rel);
            cancelled = (before & detail::TaskNode::cancelled) != 0;
        }
        if (cancelled) fresh.request_stop();
    }
    return detail::extras_if_any(*t)->stop.get_token();
}

void check() {
    if (!detail::this_home) return;
    auto& f = detail::this_home->current_fiber();
    if (detail::must_stop_now(f)) detail::throw_cancelled(f);
}

std::optional<Clock::time_point> deadline() {
    if (!detail::this_home) return std::nullopt;
    auto const at = detail::StopChain::of_running(detail::this_home->current_fiber()).deadline();
    return at == Clock::time_point::max() ? std::nullopt : std::optional{at};
}

} // namespace frond::inline v0::this_task
