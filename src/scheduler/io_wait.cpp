#include <frond/detail/io_wait.hpp>

#include "scheduler/home.hpp"
#include "scheduler/inbox.hpp"
#include "scheduler/waiter.hpp"

#include <new>
#include <utility>

namespace frond::inline v0::detail {

struct IoWait::Completion : Message {
    IoWait* wait;
};

IoWait::IoWait() : home_{&Home::current()} { home_->check_may_wait(); }

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

void IoWait::finish() noexcept {
    done_ = true;
    if (waiter_) home_->wake(*std::exchange(waiter_, nullptr), WakeReason::done);
}

/// Nothing but the handler ends the wait, not even a stall: the operation still refers to the fiber's frame.
void IoWait::wait() noexcept {
    while (!done_) {
        Waiter w{WaitKind::io, this};
        waiter_ = &w;
        home_->park(w);
    }
}

} // namespace frond::inline v0::detail
