#pragma once

#include <frond/detail/result_buffer.hpp>
#include <frond/duration.hpp>
#include <frond/hold.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <string_view>

namespace frond::inline v0 {

class Group;
struct StreamOptions;

namespace detail {

/// A group whose tasks' results are read one by one, while others still run. Bag, OrderedBag and Stream hold
/// one, and add the types.
///
/// Thread safety, Lifetime: as Group, but the destructor cancels what has not ended. Cost: one allocation.
class FROND_API Collector {
public:
    /// @param like whose home and pool it shares; nullptr: the caller's home, and no pool
    Collector(Group const* like, ResultRules const& rules, OnError on_error = OnError::collect);
    Collector(Collector const&) = delete;
    Collector& operator=(Collector const&) = delete;
    /// Cancels everything and waits for its end. Errors that nobody has read go to the unhandled-error
    /// handler, unless `forget_unread` was called.
    ~Collector();

    /// For the making of nodes.
    GroupCore& core() const noexcept { return *core_; }
    /// Hands a task to the home, as `Group::spawn` does. Takes the node in any case.
    /// @throws as `Group::spawn`; std::logic_error where the order is serial, and the caller neither a task
    /// of this nor its owner
    void submit(ItemNode& task);
    /// Adds a result; takes the node in any case. *Suspends* never. @throws Closed where the home has ended,
    /// std::bad_alloc, std::logic_error as above
    void put(ItemNode& result);
    /// Takes the next result. *Suspends* while there is none and more may come.
    /// @param at_end set if there are no more
    /// @return nullptr: there are no more, or the deadline has come. @throws Cancelled, Deadlock
    ItemNode* take(Clock::time_point deadline, bool& at_end);
    /// Keeps it from being at its end.
    Hold keep_open();

    std::size_t cancel(std::string_view reason);
    void request_cancel(std::string_view reason) noexcept;
    std::size_t size() const noexcept;

    /// In the feeder's task: waits until it may read on. @throws Cancelled
    void wait_for_place();
    /// Why the feeder has ended early. In its task.
    void keep_feeder_error(std::exception_ptr error);
    /// Once.
    std::exception_ptr take_feeder_error();

    void forget_unread() noexcept { reports_unread_ = false; }

private:
    class Body;

    void check_serial() const;
    ItemNode* place_of_caller() const noexcept;

    std::unique_ptr<Body> body_;
    GroupCore* core_;
    bool reports_unread_ = true;
};

/// @param pool nullptr: none. @throws std::invalid_argument for zeros
FROND_API ResultRules rules_for_stream(PoolCore const* pool, StreamOptions const& options, bool ordered);

} // namespace detail
} // namespace frond::inline v0
