#pragma once

#include <frond/this_task.hpp>

#include <algorithm>
#include <cstddef>

namespace frond::test {

/// Counts who is inside and the most that ever were so at once. For the tasks of one home.
class Gauge {
public:
    class Inside {
    public:
        explicit Inside(Gauge& gauge) : gauge_{gauge} {
            ++gauge_.visits_;
            gauge_.peak_ = std::max(gauge_.peak_, ++gauge_.inside_);
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
    std::size_t inside_ = 0;
    std::size_t peak_ = 0;
    std::size_t visits_ = 0;
};

} // namespace frond::test
