#pragma once

#include "scheduler/reactor.hpp"

#include <frond/detail/asio_cancellation.hpp>
#include <frond/detail/asio_handler_memory.hpp>
#include <frond/duration.hpp>

#include <atomic>
#include <cstddef>
#include <mutex>
#include <sys/types.h>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

namespace frond::inline v0::detail {

/// The cancellation lines of a thread that no operation uses.
class CancellationLines {
public:
    CancellationLine* pop() noexcept;
    void push(CancellationLine& line) noexcept;

private:
    static constexpr std::size_t most = 1024;

    CancellationLine* idle_ = nullptr;
    std::size_t count_ = 0;
};

/// A thread that sleeps in Asio.
///
/// Invariants
/// 1. Never destroyed: sockets, late wake-ups and static objects still find the context.
/// 2. What the reactor itself starts is not counted as the context's work, but for one unit that keeps it
/// running.
///    So the work that remains without that unit is the user's.
class AsioReactor final : public Reactor {
public:
    /// One that an ended thread has left, or a new one.
    static AsioReactor& acquire();

    AsioReactor(AsioReactor const&) = delete;
    AsioReactor& operator=(AsioReactor const&) = delete;

    boost::asio::io_context& context() noexcept { return context_; }
    /// Its thread's.
    CancellationLines& lines() noexcept { return lines_; }

    void poll() override;
    void wait_until(Clock::time_point deadline) override;
    void interrupt() noexcept override;
    bool has_work() override;
    void thread_ended() noexcept override;

private:
    AsioReactor();
    ~AsioReactor() override = default;

    /// nullptr: there is none
    static AsioReactor* take_idle() noexcept;
    void run_ready();
    bool run_guarded(std::size_t (boost::asio::io_context::*run)()) noexcept;
    void set_alarm(Clock::time_point when);
    void count_work() noexcept { context_.get_executor().on_work_started(); }
    void uncount_work() noexcept { context_.get_executor().on_work_finished(); }

    boost::asio::io_context context_{1}; ///< 1: one thread runs it; others may still post
    boost::asio::steady_timer alarm_{context_};
    Clock::time_point alarm_at_ = Clock::time_point::max(); ///< max: not set
    HandlerMemory alarm_memory_;
    HandlerMemory interrupt_memory_;
    CancellationLines lines_;
    pid_t process_;
    AsioReactor* next_idle_ = nullptr;

    std::atomic<bool> interrupted_{false}; ///< a handler that ends the wait is on its way

    std::mutex probe_lock_;
    std::thread::id owner_; ///< under probe_lock_
};

} // namespace frond::inline v0::detail
