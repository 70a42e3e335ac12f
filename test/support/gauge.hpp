#pragma once

#include <frond/this_task.hpp>

#include <atomic>
#include <cstddef>

namespace frond::test {

/// Counts who is inside and the most that ever were so at once, on all threads.
class Gauge {
public:
    class Inside {
    public:
        explicit Inside(Gauge& gauge) : gauge_{gauge} {
            ++gauge_.visits_;
            auto const now = ++gauge_.inside_;
            for (auto peak = gauge_.peak_.load();
                 peak < now && !gauge_.peak_.compare_exchange_weak(peak, now);) {
            }
        }
        Inside(Inside const&) = delete;
        Inside& operator=(Inside const&) = delete;
        ~Inside() { --gauge_.inside_; }

    private:
        Gauge& gauge_;
    };

    /// Goes in, lets all others have several turns, and leaves.
    void visit() {
        Inside const inside{*this};
        for (int turn = 0; turn < 3; ++turn) this_task::yield();
    }

    std::size_t inside() const { return inside_; }
    std::size_t peak() const { return peak_; }
    std::size_t visits() const { return visits_; }

private:
    std::atomic<std::size_t> inside_{0};
    std::atomic<std::size_t> peak_{0};
    std::atomic<std::size_t> visits_{0};
};

} // namespace frond::test
