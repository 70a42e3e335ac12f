#include <frond/detail/asio_cancellation.hpp>

#include "io/asio_reactor.hpp"
#include "scheduler/home.hpp"

#include <utility>

namespace frond::inline v0::detail {

CancellationLine* CancellationLine::take(boost::asio::execution_context const* where) {
    Home& here = Home::current();
    Fiber const& f = here.current_fiber();
    if (!f.task && !f.scopes) return nullptr;
    auto* const reactor = static_cast<AsioReactor*>(here.reactor());
    if (!reactor || (where && where != &reactor->context())) return nullptr;
    if (CancellationLine* const idle = reactor->lines().pop()) return idle;
    return new CancellationLine{*reactor};
}

void CancellationLine::give_back() noexcept {
    struct Nothing {
        void operator()(boost::asio::cancellation_type) const noexcept {}
    };
    // Not `clear`, which would free the memory, too.
    if (auto slot = signal_.slot(); slot.has_handler()) slot.emplace<Nothing>();
    reactor_.lines().push(*this);
}

void CancellationLine::emit() noexcept {
    try {
        signal_.emit(boost::asio::cancellation_type::all);
    } catch (...) { // NOLINT(bugprone-empty-catch): see above
    }
}

CancellationLine* CancellationLines::pop() noexcept {
    CancellationLine* const line = idle_;
    if (!line) return nullptr;
    idle_ = std::exchange(line->next_idle_, nullptr);
    --count_;
    return line;
}

void CancellationLines::push(CancellationLine& line) noexcept {
    if (count_ == most) {
        delete &line;
        return;
    }
    line.next_idle_ = std::exchange(idle_, &line);
    ++count_;
}

} // namespace frond::inline v0::detail
