#include "support/parallel_stops.hpp"

#include <frond/this_task.hpp>

#include <algorithm>
#include <exception>
#include <vector>

namespace frond::test {

namespace {

bool has_deadlines(std::vector<Step> const& steps) {
    return std::any_of(steps.begin(), steps.end(), [](Step const& s) {
        bool const is_one = s.kind == Step::Kind::with_timeout || s.kind == Step::Kind::move_on_after;
        return (is_one && s.limit != Limit::never) || has_deadlines(s.inner);
    });
}

bool is_cancelled() { return this_task::stop_token().stop_requested(); }

} // namespace

ParallelStops::ParallelStops(Program const& p, std::function<void(std::string)> complain)
    : program_{p}, complain_{std::move(complain)}, tasks_(p.tasks.size()), groups_(p.groups.size()) {
    for (std::uint32_t i = 0; i < p.tasks.size(); ++i) {
        auto const& spec = p.tasks[i];
        tasks_[i].has_deadlines =
            has_deadlines(spec.steps) ||
            (spec.around != Around::nothing && spec.around != Around::shield && spec.limit != Limit::never);
    }
}

/// The one who made its group cancels it when he dies of his own cancellation or deadline; who spawned it, if
/// he was to wait for it.
bool ParallelStops::may_be_cancelled(std::uint32_t task) const {
    if (task == 0) return false;
    auto const& spec = program_.tasks[task];
    auto const& group = groups_[spec.group];
    if (tasks_[task].touched || group.begun != group.forgiven) return true;
    auto const owner = program_.groups[spec.group].owner;
    if (tasks_[owner].has_deadlines || may_be_cancelled(owner)) return true;
    return spec.parent != owner && (tasks_[spec.parent].has_deadlines || may_be_cancelled(spec.parent));
}

// --- the task itself --------------------------------------------------------------------------------------

Verdict ParallelStops::cancellation_of(std::uint32_t me) {
    if (me == 0) return Verdict::no;
    auto& t = tasks_[me];
    if (!t.was_cancelled && !may_be_cancelled(me)) return Verdict::no;
    t.was_cancelled = t.was_cancelled || t.told || is_cancelled();
    return t.was_cancelled ? Verdict::yes : Verdict::maybe;
}

Verdict ParallelStops::former_cancellation_of(std::uint32_t me) {
    return tasks_[me].was_cancelled ? Verdict::yes : std::min(cancellation_of(me), Verdict::maybe);
}

Verdict ParallelStops::must_stop(std::uint32_t me) {
    return me == nobody ? Verdict::no
                        : tasks_[me].scopes.must_stop(std::uncaught_exceptions(), cancellation_of(me));
}

bool ParallelStops::is_own(std::uint32_t me, std::string_view reason, bool other_is_cancelled) {
    if (must_stop(me) == Verdict::no) return false;
    return reason == "deadline" || !other_is_cancelled || cancellation_of(me) == Verdict::yes;
}

void ParallelStops::cut_short(std::uint32_t me, std::string_view reason, bool long_ago) {
    bool const by_deadline = reason == "deadline";
    // It may have been cancelled since the deadline.
    auto known = cancellation_of(me);
    if (by_deadline) known = std::min(known, long_ago ? Verdict::no : Verdict::maybe);
    auto const complaint = tasks_[me].scopes.fire(std::uncaught_exceptions(), known, by_deadline);
    if (!by_deadline && me != 0) tasks_[me].was_cancelled = true;
    if (!complaint.empty()) complain("task " + std::to_string(me) + ": " + std::string{complaint});
}

void ParallelStops::enters(std::uint32_t me, StopScopes::Kind kind, Limit limit) {
    tasks_[me].scopes.enter(kind, limit, std::uncaught_exceptions());
}

Verdict ParallelStops::leaves(std::uint32_t me, StopScopes::Exit how) {
    return tasks_[me].scopes.leave(how, std::uncaught_exceptions(), former_cancellation_of(me));
}

void ParallelStops::passed_on(std::uint32_t me) {
    tasks_[me].scopes.passed_on(std::uncaught_exceptions(), former_cancellation_of(me));
}

void ParallelStops::waits_in_destructor(std::uint32_t me) {
    if (must_stop(me) == Verdict::no) return;
    tasks_[me].scopes.cut(std::uncaught_exceptions(), std::min(cancellation_of(me), Verdict::maybe),
                          Verdict::maybe);
}

void ParallelStops::check_token(std::uint32_t me) {
    if (me == 0) return;
    // It may be the last to learn of a cancellation, but never learns of one that was not.
    if (is_cancelled() && !may_be_cancelled(me))
        complain("task " + std::to_string(me) + ": is cancelled without a reason");
}

} // namespace frond::test
