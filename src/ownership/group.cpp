#include <frond/group.hpp>
#include <frond/pool.hpp>

#include "admission/wait_graph.hpp"
#include "ownership/group_stop.hpp"
#include "ownership/lifecycle.hpp"
#include "scheduler/home.hpp"
#include "scheduler/remote.hpp"
#include "scheduler/stall.hpp"
#include "scheduler/stop_chain.hpp"

#include <atomic>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>

namespace frond::inline v0 {

namespace detail {

namespace {

std::uint64_t next_group_id() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

void unlink(GroupCore& g) noexcept {
    if (!g.listed) return;
    Home& h = *g.home;
    h.groups.erase(g);
    if (g.pool && !g.is_pool) g.pool->groups.erase(g);
    h.forget_object();
}

/// The group's own deadline has ended tasks, and no `join` has said so.
bool take_timeout(GroupCore& g, TaskError& unseen) noexcept {
    if (!std::exchange(g.timed_out, false)) return false;
    unseen.error = group_timeout();
    try {
        unseen.name = g.name.empty() ? "group" : "group '" + g.name + "'";
    } catch (...) {
        unseen.name.clear(); // for want of memory the report does without
    }
    return true;
}

/// Takes out what nobody has seen; describes the first of them. @return false: there is none
bool take_unseen(Guard& guard, GroupCore& g, TaskError& first) noexcept {
    forget_seen(guard, g);
    if (g.errors.empty()) {
        if (g.errors_dropped == 0) return take_timeout(g, first);
        first.name = "task";
        first.more = g.errors_dropped - 1;
        first.error =
            std::make_exception_ptr(std::runtime_error("one beyond the 64 errors that a group keeps"));
        return true;
    }
    TaskNode& t = *g.errors.head;
    first = describe_error(t, t.error);
    first.more = g.errors_kept - 1 + g.errors_dropped;
    while (g.errors.head) forget_error(guard, *g.errors.head);
    return true;
}

void begin_join(RemoteWait& r, Guard& guard) noexcept {
    auto& g = *static_cast<GroupCore*>(const_cast<void*>(r.proxy.target));
    if (!is_quiescent(g)) {
        r.proxy.enlist(g.joiners);
        return;
    }
    std::exception_ptr const error = next_error(guard, g);
    if (r.complete(WakeReason::done, error) && error) forget_next_error(guard, g);
}

/// The wait of a destructor, or of `cancel`, is no reader of errors.
void begin_blind_join(RemoteWait& r, Guard&) noexcept {
    auto& g = *static_cast<GroupCore*>(const_cast<void*>(r.proxy.target));
    r.proxy.blind = true;
    if (is_quiescent(g))
        r.complete(WakeReason::done);
    else
        r.proxy.enlist(g.joiners);
}

void begin_cancelling_join(RemoteWait& r, Guard& guard) noexcept {
    r.proxy.cancels = true;
    if (has_no_tasks(*static_cast<GroupCore const*>(r.proxy.target)))
        r.complete(WakeReason::done);
    else
        begin_blind_join(r, guard);
}

} // namespace

void wait_in_destructor(Home& h, Waiter& w, Waiter*& list, bool (*has_ended)(void const*),
                        void (*begin)(RemoteWait&, Guard&) noexcept,
                        void (*cancel)(Guard&, void const*) noexcept) noexcept {
    w.destructor = w.blind = true;
    auto const pass_on = [&] {
        if (w.reason != WakeReason::cancelled) return;
        StopChain::of_running(*w.fiber).cut_destructor();
        w.shielded = true;
        w.reason = WakeReason::none;
        call_on(h, [&](Guard& guard) { cancel(guard, w.target); });
    };
    auto const come = [&] { return has_ended(w.target) || (h.team && h.team->abandoned.load()); };
    if (!h.is_reachable()) {
        if (h.state.load(std::memory_order_acquire) == HomeState::ended || !thread_may_wait()) return;
        do {
            pass_on();
            wait_remotely(h, w, Clock::time_point::max(), begin);
        } while (w.reason == WakeReason::cancelled);
        if (w.reason == WakeReason::stalled) die_of_stall();
        return;
    }
    for (;;) {
        // A static object, destroyed when this thread has no fibers any more.
        bool const has_fibers = thread_may_wait();
        if (has_fibers) Home::current();
        pass_on();
        {
            Guard guard{h};
            if (w.kind == WaitKind::team_end) guard.widen();
            if (come()) return;
            if (has_fibers) {
                if (!this_home->may_wait()) {
                    guard.release();
                    std::fputs("frond: a group with live tasks is destroyed inside an I/O handler, which "
                               "cannot wait\n",
                               stderr);
                    std::terminate();
                }
                try {
                    wait_unless(come, guard, this_home->current_fiber(), w, list, h.current_fellow(), true);
                } catch (Deadlock const& e) {
                    std::fprintf(stderr, "%s", e.what());
                    std::terminate();
                }
                if (w.reason == WakeReason::stalled) die_of_stall();
                continue;
            }
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
}

} // namespace detail

using detail::Guard;
using detail::Home;
using detail::HomeState;
using detail::TaskNode;
using detail::Waiter;
using detail::WaitKind;
using detail::WakeReason;

Group::Group() { open({}, nullptr); }
Group::Group(Home& home, GroupOptions options) {
    core_.home = &home;
    open(std::move(options), nullptr);
}
Group::Group(GroupOptions options) { open(std::move(options), nullptr); }
Group::Group(GroupOptions options, detail::PoolCore* own_pool) {
    core_.is_pool = true;
    open(std::move(options), own_pool);
}
Group::Group(Pool& pool, GroupOptions options) : Group(&pool, std::move(options)) {}

Group::Group(Group const* like, GroupOptions options, detail::ResultBuffer* results) {
    if (like) {
        detail::check_open(like->core_);
        core_.home = like->core_.home;
    }
    core_.results = results;
    open(std::move(options), like ? like->core_.pool : nullptr);
}

void Group::open(GroupOptions&& options, detail::PoolCore* pool) {
    if (!core_.home) core_.home = &Home::current();
    Home& h = *core_.home;
    core_.on_error = options.on_error;
    core_.name = std::move(options.name);
    core_.id = detail::next_group_id();
    core_.uncaught_at_birth = std::uncaught_exceptions();
    core_.pool = pool;
    core_.shared = h.team != nullptr;
    if (auto const limit = detail::deadline_after(options.timeout);
        limit != Clock::time_point::max() || options.stop.stop_possible())
        core_.stop = new detail::GroupStop{core_, limit, std::move(options.stop)};
    if (TaskNode const* const me = h.current_fellow()) core_.parent_task = me->id;
    if (!core_.is_pool) enlist();
}

/// From here on others may find it: `dump`, and walks on other threads.
void Group::enlist() {
    Home& h = *core_.home;
    std::unique_ptr<detail::GroupStop> stop{std::exchange(core_.stop, nullptr)};
    detail::call_on(h, [&](Guard& guard) {
        if (stop) stop->arm(guard);
        h.groups.push_back(core_);
        if (core_.pool && !core_.is_pool) core_.pool->groups.push_back(core_);
        h.add_object();
        core_.listed = true;
    });
    if (!stop) return;
    core_.stop = stop.release();
    core_.stop->listen();
}

Group::~Group() {
    Home& h = *core_.home;
    if (h.state.load(std::memory_order_acquire) == HomeState::forked) return;
    if (std::uncaught_exceptions() > core_.uncaught_at_birth && !core_.is_pool) {
        detail::call_on(h, [this](Guard& guard) { detail::cancel_group(guard, core_, "unwinding"); });
    }
    wait_for_quiescence();
    if (core_.stop) {
        std::exchange(core_.stop, nullptr)->end();
        wait_for_quiescence(); // for the news of a token that has stopped in between
    }
    TaskError unseen;
    bool any = false;
    detail::call_on(h, [&](Guard& guard) {
        any = detail::take_unseen(guard, core_, unseen);
        detail::unlink(core_);
    });
    if (any) detail::report_unhandled(unseen);
    if (h.state.load(std::memory_order_acquire) == HomeState::ended) h.recycle_if_unused();
}

/// For the destructors of Group and Pool.
void Group::wait_for_quiescence() noexcept {
    // Whoever ends the last task may still be at it: the guard that comes next waits for that.
    if (core_.home->is_reachable() && detail::is_quiescent(core_)) return;
    Waiter w{WaitKind::group, &core_};
    detail::wait_in_destructor(
        *core_.home, w, core_.joiners,
        [](void const* g) { return detail::is_quiescent(*static_cast<detail::GroupCore const*>(g)); },
        &detail::begin_blind_join,
        [](Guard& guard, void const* target) noexcept {
            detail::cancel_group(guard, *static_cast<detail::GroupCore*>(const_cast<void*>(target)), {});
        });
}

void Group::join() { join_until_deadline(Clock::time_point::max()); }

bool Group::join_until_deadline(Clock::time_point deadline) {
    Home& h = *core_.home;
    h.check_not_forked("frond: this group belongs to the parent process");
    Waiter w{WaitKind::group, &core_};
    if (h.is_reachable()) {
        Home& here = Home::current();
        Guard guard{h};
        auto const has_ended = [&] {
            if (!detail::is_quiescent(core_)) return false;
            w.reason = WakeReason::done;
            w.error = detail::take_error(guard, core_);
            return true;
        };
        if (!has_ended()) {
            detail::Fiber& f = here.check_may_wait();
            detail::wait_unless(has_ended, guard, f, w, core_.joiners, h.current_fellow(), true, deadline);
        }
    } else {
        detail::wait_remotely(h, w, deadline, &detail::begin_join);
    }
    detail::throw_if_cut_short(w);
    if (w.reason != WakeReason::done) return false;
    if (w.error) std::rethrow_exception(std::move(w.error));
    return true;
}

/// A member reaches all others and waits for them; everybody else waits for quiescence.
std::size_t Group::cancel(std::string_view reason) {
    Home& h = *core_.home;
    h.check_not_forked("frond: this group belongs to the parent process");
    TaskNode* const me = h.current_fellow();
    TaskNode* const member = me && me->group == &core_ ? me : nullptr;
    auto const reached =
        detail::call_on(h, [&](Guard& guard) { return detail::cancel_group(guard, core_, reason, member); });
    Waiter w{member ? WaitKind::others : WaitKind::group, &core_};
    w.blind = w.cancels = true;
    if (h.is_reachable()) {
        auto const has_ended = [&] {
            if (!member) return detail::has_no_tasks(core_);
            return core_.size.get() == 1 && core_.incoming.load(std::memory_order_acquire) == 0;
        };
        Home& here = Home::current();
        Guard guard{h};
        if (!has_ended())
            detail::wait_unless(has_ended, guard, here.check_may_wait(), w,
                                member ? core_.cancellers : core_.joiners, me, true);
    } else {
        detail::wait_remotely(h, w, Clock::time_point::max(), &detail::begin_cancelling_join);
    }
    detail::throw_if_cut_short(w);
    return reached;
}

void Group::request_cancel(std::string_view reason) noexcept { detail::request_cancel(core_, reason); }

std::vector<TaskError> Group::errors() {
    return detail::call_on(*core_.home, [this](Guard& guard) { return detail::take_errors(guard, core_); });
}

std::size_t Group::size() const noexcept {
    return core_.size.get() + core_.incoming.load(std::memory_order_relaxed);
}
std::size_t Group::active() const noexcept { return core_.active.get(); }
std::size_t Group::pending() const noexcept {
    auto const all = size();
    auto const running = active();
    return all > running ? all - running : 0;
}

bool Group::from_inside() const noexcept {
    TaskNode const* const me = core_.pool ? core_.home->current_fellow() : nullptr;
    return me && me->group->pool == core_.pool;
}

} // namespace frond::inline v0
