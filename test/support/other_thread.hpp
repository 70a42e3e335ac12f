#pragma once

#include <frond/this_task.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>
#include <type_traits>
#include <utility>

namespace frond::test {

/// Calls @p f on a new thread while the calling thread goes on serving its tasks; gives what it gives.
template <class F>
std::invoke_result_t<F&> on_other_thread(F f) {
    std::atomic<bool> over{false};
    std::packaged_task<std::invoke_result_t<F&>()> call{std::ref(f)};
    auto result = call.get_future();
    std::thread thread{[&] {
        call();
        over = true;
    }};
    while (!over) this_task::sleep_for(std::chrono::microseconds{50});
    thread.join();
    return result.get();
}

} // namespace frond::test
