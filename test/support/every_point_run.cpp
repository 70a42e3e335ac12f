#include "support/every_point_run.hpp"

#include "scheduler/guard.hpp"
#include "scheduler/team.hpp"
#include "support/gate.hpp"
#include "support/unhandled_errors.hpp"
#include "support/what_of.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>

#include <cstddef>
#include <cstdlib>
#include <iostream>
#include <sstream>

namespace frond::test {

using detail::Fiber;
using detail::FiberKind;
using detail::Guard;
using detail::Home;
using detail::TaskNode;

// --- the scene --------------------------------------------------------------------------------------------

void Scene::check_books_and_lives() {
    for (auto const& check : checks_)
        if (auto const text = check(); !text.empty()) complain(text);
    if (lives_.alive() != 0) complain(std::to_string(lives_.alive()) + " callables or results left alive");
}

void Scene::forget_things() {
    handles_.clear();
    checks_.clear();
    on_here_ = nullptr;
    pools_.clear();
    while (!things_.empty()) things_.pop_back();
}

char const* name_of(Stop how) {
    static constexpr char const* names[] = {
        "nothing",        "task",           "group",           "token",          "scope",
        "task_deadline",  "group_deadline", "suspended",       "resumed",        "task_and_wait",
        "group_and_wait", "task_from_afar", "group_from_afar", "task_by_itself", "group_by_itself"};
    return names[static_cast<std::size_t>(how)];
}

std::string describe(StoppedProgram const& p, Stop how, std::uint64_t point) {
    return p.name + ", stop " + name_of(how) + ", point " + std::to_string(point);
}

// --- what must be left ------------------------------------------------------------------------------------

namespace {

void check_fiber(Fiber const& f, TaskNode const* spared, std::string& complaints) {
    if (f.kind == FiberKind::main || (f.task && f.task == spared)) return;
    if (f.task || f.waiting || f.task_wait || f.assigned || f.scopes)
        complaints += std::string{"a leaked fiber: it "} + (f.task ? "runs a task" : "is not at rest") + "\n";
}

void check_groups_of(Home& h, std::string& complaints) {
    Guard const guard{h};
    for (detail::GroupCore const* g = h.groups.head; g; g = g->home_next) {
        if (!g->pool) continue;
        if (!g->live.empty() || g->size.get() != 0 || g->incoming != 0 || g->joiners || g->cancellers ||
            g->queued != 0 || g->waiting_members.get() != 0 || g->unboosted.get() != 0)
            complaints += "a group keeps something\n";
        if (g->cancelled && !g->expired && !g->stopped) complaints += "a group stays cancelled\n";
        if (detail::PoolCore const* const p = g->pool) {
            if (p->lent.get() != 0) complaints += "a slot stays lent\n";
            if (p->submitters || p->slot_watchers || p->enders) complaints += "somebody stands at a pool\n";
        }
    }
}

} // namespace

void check_home(Home& h, std::string& complaints, TaskNode const* spared) {
    Fiber const* const self = &h.current_fiber();
    for (Fiber const* f = h.fibers.head; f; f = f->all_next)
        if (f != self) check_fiber(*f, spared, complaints);
    if (self->scopes) complaints += "a deadline scope is left\n";
    if (!h.timers.empty()) complaints += std::to_string(h.timers.size()) + " timers are left\n";
    if (h.offloaded != 0) complaints += "offloaded calls are left\n";
}

void check_groups(std::string& complaints) {
    Home& here = Home::current();
    if (!here.team) return check_groups_of(here, complaints);
    for (Home* const h : here.team->homes) check_groups_of(*h, complaints);
}

// --- one run ----------------------------------------------------------------------------------------------

std::string Run::go(std::function<void()> const& begins, std::function<void()> const& ends) {
    UnhandledErrors const unhandled;
    auto const body = program_.set_up(scene_);
    {
        Group root{{.timeout = how_ == Stop::group_deadline ? limit_ : forever,
                    .stop = how_ == Stop::token ? source_.get_token() : std::stop_token{}}};
        if (how_ == Stop::group_deadline) expires_ = Clock::now() + limit_;
        root_ = &root;
        task_ = root.spawn({.timeout = how_ == Stop::task_deadline ? limit_ : forever},
                           scene_.job([this, &body] { perform(body); }));
        begins();
        is_set_up_.store(true, std::memory_order_release);
        join(root);
        ends();
        look_at_outcome();
        root.errors();
    }
    task_ = {};
    std::string left;
    check_groups(left);
    if (!left.empty()) scene_.complain(left);
    check_pools();
    scene_.check_books_and_lives();
    for (TaskError const& e : unhandled.seen()) expect_known(e.error, true);
    scene_.forget_things();
    return scene_.complaints();
}

void Run::request() noexcept {
    switch (how_) {
    case Stop::group:
    case Stop::group_and_wait:
    case Stop::group_from_afar:
    case Stop::group_by_itself:
        root_->request_cancel("stopped");
        break;
    case Stop::token:
        source_.request_stop();
        break;
    default:
        task_.request_cancel();
    }
}

void Run::cancel() {
    if (how_ == Stop::task_and_wait || how_ == Stop::task_by_itself) {
        if (task_.cancel() != (task_.state() == TaskState::cancelled))
            scene_.complain("cancel() does not tell how the task has ended");
        if (!task_.ready()) scene_.complain("cancel() did not wait for the task's end");
    } else {
        root_->cancel("stopped");
        if (how_ == Stop::group_and_wait && !root_->empty())
            scene_.complain("cancel() did not wait for the group's end");
    }
}

void Run::await_deadline() const noexcept {
    while (Clock::now() <= expires_.load()) {
    }
}

void Run::perform(std::function<void()> const& body) {
    yield_until([this] { return is_set_up_.load(std::memory_order_acquire); });
    if (how_ == Stop::scope) {
        try {
            with_timeout(limit_, [&] {
                expires_ = this_task::deadline().value();
                body();
            });
        } catch (TimedOut const&) {
            if (Clock::now() < expires_.load()) scene_.complain("TimedOut before the time");
            timed_out_ = true;
        }
    } else {
        if (how_ == Stop::task_deadline) expires_ = this_task::deadline().value();
        body();
    }
}

void Run::join(Group& root) {
    try {
        bool const may_need_help = program_.length == StoppedProgram::Length::endless ||
                                   (is_of_one_task(how_) && program_.length != StoppedProgram::Length::ends);
        if (patience_ != forever && may_need_help && !root.join_for(patience_)) {
            had_enough_ = true;
            root.request_cancel("enough");
        }
        root.join();
    } catch (Deadlock const& e) {
        std::cerr << program_.name << ", stop " << name_of(how_) << ": a wait that nobody ends: " << e.what()
                  << std::endl;
        std::abort(); // destructors would wait for the same
    } catch (...) {
        expect_known(std::current_exception());
    }
    if (!root.empty()) scene_.complain("join() left tasks behind");
}

void Run::expect_known(std::exception_ptr const& error, bool may_be_late) {
    try {
        std::rethrow_exception(error);
    } catch (ProgramError const&) {
    } catch (TimedOut const& e) {
        if (!may_be_late && how_ != Stop::task_deadline && how_ != Stop::group_deadline)
            scene_.complain(e.what());
    } catch (Cancelled const&) {
        scene_.complain("Cancelled taken for an error");
    } catch (...) {
        scene_.complain("an error of its own making: " + what_of(error));
    }
}

void Run::look_at_outcome() {
    auto const state = task_.state();
    if (had_enough_) return;
    bool const cancels = how_ != Stop::nothing && !has_deadline(how_);
    if (state == TaskState::cancelled && !cancels && how_ != Stop::group_deadline)
        scene_.complain("the program's task ends cancelled");
    if (program_.length == StoppedProgram::Length::endless && state == TaskState::done && !timed_out_ &&
        !is_of_one_task(how_))
        scene_.complain("the program ends although nothing but a stop could end it");
    if (how_ == Stop::nothing && state != TaskState::done) scene_.complain("it does not even run");
    if (state == TaskState::failed) expect_known(task_.error());
}

void Run::check_pools() {
    for (Pool* const p : scene_.pools()) {
        auto const s = p->stats();
        if (s.active + s.pending + s.live + s.overdraft + p->size() != 0 || p->free_count() != s.limit) {
            std::ostringstream text;
            text << "a pool keeps " << s.active << " slots (" << p->free_count() << " free of " << s.limit
                 << "), " << s.pending << " queued, " << s.live << " live";
            scene_.complain(text.str());
            continue;
        }
        try {
            std::atomic<std::size_t> ran{0};
            Group g{*p};
            for (std::size_t i = 0; i <= s.limit; ++i) g.spawn([&ran] { ++ran; });
            g.join();
            if (ran != s.limit + 1) scene_.complain("a pool is good for nothing any more");
        } catch (Closed const&) {
            continue; // the program did that
        }
    }
}

} // namespace frond::test
