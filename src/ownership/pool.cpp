#include <frond/pool.hpp>

#include "admission/slots.hpp"
#include "admission/wait_graph.hpp"
#include "ownership/lifecycle.hpp"
#include "scheduler/home.hpp"
#include "scheduler/remote.hpp"
#include "scheduler/stall.hpp"
#include "scheduler/stop_chain.hpp"

#include <stdexcept>
#include <utility>

namespace frond::inline v0 {

using detail::GroupCore;
using detail::Guard;
using detail::Home;
using detail::HomeState;
using detail::PoolCore;
using detail::RemoteWait;
using detail::TaskNode;
using detail::Waiter;
using detail::WaitKind;
using detail::WakeReason;

namespace {

PoolCore& pool_of(RemoteWait& r) noexcept {
    return *static_cast<PoolCore*>(const_cast<void*>(r.proxy.target));
}

GroupOptions named_after_pool(PoolOptions& o) {
    if (o.group.name.empty()) o.group.name = o.name;
    return std::move(o.group);
}

/// A spawner that waits for a slot learns that there will be none, and its task dies unstarted. The spawner
/// looks at the task's state when it is told, which is when that has ended.
void drop_awaited_admissions(Guard& guard, PoolCore& p, GroupCore& g) noexcept {
    for (TaskNode* t = g.live.head; t; t = t->live_next) {
        bool awaited = false;
        detail::any_waiter(t->waiters, [&](Waiter& w) {
            if (w.kind != WaitKind::admission || !t->in_pool_queue) return false;
            w.refused = awaited = true;
            return false;
        });
        if (!awaited) continue;
        detail::dequeue(p, *t);
        guard.drop_unstarted(*t);
    }
}

std::size_t cancel_members(Guard& guard, PoolCore& p) noexcept {
    guard.widen();
    auto reached = detail::cancel_group(guard, *p.own, "shutdown");
    for (GroupCore* g = p.groups.head; g; g = g->pool_next)
        reached += detail::cancel_group(guard, *g, "shutdown");
    return reached;
}

void begin_last_wait(RemoteWait& r, Guard&) noexcept {
    if (pool_of(r).live.get() == 0)
        r.complete(WakeReason::done);
    else
        r.proxy.enlist(pool_of(r).enders);
}

void turn_submitters_away(Guard& guard, PoolCore& p) noexcept {
    while (p.submitters) detail::notify(guard, *p.submitters, WakeReason::closed);
}

} // namespace

Pool::Pool(PoolOptions options) : Group(named_after_pool(options), &pool_) {
    pool_.own = &core_;
    pool_.limit.set(detail::checked_count(options.limit, "frond: PoolOptions::limit must be positive"));
    pool_.max_pending =
        detail::checked_count(options.max_pending, "frond: PoolOptions::max_pending must be positive");
    pool_.task_timeout = options.task_timeout;
    pool_.order = options.order;
    if (options.order != Order::priority) pool_.queues.try_emplace(0);
    enlist();
}

/// Members may go on spawning into it until the last one has ended: nested work is finished, not lost.
Pool::~Pool() {
    Home& h = *core_.home;
    if (h.state.load(std::memory_order_acquire) == HomeState::forked) return;
    bool const unwinding = std::uncaught_exceptions() > core_.uncaught_at_birth;
    detail::call_on(h, [this, unwinding](Guard& guard) {
        pool_.closed_to_outsiders = true;
        turn_submitters_away(guard, pool_);
        if (unwinding) detail::cancel_group(guard, core_, "unwinding");
    });
    wait_for_last_member();
    detail::call_on(h, [this](Guard& guard) {
        while (GroupCore* const g = pool_.groups.pop_front()) {
            g->closed.store(true, std::memory_order_relaxed);
            g->pool = nullptr;
        }
        while (pool_.slot_watchers) detail::notify(guard, *pool_.slot_watchers, WakeReason::closed);
        core_.pool = nullptr;
    });
}

void Pool::wait_for_last_member() noexcept {
    wait_for_quiescence(); // also for what is on its way from other threads
    Waiter w{WaitKind::pool_end, &pool_};
    detail::wait_in_destructor(
        *core_.home, w, pool_.enders,
        [](void const* p) { return static_cast<PoolCore const*>(p)->live.get() == 0; }, &begin_last_wait,
        [](Guard& guard, void const* p) noexcept {
            cancel_members(guard, *static_cast<PoolCore*>(const_cast<void*>(p)));
        });
}

bool Pool::wait_for_last_member(Clock::time_point deadline) {
    Home& h = *core_.home;
    Waiter w{WaitKind::pool_end, &pool_};
    if (h.is_reachable()) {
        auto const has_ended = [this] { return pool_.live.get() == 0; };
        Home& here = Home::current();
        Guard guard{h};
        if (!detail::wait_unless(has_ended, guard, here.check_may_wait(), w, pool_.enders, h.current_fellow(),
                                 true, deadline))
            return true;
    } else {
        detail::wait_remotely(h, w, deadline, &begin_last_wait);
    }
    detail::throw_if_cut_short(w);
    return w.reason == WakeReason::done;
}

bool Pool::shutdown_until(Clock::time_point grace) {
    close();
    if (wait_for_last_member(grace)) return true;
    bool const reached =
        detail::call_on(*core_.home, [this](Guard& guard) { return cancel_members(guard, pool_) != 0; });
    wait_for_last_member(Clock::time_point::max());
    return !reached;
}

std::size_t Pool::limit() const noexcept { return pool_.limit.get(); }

std::size_t Pool::free_count() const noexcept {
    auto const limit = pool_.limit.get();
    auto const active = pool_.active.get();
    return active < limit ? limit - active : 0;
}

void Pool::set_limit(std::size_t limit) {
    detail::call_on(*core_.home, [this, limit](Guard& guard) {
        if (pool_.submitters || pool_.held > 0) guard.widen();
        pool_.limit.set(limit);
        detail::pump(guard, pool_);
    });
}

void Pool::close() {
    detail::call_on(*core_.home, [this](Guard& guard) {
        core_.closed.store(true, std::memory_order_relaxed);
        for (GroupCore* g = pool_.groups.head; g; g = g->pool_next)
            g->closed.store(true, std::memory_order_relaxed);
        turn_submitters_away(guard, pool_);
        drop_awaited_admissions(guard, pool_, core_);
        for (GroupCore* g = pool_.groups.head; g; g = g->pool_next) drop_awaited_admissions(guard, pool_, *g);
    });
}

bool Pool::wait_available_until(Clock::time_point deadline) {
    Home& h = *core_.home;
    Waiter w{WaitKind::slot, &pool_};
    if (!h.is_reachable()) {
        detail::wait_remotely(h, w, deadline, [](RemoteWait& r, Guard&) noexcept {
            if (detail::has_free_slot(pool_of(r)))
                r.complete(WakeReason::done);
            else
                r.proxy.enlist(pool_of(r).slot_watchers);
        });
    } else {
        Home& here = Home::current();
        Guard guard{h};
        if (detail::has_free_slot(pool_)) return true;
        if (here.prepare(w, here.check_may_wait(), deadline))
            detail::stand_in(pool_.slot_watchers, guard, here, w);
    }
    detail::throw_if_cut_short(w);
    if (w.reason == WakeReason::closed) throw Closed("frond: the pool has ended");
    return w.reason == WakeReason::done;
}

SlotLoan Pool::release_slot() {
    TaskNode* const me = core_.home->current_fellow();
    if (!me || me->group->pool != &pool_)
        throw std::logic_error("frond: release_slot outside a task of the pool");
    {
        Guard guard{*core_.home};
        if (!me->has_slot) throw std::logic_error("frond: release_slot of a slot that was released before");
        if (pool_.submitters || pool_.held > 0) guard.widen();
        detail::give_slot_back(guard, *me);
    }
    detail::add_ref(*me);
    return SlotLoan{me};
}

SlotLoan& SlotLoan::operator=(SlotLoan&& other) noexcept {
    if (this != &other) {
        end();
        task_ = std::exchange(other.task_, nullptr);
    }
    return *this;
}

void SlotLoan::end() noexcept {
    TaskNode* const t = std::exchange(task_, nullptr);
    if (!t) return;
    if (t->home->is_reachable()) {
        Guard const guard{*t->home};
        if (!detail::is_final(t->state.load(std::memory_order_relaxed))) detail::take_slot_again(*t);
    }
    detail::drop_ref(*t);
}

PoolStats Pool::stats() const {
    auto const limit = pool_.limit.get();
    auto const active = pool_.active.get();
    return {.limit = limit,
            .active = active,
            .pending = pool_.queued.get(),
            .live = pool_.live.get(),
            .active_peak = pool_.active_peak.get(),
            .pending_peak = pool_.pending_peak.get(),
            .admitted = pool_.admitted.get(),
            .completed = pool_.completed.get(),
            .overdraft = active > limit ? active - limit : 0,
            .overdraft_peak = pool_.overdraft_peak.get()};
}

} // namespace frond::inline v0
