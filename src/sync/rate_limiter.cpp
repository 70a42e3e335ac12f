#include <frond/sync/rate_limiter.hpp>

#include <frond/this_task.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <mutex>
#include <stdexcept>

namespace frond::inline v0 {

namespace {

/// A token in more than a thousand years is one that never comes, and still a number.
constexpr double longest_interval = 1e20;
constexpr double for_ever = 4e18; // nanoseconds that a Clock::time_point can be ahead of now

double interval_of(Rate rate) {
    if (!(rate.per_second > 0) || std::isinf(rate.per_second))
        throw std::invalid_argument("frond: RateLimiter: the rate must be positive and finite");
    if (rate.burst == 0) throw std::invalid_argument("frond: RateLimiter: the burst must be positive");
    return std::min(1e9 / rate.per_second, longest_interval);
}

} // namespace

/// In the queue until it is left. Who holds one has to wait for its turn.
class RateLimiter::Place {
public:
    explicit Place(RateLimiter& limiter) noexcept : limiter_{limiter} {}
    Place(Place const&) = delete;
    Place& operator=(Place const&) = delete;
    ~Place() {
        std::lock_guard const guard{limiter_.lock_};
        --limiter_.queued_;
    }

private:
    RateLimiter& limiter_;
};

RateLimiter::RateLimiter(Rate rate)
    : interval_{interval_of(rate)}, burst_{rate.burst}, counted_at_{Clock::now()} {}

unsigned RateLimiter::checked_burst(std::size_t k) const {
    if (k > burst_) throw std::invalid_argument("frond: RateLimiter::acquire: more tokens than the burst");
    return static_cast<unsigned>(k);
}

bool RateLimiter::take_now(unsigned k) noexcept {
    std::lock_guard const guard{lock_};
    return queued_ == 0 && take_or_say_when(k) == Clock::time_point::min();
}

/// Under `lock_`. @return when `k` tokens will be there if nobody takes any; `min()`: it has taken them
Clock::time_point RateLimiter::take_or_say_when(unsigned k) noexcept {
    auto const now = Clock::now();
    std::chrono::duration<double, std::nano> const passed = now - counted_at_;
    counted_at_ = now;
    missing_ = std::max(0.0, missing_ - passed.count());
    double const wait = missing_ - (burst_ - k) * interval_;
    if (wait > 0) {
        if (wait >= for_ever) return Clock::time_point::max();
        return now + std::chrono::nanoseconds{static_cast<std::int64_t>(std::ceil(wait))};
    }
    missing_ += k * interval_;
    return Clock::time_point::min();
}

bool RateLimiter::take_until_deadline(unsigned k, Clock::time_point deadline) {
    {
        std::lock_guard const guard{lock_};
        if (queued_ == 0 && take_or_say_when(k) == Clock::time_point::min()) return true;
        ++queued_;
    }
    {
        Place const place{*this};
        std::unique_lock const turn{turn_, deadline};
        if (!turn) return false;
        for (;;) {
            auto ready = Clock::time_point::min();
            {
                std::lock_guard const guard{lock_};
                ready = take_or_say_when(k);
            }
            if (ready == Clock::time_point::min()) return true;
            if (ready > deadline) break;
            this_task::sleep_until(ready);
        }
    }
    this_task::sleep_until(deadline);
    return false;
}

} // namespace frond::inline v0
