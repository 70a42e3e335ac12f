#pragma once

#include "support/model_program.hpp"
#include "support/model_scopes.hpp"

#include <frond/cancel.hpp>
#include <frond/errors.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <string>

namespace frond::test {

/// The steps that have others inside. `Run` takes all other steps; `Stops` knows the scopes of each task.
inline std::chrono::nanoseconds duration_of(Limit limit) {
    return limit == Limit::at_once ? std::chrono::nanoseconds{0}
           : limit == Limit::soon  ? std::chrono::microseconds{10}
                                   : std::chrono::hours{1};
}

template <class Run>
void take_steps(Run& run, std::uint32_t me, std::span<Step const> steps);

/// What waits while the block around it is left, whichever way.
template <class Run>
class CleanUp {
public:
    CleanUp(Run& run, std::uint32_t me, std::span<Step const> steps) : run_{run}, me_{me}, steps_{steps} {}
    CleanUp(CleanUp const&) = delete;
    CleanUp& operator=(CleanUp const&) = delete;
    ~CleanUp() {
        try {
            take_steps(run_, me_, steps_);
        } catch (...) { // NOLINT(bugprone-empty-catch): the steps have told what there was to tell
        }
    }

private:
    Run& run_;
    std::uint32_t const me_;
    std::span<Step const> const steps_;
};

template <class Run>
void take_steps(Run& run, std::uint32_t me, std::span<Step const> steps) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
        auto const& step = steps[i];
        auto const rest = steps.subspan(i + 1);
        if (step.kind == Step::Kind::clean_up) {
            CleanUp<Run> const at_end{run, me, step.inner};
            take_steps(run, me, rest);
            return;
        }
        if (step.kind == Step::Kind::rescue) {
            try {
                take_steps(run, me, rest);
            } catch (...) {
                {
                    CleanUp<Run> const now{run, me, step.inner};
                }
                throw;
            }
            return;
        }
        run.take_step(me, step);
    }
}

template <class Stops, class F>
void with_shield(Stops& stops, std::uint32_t me, Limit limit, F&& f) {
    stops.enters(me, StopScopes::Kind::shield, limit);
    try {
        Shield const shield{duration_of(limit)};
        f();
    } catch (...) {
        stops.leaves(me, StopScopes::Exit::failed);
        throw;
    }
    stops.leaves(me, StopScopes::Exit::returned);
}

/// @param throws with_timeout, not move_on_after @param propagates its TimedOut leaves it
template <class Stops, class F>
void with_deadline(Stops& stops, std::uint32_t me, bool throws, bool propagates, Limit limit, F&& f) {
    using Exit = StopScopes::Exit;
    auto how = Exit::returned;
    std::exception_ptr inside;
    auto const body = [&] {
        try {
            f();
        } catch (Cancelled const&) {
            how = Exit::cancelled;
            inside = std::current_exception();
            throw;
        } catch (...) {
            how = Exit::failed;
            inside = std::current_exception();
            throw;
        }
    };
    stops.enters(me, StopScopes::Kind::deadline, limit);
    std::exception_ptr out;
    bool late = false;
    try {
        if (throws)
            with_timeout(duration_of(limit), body);
        else
            late = !move_on_after(duration_of(limit), body);
    } catch (TimedOut const&) {
        out = std::current_exception();
        late = out != inside;
    } catch (...) {
        out = std::current_exception();
    }
    auto const expected = stops.leaves(me, how);
    auto const name = "task " + std::to_string(me) + ": a deadline ";
    if (late && expected == Verdict::no) stops.complain(name + "ends what it should not");
    if (!late && expected == Verdict::yes) stops.complain(name + "is passed over");
    if (!late && how == Exit::cancelled) stops.passed_on(me);
    if (out && (!late || propagates)) std::rethrow_exception(out);
}

} // namespace frond::test
