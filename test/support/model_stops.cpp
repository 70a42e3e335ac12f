#include "support/model_wait.hpp"

#include <frond/this_task.hpp>

#include <algorithm>
#include <exception>
#include <string>

namespace frond::test {

// --- waits ------------------------------------------------------------------------------------------------

Oracle::Wait::Wait(Oracle& oracle, std::uint32_t me, For what, std::uint32_t index, bool doubtful)
    : oracle_{oracle}, me_{me}, what_{what}, index_{index}, uncaught_{std::uncaught_exceptions()} {
    oracle.waits_.push_back(this);
    auto& t = oracle.tasks_[me];
    t.wait = this;
    came_ = has_come_by_now();
    if (came_) return;
    auto stop = oracle.must_stop(me);
    if (doubtful) stop = std::min(stop, Verdict::maybe);
    cut_ = stop == Verdict::yes;
    may_be_cut_ = stop != Verdict::no;
    if (may_be_cut_) {
        ++oracle.cut_waits_;
        if (what == For::destructor) t.scopes.cut(uncaught_, t.cancelled ? Verdict::yes : Verdict::no, stop);
        pass_on(stop);
    }
    if (!cut_ && t.may_be_cancelled) interrupt(Verdict::maybe);
}

Oracle::Wait::~Wait() {
    std::erase(oracle_.waits_, this);
    oracle_.tasks_[me_].wait = nullptr;
}

bool Oracle::Wait::is_for_task(std::uint32_t task) const {
    return index_ == task && (what_ == For::task || what_ == For::task_briefly || what_ == For::run);
}

bool Oracle::Wait::is_for_group(std::uint32_t group) const {
    return index_ == group && (what_ == For::group || what_ == For::others || what_ == For::destructor);
}

bool Oracle::Wait::has_come_by_now() const {
    switch (what_) {
    case For::task:
    case For::task_briefly:
    case For::run:
        return oracle_.has_ended(index_);
    case For::group:
    case For::destructor:
        return oracle_.groups_[index_].size == 0;
    case For::others:
        return oracle_.groups_[index_].size <= 1;
    case For::admission:
    case For::time:
        return false;
    }
    return false;
}

void Oracle::Wait::interrupt(Verdict certainty) {
    if (came_ || cut_) return;
    auto stop = std::min(certainty, oracle_.tasks_[me_].scopes.must_stop(uncaught_, Verdict::yes));
    if (is_vague()) stop = std::min(stop, Verdict::maybe);
    if (stop == Verdict::no || (stop == Verdict::maybe && may_be_cut_)) return;
    cut_ = stop == Verdict::yes;
    may_be_cut_ = true;
    ++oracle_.cut_waits_;
    pass_on(Verdict::maybe); // it runs later
}

void Oracle::Wait::pass_on(Verdict certainty) {
    if (what_ == For::run || what_ == For::admission) oracle_.cancel_task(index_, certainty);
    if (what_ == For::destructor) oracle_.cancel_group(index_, 0, certainty);
}

void Oracle::Wait::returned() {
    if (what_ == For::destructor) return;
    if (cut_)
        oracle_.complain("task " + std::to_string(me_) + ": a wait returns although it was cut short");
    else if (!came_ && !is_vague())
        oracle_.complain("task " + std::to_string(me_) + ": a wait returns before its time");
}

void Oracle::Wait::threw(std::string_view reason) {
    if (!may_throw())
        oracle_.complain("task " + std::to_string(me_) + ": a wait is cut short without a reason");
    oracle_.cut_short(me_, reason, what_ == For::run);
}

void Oracle::task_has_come(std::uint32_t task) {
    for (auto* const w : waits_)
        if (!w->cut_ && w->is_for_task(task)) w->came_ = true;
}

void Oracle::group_has_come(std::uint32_t group) {
    for (auto* const w : waits_)
        if (!w->cut_ && w->is_for_group(group) && w->has_come_by_now()) w->came_ = true;
}

// --- cancellation -----------------------------------------------------------------------------------------

void Oracle::cancel_task(std::uint32_t task, Verdict certainty) {
    auto& t = tasks_[task];
    if (t.phase != Phase::queued && t.phase != Phase::running) return;
    (certainty == Verdict::yes ? t.cancelled : t.may_be_cancelled) = true;
    if (t.wait) t.wait->interrupt(certainty);
}

std::size_t Oracle::cancel_group(std::uint32_t group, std::uint32_t spared, Verdict certainty) {
    auto& g = groups_[group];
    if (g.size == 0) return 0;
    (certainty == Verdict::yes ? g.dropping : g.may_drop) = true;
    std::size_t reached = 0;
    for (std::uint32_t i = 1; i < tasks_.size(); ++i) {
        auto const phase = tasks_[i].phase;
        if (i == spared || program_.tasks[i].group != group) continue;
        if (phase != Phase::queued && phase != Phase::running) continue;
        ++reached;
        cancel_task(i, certainty);
    }
    return reached;
}

void Oracle::stop_group(std::uint32_t group) {
    cancel_group(group);
    groups_[group].stopped = groups_[group].dropping = true;
}

bool Oracle::has_queued(std::uint32_t group) const {
    for (std::uint32_t i = 1; i < tasks_.size(); ++i)
        if (program_.tasks[i].group == group && tasks_[i].phase == Phase::queued) return true;
    return false;
}

// --- the running task -------------------------------------------------------------------------------------

void Oracle::settle(std::uint32_t me) {
    auto& t = tasks_[me];
    if (t.may_be_cancelled && !t.cancelled) t.cancelled = this_task::stop_token().stop_requested();
}

bool Oracle::is_cancelled(std::uint32_t me) {
    settle(me);
    return tasks_[me].cancelled;
}

Verdict Oracle::must_stop(std::uint32_t me) {
    return tasks_[me].scopes.must_stop(std::uncaught_exceptions(),
                                       is_cancelled(me) ? Verdict::yes : Verdict::no);
}

void Oracle::cut_short(std::uint32_t me, std::string_view reason, bool long_ago) {
    bool const by_deadline = reason == "deadline";
    auto const known = is_cancelled(me) && !(long_ago && by_deadline) ? Verdict::yes : Verdict::no;
    auto const complaint = tasks_[me].scopes.fire(std::uncaught_exceptions(), known, by_deadline);
    if (!complaint.empty()) complain("task " + std::to_string(me) + ": " + std::string{complaint});
}

void Oracle::enters(std::uint32_t me, StopScopes::Kind kind, Limit limit) {
    tasks_[me].scopes.enter(kind, limit, std::uncaught_exceptions());
}

Verdict Oracle::leaves(std::uint32_t me, StopScopes::Exit how) {
    auto const known = is_cancelled(me) ? Verdict::yes : Verdict::no;
    return tasks_[me].scopes.leave(how, std::uncaught_exceptions(), known);
}

void Oracle::passed_on(std::uint32_t me) {
    auto const known = is_cancelled(me) ? Verdict::yes : Verdict::no;
    tasks_[me].scopes.passed_on(std::uncaught_exceptions(), known);
}

void Oracle::timed_out(std::uint32_t me) {
    tasks_[me].timed_out = true;
    failed(me, nullptr);
}

} // namespace frond::test
