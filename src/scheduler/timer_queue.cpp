#include "scheduler/timer_queue.hpp"

#include <algorithm>
#include <new>

namespace frond::inline v0::detail {

namespace {
constexpr std::size_t arity = 4;
}

void TimerQueue::arm(Timer& t, Clock::time_point when) {
    if (heap_.size() >= Timer::unarmed) throw std::bad_alloc{};
    Entry const e{when, ++armed_so_far_, &t};
    heap_.push_back(e);
    sift_up(heap_.size() - 1, e);
}

void TimerQueue::disarm(Timer& t) noexcept {
    if (!t.armed()) return;
    remove(t.position);
    t.position = Timer::unarmed;
}

Timer* TimerQueue::pop_due(Clock::time_point now) noexcept {
    if (heap_.empty() || heap_.front().when > now) return nullptr;
    Timer* const t = heap_.front().timer;
    remove(0);
    t->position = Timer::unarmed;
    return t;
}

void TimerQueue::sift_up(std::size_t i, Entry e) noexcept {
    while (i > 0) {
        std::size_t const parent = (i - 1) / arity;
        if (!e.before(heap_[parent])) break;
        place(i, heap_[parent]);
        i = parent;
    }
    place(i, e);
}

void TimerQueue::sift_down(std::size_t i, Entry e) noexcept {
    for (;;) {
        std::size_t const first = i * arity + 1;
        if (first >= heap_.size()) break;
        std::size_t const last = std::min(first + arity, heap_.size());
        std::size_t best = first;
        for (std::size_t c = first + 1; c < last; ++c)
            if (heap_[c].before(heap_[best])) best = c;
        if (!heap_[best].before(e)) break;
        place(i, heap_[best]);
        i = best;
    }
    place(i, e);
}

void TimerQueue::remove(std::size_t i) noexcept {
    Entry const last = heap_.back();
    heap_.pop_back();
    if (i == heap_.size()) return;
    if (i > 0 && last.before(heap_[(i - 1) / arity]))
        sift_up(i, last);
    else
        sift_down(i, last);
}

} // namespace frond::inline v0::detail
