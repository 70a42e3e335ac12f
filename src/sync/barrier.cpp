#include <frond/sync/barrier.hpp>

#include <mutex>

namespace frond::inline v0 {

bool Barrier::arrive_and_wait_until_deadline(Clock::time_point deadline) {
    detail::Woken woken;
    std::unique_lock guard{lock_};
    auto const others = participants_ - 1;
    // Counting the list is left to those who may be the last.
    if (arrived_ >= others && waiting_.size() == others) {
        arrived_ -= others;
        woken.take_all(waiting_);
        return true;
    }
    ++arrived_;
    guard.release(); // the wait lets go of it
    bool opened = false;
    try {
        opened = detail::SyncWait{detail::SyncKind::barrier, this}.wait(lock_, waiting_, deadline);
    } catch (...) {
        take_back();
        throw;
    }
    if (!opened) take_back();
    return opened;
}

void Barrier::take_back() noexcept {
    std::lock_guard const guard{lock_};
    --arrived_;
}

} // namespace frond::inline v0
