#include <frond/group.hpp>
#include <frond/pool.hpp>

#include "admission/wait_graph.hpp"
#include "ownership/lifecycle.hpp"
#include "scheduler/home.hpp"
#include "scheduler/remote.hpp"
#include "scheduler/stall.hpp"

#include <atomic>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <utility>

namespace frond::inline v0 {

namespace detail {

namespace {

std::uint64_t next_group_id() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

/// On the home's thread, or under the lock of an ended home.
void unlink(GroupCore& g) noexcept {
    Home& h = *g.home;
    h.groups.erase(g);
    if (g.pool && !g.is_pool) g.pool->groups.erase(g);
    h.forget_object();
}

/// Takes out what nobody has seen; describes the first of them. @return false: there is none
bool take_unseen(GroupCore& g, TaskError& first) noexcept {
    if (g.errors.empty()) {
        if (g.errors_dropped == 0) return false;
        first.name = "task";
        first.more = g.errors_dropped - 1;
        first.error =
            std::make_exception_ptr(std::runtime_error("one beyond the 64 errors that a group keeps"));
        return true;
    }
    TaskNode& t = *g.errors.head;
    first.error = t.error;
    first.id = t.id;
    first.spawned_at = t.site;
    first.more = g.errors_kept - 1 + g.errors_dropped;
    try {
        first.name = name_of(t);
    } catch (...) {
        first.name.clear(); // for want of memory the report does without
    }
    while (g.errors.head) forget_error(*g.errors.head);
    return true;
}

void begin_join(RemoteWait& r, Home&) noexcept {
    auto& g = *static_cast<GroupCore*>(const_cast<void*>(r.proxy.target));
    if (!is_quiescent(g)) {
        r.proxy.enlist(g.joiners);
        return;
    }
    TaskNode* const e = first_error(g);
    if (r.complete(WakeReason::done, e ? e->error : nullptr) && e) forget_error(*e);
}

/// A destructor's wait is no reader of errors.
void begin_last_join(RemoteWait& r, Home&) noexcept {
    auto& g = *static_cast<GroupCore*>(const_cast<void*>(r.proxy.target));
    r.proxy.destructor = true;
    if (is_quiescent(g))
        r.complete(WakeReason::done);
    else
        r.proxy.enlist(g.joiners);
}

} // namespace

} // namespace detail

using detail::Home;
using detail::HomeState;
using detail::TaskNode;
using detail::Waiter;
using detail::WaitKind;
using detail::WakeReason;

Group::Group() { open({}, nullptr); }
Group::Group(GroupOptions options) { open(std::move(options), nullptr); }
Group::Group(GroupOptions options, detail::PoolCore* own_pool) {
    core_.is_pool = true;
    open(std::move(options), own_pool);
}
Group::Group(Pool& pool, GroupOptions options) {
    auto const& other = static_cast<Group&>(pool).core_;
    detail::check_open(other);
    core_.home = other.home;
    open(std::move(options), other.pool);
}

void Group::open(GroupOptions&& options, detail::PoolCore* pool) {
    if (!core_.home) core_.home = &Home::current();
    Home& h = *core_.home;
    core_.on_error = options.on_error;
    core_.name = std::move(options.name);
    core_.id = detail::next_group_id();
    core_.uncaught_at_birth = std::uncaught_exceptions();
    core_.pool = pool;
    detail::call_on(h, [&] {
        if (h.is_here() && h.current_task()) core_.parent_task = h.current_task()->id;
        h.groups.push_back(core_);
        if (pool && !core_.is_pool) pool->groups.push_back(core_);
        ++h.objects;
    });
}

Group::~Group() {
    Home& h = *core_.home;
    if (h.state.load(std::memory_order_acquire) == HomeState::forked) return;
    if (std::uncaught_exceptions() > core_.uncaught_at_birth && !core_.is_pool) {
        detail::call_on(h, [this] {
            if (detail::is_quiescent(core_)) return;
            core_.dropping = true;
            detail::drop_backlog(core_);
        });
    }
    wait_for_quiescence();
    TaskError unseen;
    bool any = false;
    detail::call_on(h, [&] {
        any = detail::take_unseen(core_, unseen);
        detail::unlink(core_);
    });
    if (any) detail::report_unhandled(unseen);
    if (h.state.load(std::memory_order_acquire) == HomeState::ended) h.recycle_if_unused();
}

/// For the destructors of Group and Pool.
void Group::wait_for_quiescence() noexcept {
    Home& h = *core_.home;
    Waiter w{WaitKind::group, &core_};
    w.destructor = true;
    if (!h.is_here()) {
        if (h.state.load(std::memory_order_acquire) == HomeState::ended || !detail::thread_may_wait()) return;
        detail::wait_remotely(h, w, Clock::time_point::max(), &detail::begin_last_join);
        if (w.reason == WakeReason::stalled) detail::die_of_stall();
        return;
    }
    while (!detail::is_quiescent(core_)) {
        if (!h.may_wait()) {
            std::fputs(
                "frond: a group with live tasks is destroyed inside an I/O handler, which cannot wait\n",
                stderr);
            std::terminate();
        }
        TaskNode* const me = h.current_task();
        detail::prepare_wait(h, w, me, true);
        detail::wait_for_tasks(h, w, core_.joiners, me);
        if (w.reason == WakeReason::stalled) detail::die_of_stall();
    }
}

void Group::join() { join_until_deadline(Clock::time_point::max()); }

bool Group::join_until_deadline(Clock::time_point deadline) {
    Home& h = *core_.home;
    auto const state = h.state.load(std::memory_order_acquire);
    if (state == HomeState::forked) throw std::logic_error("frond: this group belongs to the parent process");
    Waiter w{WaitKind::group, &core_};
    if (!h.is_here()) {
        detail::wait_remotely(h, w, deadline, &detail::begin_join);
    } else if (detail::is_quiescent(core_)) {
        w.reason = WakeReason::done;
        w.error = detail::take_error(core_);
    } else {
        h.check_may_wait();
        TaskNode* const me = h.current_task();
        detail::prepare_wait(h, w, me, true);
        detail::wait_for_tasks(h, w, core_.joiners, me, deadline);
    }
    if (w.reason == WakeReason::stalled) detail::throw_deadlock();
    if (w.reason != WakeReason::done) return false;
    if (w.error) std::rethrow_exception(std::move(w.error));
    return true;
}

std::vector<TaskError> Group::errors() {
    return detail::call_on(*core_.home, [this] { return detail::take_errors(core_); });
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
    if (!core_.home->is_here() || !core_.pool) return false;
    TaskNode const* const me = core_.home->current_task();
    return me && me->group->pool == core_.pool;
}

} // namespace frond::inline v0
