#include "support/model_scopes.hpp"

#include <algorithm>

namespace frond::test {

Verdict StopScopes::must_stop(int uncaught, Verdict cancelled) const {
    auto v = Verdict::no;
    for (auto s = scopes_.rbegin(); s != scopes_.rend(); ++s) {
        if (uncaught > s->uncaught) return v;
        if (s->kind == Kind::shield) {
            if (s->limit == Limit::never) return v;
            // A brief one protects for a while, or no more.
            if (s->limit == Limit::soon) {
                StopScopes outside;
                outside.scopes_.assign(scopes_.begin(), s.base() - 1);
                return std::max(v, std::min(Verdict::maybe, outside.must_stop(uncaught, cancelled)));
            }
        } else if (s->limit == Limit::at_once) {
            v = Verdict::yes;
        } else if (s->limit == Limit::soon) {
            v = std::max(v, Verdict::maybe);
        }
    }
    return uncaught == 0 ? std::max(v, cancelled) : v;
}

bool StopScopes::heeds_cancellation(int uncaught) const {
    return uncaught == 0 && std::none_of(scopes_.begin(), scopes_.end(), [&](Scope const& s) {
               return s.kind == Kind::shield && s.limit != Limit::at_once;
           });
}

/// Those that may have expired and are not held off, the innermost first; up to the outermost that certainly
/// has, and then what may be outside of that.
std::vector<StopScopes::Scope*> StopScopes::expired(int uncaught) {
    std::vector<Scope*> found;
    bool certain = true;
    for (auto s = scopes_.rbegin(); s != scopes_.rend(); ++s) {
        if (uncaught > s->uncaught) break;
        if (s->kind == Kind::shield) {
            if (s->limit == Limit::never) break;
            if (s->limit == Limit::soon) certain = false;
        } else if (s->limit != Limit::never) {
            if (s->limit == Limit::at_once && certain) found.clear();
            found.push_back(&*s);
        }
    }
    return found;
}

void StopScopes::blame(std::vector<Scope*> const& scopes, Verdict Scope::* what, Verdict cancelled) {
    bool const certain = scopes.size() == 1 && cancelled == Verdict::no;
    for (auto* const s : scopes) s->*what = std::max(s->*what, certain ? Verdict::yes : Verdict::maybe);
}

std::string_view StopScopes::fire(int uncaught, Verdict cancelled, bool by_deadline) {
    auto const candidates = expired(uncaught);
    if (!by_deadline) {
        if (cancelled == Verdict::no) return "cut short by nothing that is known";
        return {};
    }
    if (candidates.empty()) return "cut short by a deadline that is not there";
    if (cancelled == Verdict::yes && heeds_cancellation(uncaught))
        return "cut short by a deadline although it was cancelled";
    blame(candidates, &Scope::fired, Verdict::no);
    if (candidates.size() == 1) candidates[0]->limit = Limit::at_once; // time does not run backwards
    return {};
}

void StopScopes::cut(int uncaught, Verdict cancelled, Verdict certainty) {
    if (cancelled == Verdict::yes && heeds_cancellation(uncaught)) return;
    bool const doubtful = certainty != Verdict::yes || (cancelled != Verdict::no && uncaught == 0);
    auto const doubt = doubtful ? Verdict::maybe : Verdict::no;
    blame(expired(uncaught), &Scope::fired, doubt);
    blame(expired(uncaught), &Scope::cut, doubt);
}

Verdict StopScopes::leave(Exit how, int uncaught, Verdict cancelled) {
    auto const s = scopes_.back();
    scopes_.pop_back();
    last_fired_ = false;
    if (s.kind == Kind::shield || how == Exit::failed) return Verdict::no;
    if (how == Exit::returned) return s.cut;
    if (s.fired == Verdict::no) return Verdict::no;
    last_fired_ = true;
    auto const outside = must_stop(uncaught, cancelled);
    if (outside == Verdict::yes) return Verdict::no;
    return outside == Verdict::maybe ? Verdict::maybe : s.fired;
}

void StopScopes::passed_on(int uncaught, Verdict cancelled) {
    if (!last_fired_ || (cancelled == Verdict::yes && heeds_cancellation(uncaught))) return;
    blame(expired(uncaught), &Scope::fired, cancelled);
}

} // namespace frond::test
