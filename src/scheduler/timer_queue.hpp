#pragma once

#include <frond/duration.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace frond::inline v0::detail {

class Home;

/// Something that happens at a moment, on the home's thread. Embedded in what waits for it.
struct Timer {
    static constexpr std::uint32_t unarmed = UINT32_MAX;
    std::uint32_t position = unarmed;
    void (*fire)(Timer&, Home&) noexcept = nullptr;

    bool armed() const noexcept { return position != unarmed; }
};

/// A four-ary heap with the moments inline: a sift touches few cache lines and none of the timers' owners but
/// to tell them their new position. (A tree through the owners, as Boost.Fiber's sleep queue, would touch one
/// cold stack a level.)
class TimerQueue {
public:
    bool empty() const noexcept { return heap_.empty(); }
    std::size_t size() const noexcept { return heap_.size(); }
    Clock::time_point next() const noexcept {
        return heap_.empty() ? Clock::time_point::max() : heap_.front().when;
    }

    /// @throws std::bad_alloc; then the timer is not armed
    void arm(Timer& t, Clock::time_point when);
    void disarm(Timer& t) noexcept;
    /// The earliest timer that is due, unarmed; nullptr if none is.
    Timer* pop_due(Clock::time_point now) noexcept;
    void clear() noexcept { heap_.clear(); }

private:
    struct Entry {
        Clock::time_point when;
        std::uint64_t order; // equal moments fire in the order in which they were armed
        Timer* timer;
        bool before(Entry const& o) const noexcept {
            return when != o.when ? when < o.when : order < o.order;
        }
    };

    void place(std::size_t i, Entry const& e) noexcept {
        heap_[i] = e;
        e.timer->position = static_cast<std::uint32_t>(i);
    }
    void sift_up(std::size_t i, Entry e) noexcept;
    void sift_down(std::size_t i, Entry e) noexcept;
    void remove(std::size_t i) noexcept;

    std::vector<Entry> heap_;
    std::uint64_t armed_so_far_ = 0;
};

} // namespace frond::inline v0::detail
