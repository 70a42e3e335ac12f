#include <frond/sync/event.hpp>

#include <mutex>

namespace frond::inline v0 {

void Event::set() noexcept {
    detail::Woken woken;
    std::lock_guard const guard{lock_};
    set_ = true;
    woken.take_all(waiting_);
}

void Event::reset() noexcept {
    std::lock_guard const guard{lock_};
    set_ = false;
}

bool Event::is_set() const noexcept {
    std::lock_guard const guard{lock_};
    return set_;
}

bool Event::wait_until_deadline(Clock::time_point deadline) {
    std::unique_lock guard{lock_};
    if (set_) return true;
    guard.release(); // the wait lets go of it
    return detail::SyncWait{detail::SyncKind::event, this}.wait(lock_, waiting_, deadline);
}

} // namespace frond::inline v0
