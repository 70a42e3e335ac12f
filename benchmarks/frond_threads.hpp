// frond with an exact number of threads: inside a Runtime, as oneTBB inside its arena.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <frond/runtime.hpp>

namespace bench {

// Runs `body(runtime)` as a task of a new runtime; its threads have started before.
template <class F>
void on_frond_threads(std::size_t threads, F body) {
    frond::Runtime runtime{{.threads = threads}};
    runtime.run([&] { body(runtime); });
}

// A counter a thread: a shared atomic would cost more than the tasks do.
class PerThreadCounter {
public:
    explicit PerThreadCounter(frond::Runtime& runtime) : values_(runtime.threads()) {
        std::atomic<std::size_t> place{0};
        runtime.run_on_each([&] { mine_ = &values_[place++].value; });
    }
    PerThreadCounter(PerThreadCounter const&) = delete;
    PerThreadCounter& operator=(PerThreadCounter const&) = delete;

    static void increment() noexcept { ++*mine_; }
    // Takes what has been counted. Nobody counts meanwhile.
    std::uint64_t take() noexcept {
        std::uint64_t sum = 0;
        for (Padded& v : values_) sum += std::exchange(v.value, 0);
        return sum;
    }

private:
    struct alignas(64) Padded {
        std::uint64_t value = 0;
    };

    static constinit inline thread_local std::uint64_t* mine_ = nullptr;
    std::vector<Padded> values_;
};

} // namespace bench
