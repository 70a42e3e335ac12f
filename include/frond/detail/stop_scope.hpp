#pragma once

#include <frond/detail/export.hpp>
#include <frond/duration.hpp>

#include <cstdint>

namespace frond::inline v0::detail {

struct Fiber;

/// A deadline or a shield around what the calling fiber does until this dies. The scopes of a fiber form a
/// chain, the innermost first; every wait looks along it for the moment at which it has to end early.
///
/// Invariants
/// 1. Scopes of one fiber die in the reverse order of their making, on that fiber.
/// 2. While an exception that was thrown inside a scope unwinds, that scope and those around it end no wait.
class FROND_API StopScope {
public:
    enum class Kind : std::uint8_t {
        deadline, ///< from `at` on waits inside end
        shield    ///< until `at` nothing further out ends waits inside
    };

    StopScope(Kind kind, Clock::time_point at);
    StopScope(StopScope const&) = delete;
    StopScope& operator=(StopScope const&) = delete;
    ~StopScope();

    /// At the scope's border, which a `Cancelled` has reached: leaves the scope. @return whether that was
    /// its own doing, and nothing further out has come to its end meanwhile
    bool is_own_end() noexcept;
    /// Whether a destructor had to be told, which could not throw.
    bool has_cut_destructor() const noexcept { return cut_destructor_; }

private:
    friend struct StopChain;

    void leave() noexcept;

    Fiber* fiber_;
    StopScope* outer_;
    Clock::time_point at_;
    int uncaught_; ///< exceptions in flight when it was made
    Kind kind_;
    bool fired_ = false; ///< it has ended a wait
    bool cut_destructor_ = false;
};

} // namespace frond::inline v0::detail
