#pragma once

#include <frond/detail/export.hpp>

#include <utility>

namespace frond::inline v0 {

namespace detail {
class Collector;
struct HoldToken;
FROND_API void release(HoldToken* token) noexcept;
} // namespace detail

/// Keeps a `Bag` or `OrderedBag` from being at its end: somebody outside still has something to put in. Who
/// reads waits for that, until the hold dies.
///
/// Example:
///     std::jthread producer{[hold = bag.keep_open(), &bag] {
///         while (auto line = read_line()) bag.put(*line);
///     }};
///     for (std::string&& line : bag) print(line);
///
/// Lifetime: it must not outlive its bag, whose destructor waits for it. Thread safety: may be moved to
/// another thread and die there; one object is not for two threads at once. Cost: an allocation.
class [[nodiscard]] Hold {
public:
    /// Holds nothing.
    Hold() noexcept = default;
    Hold(Hold&& other) noexcept : token_{std::exchange(other.token_, nullptr)} {}
    Hold& operator=(Hold other) noexcept {
        std::swap(token_, other.token_);
        return *this;
    }
    ~Hold() { release(); }

    /// Ends it early. Idempotent. *Suspends* never.
    void release() noexcept {
        if (token_) detail::release(std::exchange(token_, nullptr));
    }
    explicit operator bool() const noexcept { return token_ != nullptr; }

private:
    friend class detail::Collector;
    explicit Hold(detail::HoldToken* token) noexcept : token_{token} {}

    detail::HoldToken* token_ = nullptr;
};

} // namespace frond::inline v0
