#pragma once

#include "support/model_program.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace frond::test {

enum class Verdict : std::uint8_t { no, maybe, yes };

/// The deadlines and shields around what one task does, and what must follow from them by the documented
/// rules. `uncaught`: exceptions in flight where it is asked; `cancelled`: what is known of the task.
class StopScopes {
public:
    enum class Kind : std::uint8_t { deadline, shield };
    /// How what is inside of a scope ends.
    enum class Exit : std::uint8_t { returned, cancelled, failed };

    void enter(Kind kind, Limit limit, int uncaught) { scopes_.push_back({kind, limit, uncaught}); }

    /// Whether a wait that begins now has to throw.
    Verdict must_stop(int uncaught, Verdict cancelled) const;
    /// Whether the task's cancellation is not held off.
    bool heeds_cancellation(int uncaught) const;

    /// A wait has thrown: finds out for which deadline. @return what is wrong with it
    std::string_view fire(int uncaught, Verdict cancelled, bool by_deadline);
    /// A destructor's wait was cut short, for certain or perhaps.
    void cut(int uncaught, Verdict cancelled, Verdict certainty);

    /// Leaves the innermost scope. @return whether it has to throw TimedOut. @param cancelled, uncaught
    /// outside
    Verdict leave(Exit how, int uncaught, Verdict cancelled);
    /// It let a `Cancelled` through.
    void passed_on(int uncaught, Verdict cancelled);
    bool empty() const { return scopes_.empty(); }

private:
    struct Scope {
        Kind kind;
        Limit limit;
        int uncaught;
        Verdict fired = Verdict::no;
        Verdict cut = Verdict::no;
    };

    std::vector<Scope*> expired(int uncaught);
    static void blame(std::vector<Scope*> const& scopes, Verdict Scope::* what, Verdict cancelled);

    std::vector<Scope> scopes_;
    bool last_fired_ = false; ///< the scope that was left last may have ended a wait
};

} // namespace frond::test
