#include <frond/detail/io_wait.hpp>

#include "scheduler/home.hpp"
#include "scheduler/inbox.hpp"
#include "scheduler/stop_chain.hpp"
#include "scheduler/waiter.hpp"

#include <algorithm>
#include <chrono>
#include <new>

namespace frond::inline v0::detail {

namespace {

constexpr std::chrono::milliseconds first_patience{1};
constexpr std::chrono::milliseconds longest_patience{100};

} // namespace

struct IoWait::Completion : Message {
    IoWait* wait;
};

IoWait::IoWait() : home_{&Home::current()} {
    Fiber& f = home_->check_may_wait();
    if (must_stop_now(f)) [[unlikely]]
        throw_cancelled(f);
}

/// The fiber waits for this message whatever happens, so the message can lie in its frame.
void IoWait::complete() noexcept {
    if (home_->is_here()) {
        finish();
        return;
    }
    static_assert(sizeof(Completion) <= sizeof completion_ && alignof(Completion) <= alignof(void*));
    auto* const news = ::new (static_cast<void*>(completion_)) Completion{{}, this};
    news->deliver = [](Message& m, Home&) noexcept { static_cast<Completion&>(m).wait->finish(); };
    home_->post(*news);
}

/// A cancellation may have woken the fiber in this very turn; it looks at `done_` first.
void IoWait::finish() noexcept {
    done_ = true;
    if (waiter_ && waiter_->fiber->waiting == waiter_) home_->wake(*waiter_, WakeReason::done);
}

/// A fiber that has to go on waits all the same until the operation has ended: that refers to its frame. For
/// the same reason not even a stall ends the wait.
///
/// The operation is told again and again. Where a composed operation keeps no account of it, what comes
/// between two of its steps is lost.
IoWait::End IoWait::wait(Interrupt interrupt) noexcept {
    auto end = End::complete;
    auto patience = first_patience;
    while (!done_) {
        Waiter w{WaitKind::io, this};
        w.shielded = end == End::told || !interrupt;
        bool const tells_again = end == End::told && !no_memory_;
        waiter_ = &w;
        try {
            home_->park(w, tells_again ? Clock::now() + patience : Clock::time_point::max());
        } catch (std::bad_alloc const&) {
            // Better too early than never. Without a timer and shielded, the next wait needs no memory.
            no_memory_ = true;
            w.reason = WakeReason::cancelled;
        }
        waiter_ = nullptr;
        if (done_ || (w.reason != WakeReason::cancelled && w.reason != WakeReason::timeout)) continue;
        if (tells_again) patience = std::min(2 * patience, longest_patience);
        end = End::told;
        if (interrupt(*this)) return End::left;
    }
    return end;
}

void IoWait::throw_cut_short() const {
    Fiber& f = home_->current_fiber();
    if (no_memory_ && !must_stop_now(f)) throw std::bad_alloc{};
    throw_cancelled(f);
}

} // namespace frond::inline v0::detail
