#include <frond/sync/semaphore.hpp>

#include <mutex>
#include <stdexcept>

namespace frond::inline v0 {

std::size_t Semaphore::checked_capacity(std::size_t k) const {
    if (k > capacity_)
        throw std::invalid_argument("frond: Semaphore::acquire: more permits than there are at all");
    return k;
}

std::size_t Semaphore::available() const noexcept {
    std::lock_guard const guard{lock_};
    return available_;
}

bool Semaphore::take_now(std::size_t k) noexcept {
    std::lock_guard const guard{lock_};
    if (!waiting_.empty() || k > available_) return false;
    available_ -= k;
    return true;
}

bool Semaphore::take_until_deadline(std::size_t k, Clock::time_point deadline) {
    std::unique_lock guard{lock_};
    if (waiting_.empty() && k <= available_) {
        available_ -= k;
        return true;
    }
    guard.release(); // the wait lets go of it
    try {
        if (detail::SyncWait{detail::SyncKind::semaphore, this, &k}.wait(lock_, waiting_, deadline))
            return true;
    } catch (...) {
        serve_queue();
        throw;
    }
    serve_queue();
    return false;
}

void Semaphore::give_back(std::size_t k) {
    detail::Woken woken;
    std::lock_guard const guard{lock_};
    if (k > capacity_ - available_)
        throw std::logic_error("frond: Semaphore::release: more permits than are taken");
    available_ += k;
    serve_queue(woken);
}

/// For one that has left the queue: those behind may want less.
void Semaphore::serve_queue() noexcept {
    detail::Woken woken;
    std::lock_guard const guard{lock_};
    serve_queue(woken);
}

void Semaphore::serve_queue(detail::Woken& woken) noexcept {
    while (!waiting_.empty()) {
        auto const wanted = *static_cast<std::size_t const*>(waiting_.first());
        if (wanted > available_) return;
        available_ -= wanted;
        woken.take_first(waiting_);
    }
}

} // namespace frond::inline v0
