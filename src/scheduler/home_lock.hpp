#pragma once

#include <atomic>
#include <cassert>
#include <thread>

#include <sched.h>

namespace frond::inline v0::detail {

/// Held for some tens of instructions, never over a wait, an allocation of unknown length or user code. It
/// spins, and gives the processor away when the holder seems to have lost its own.
class HomeLock {
public:
    void lock() noexcept {
        for (unsigned spins = 0; held_.exchange(true, std::memory_order_acquire);) {
            while (held_.load(std::memory_order_relaxed)) {
                if (++spins < spins_before_yield)
                    pause();
                else
                    ::sched_yield();
            }
        }
#ifndef NDEBUG
        holder_ = std::this_thread::get_id();
#endif
    }
    void unlock() noexcept {
#ifndef NDEBUG
        holder_ = std::thread::id{};
#endif
        held_.store(false, std::memory_order_release);
    }
    /// In a forked child: the holder may have stayed in the parent.
    void forget() noexcept { held_.store(false, std::memory_order_relaxed); }

private:
    static constexpr unsigned spins_before_yield = 200;

    static void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        asm volatile("yield");
#endif
    }

    std::atomic<bool> held_{false};
#ifndef NDEBUG
    std::thread::id holder_; ///< for the debugger
#endif
};

} // namespace frond::inline v0::detail
