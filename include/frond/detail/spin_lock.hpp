#pragma once

#include <atomic>

#include <sched.h>

namespace frond::inline v0::detail {

/// Held for some tens of instructions, never over a wait, an allocation of unknown length or user code. It
/// spins, and gives the processor away when the holder seems to have lost its own.
class SpinLock {
public:
    void lock() noexcept {
        if (held_.exchange(true, std::memory_order_acquire)) [[unlikely]]
            wait();
    }
    void unlock() noexcept { held_.store(false, std::memory_order_release); }
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

    [[gnu::noinline]] void wait() noexcept {
        unsigned spins = 0;
        do {
            while (held_.load(std::memory_order_relaxed)) {
                if (++spins < spins_before_yield)
                    pause();
                else
                    ::sched_yield();
            }
        } while (held_.exchange(true, std::memory_order_acquire));
    }

    std::atomic<bool> held_{false};
};

} // namespace frond::inline v0::detail
