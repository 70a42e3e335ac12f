#include "support/model_program.hpp"

#include <ostream>
#include <vector>

namespace frond::test {

namespace {

char const* name_of(Step::Kind k) {
    switch (k) {
    case Step::Kind::spawn:
        return "spawn";
    case Step::Kind::try_spawn:
        return "try_spawn";
    case Step::Kind::spawn_wait:
        return "spawn_wait";
    case Step::Kind::run:
        return "run";
    case Step::Kind::get:
        return "get";
    case Step::Kind::take:
        return "take";
    case Step::Kind::wait:
        return "wait";
    case Step::Kind::wait_briefly:
        return "wait_briefly";
    case Step::Kind::error:
        return "error";
    case Step::Kind::join:
        return "join group";
    case Step::Kind::errors:
        return "errors of group";
    case Step::Kind::loan:
        return "loan";
    case Step::Kind::yield:
        return "yield";
    case Step::Kind::nap:
        return "nap";
    case Step::Kind::check:
        return "check";
    case Step::Kind::cancel_task:
        return "cancel";
    case Step::Kind::request_cancel_task:
        return "request_cancel";
    case Step::Kind::cancel_group:
        return "cancel group";
    case Step::Kind::request_cancel_group:
        return "request_cancel group";
    case Step::Kind::stop_group:
        return "stop group";
    case Step::Kind::with_timeout:
        return "with_timeout";
    case Step::Kind::move_on_after:
        return "move_on_after";
    case Step::Kind::shield:
        return "shield";
    case Step::Kind::clean_up:
        return "clean_up";
    case Step::Kind::rescue:
        return "rescue";
    }
    return "?";
}

char const* name_of(Limit l) { return l == Limit::at_once ? "at once" : l == Limit::soon ? "soon" : "never"; }

char const* name_of(Around a) {
    switch (a) {
    case Around::nothing:
        return "";
    case Around::time_limit:
        return " a time limit";
    case Around::deadline:
        return " a deadline";
    case Around::shield:
        return " a shield";
    }
    return "?";
}

void print(std::ostream& out, std::vector<Step> const& steps) {
    for (auto const& s : steps) {
        out << ' ' << name_of(s.kind) << ' ';
        if (s.inner.empty()) {
            out << s.index << ';';
            continue;
        }
        out << name_of(s.limit) << " {";
        print(out, s.inner);
        out << " }";
    }
}

} // namespace

std::ostream& operator<<(std::ostream& out, Program const& p) {
    out << "seed " << p.seed << ", " << p.extra_waiters << " extra waiters\n";
    for (std::size_t i = 0; i < p.pools.size(); ++i)
        out << "pool " << i << ": limit " << p.pools[i].limit
            << (p.pools[i].order == Order::newest ? ", newest first" : "") << '\n';
    for (std::size_t i = 0; i < p.groups.size(); ++i) {
        out << "group " << i << ": of task " << p.groups[i].owner;
        if (p.groups[i].pool != no_pool) out << ", in pool " << p.groups[i].pool;
        out << (p.groups[i].on_error == OnError::cancel   ? ", cancels"
                : p.groups[i].on_error == OnError::report ? ", reports"
                                                          : "")
            << '\n';
    }
    for (std::size_t i = 0; i < p.tasks.size(); ++i) {
        auto const& t = p.tasks[i];
        out << "task " << i << " in group " << t.group << ", child of " << t.parent << ':';
        print(out, t.steps);
        out << (t.ending == Ending::value ? " value" : " throws") << (t.propagates ? ", propagates" : "")
            << (t.swallows ? ", swallows" : "");
        if (t.around != Around::nothing) out << ", within" << name_of(t.around) << ' ' << name_of(t.limit);
        out << '\n';
    }
    return out;
}

} // namespace frond::test
