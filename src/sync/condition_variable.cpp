#include <frond/sync/condition_variable.hpp>

#include <mutex>

namespace frond::inline v0 {

bool ConditionVariable::wait_released(Clock::time_point deadline, void (*release)(void*), void* argument) {
    lock_.lock();
    detail::SyncWait wait{detail::SyncKind::condition, this};
    return wait.wait_after(lock_, waiting_, deadline, release, argument);
}

void ConditionVariable::notify_one() noexcept {
    detail::Woken woken;
    std::lock_guard const guard{lock_};
    if (!waiting_.empty()) woken.take_first(waiting_);
}

void ConditionVariable::notify_all() noexcept {
    detail::Woken woken;
    std::lock_guard const guard{lock_};
    woken.take_all(waiting_);
}

} // namespace frond::inline v0
