// exit: 0
// stdout: ^idle thread: in time.idle runtime: in time.$

// Cancelling from another thread takes effect within 5 ms at the median, although nothing else wakes whoever
// sleeps. A process of its own, because what runs beside it would count.

#include <frond/frond.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <thread>

using namespace std::chrono_literals;
using frond::Clock;

namespace {

constexpr std::size_t rounds = 51;

/// Spawns sleepers into the group, one after another; each is cancelled when everything sleeps.
void measure(char const* what, frond::Group& group) {
    std::array<std::chrono::nanoseconds, rounds> late{};
    for (auto& each : late) {
        Clock::time_point seen;
        auto const task = group.spawn([&seen] {
            try {
                frond::sleep_for(1h);
            } catch (frond::Cancelled const&) {
                seen = Clock::now();
                throw;
            }
        });
        while (task.state() != frond::TaskState::waiting) std::this_thread::sleep_for(100us);
        std::this_thread::sleep_for(2ms); // longer than anybody looks around before going to sleep
        auto const asked = Clock::now();
        task.request_cancel();
        while (!task.ready()) std::this_thread::yield();
        each = seen - asked;
    }
    std::nth_element(late.begin(), late.begin() + rounds / 2, late.end());
    auto const median = late[rounds / 2];
    if (median <= 5ms)
        std::printf("%s: in time\n", what);
    else
        std::printf("%s: %lld us\n", what, static_cast<long long>(median / 1us));
}

} // namespace

int main() {
    {
        std::atomic<frond::Group*> tasks{nullptr};
        frond::Task<void> keeper;
        std::thread home{[&] {
            frond::Group group;
            keeper = group.spawn([] { frond::sleep_for(1h); });
            tasks = &group;
            keeper.wait();
        }};
        while (!tasks) std::this_thread::sleep_for(100us);
        measure("idle thread", *tasks);
        keeper.request_cancel();
        home.join();
    }
    frond::Runtime runtime{{.threads = 2}};
    auto const group = runtime.run([] { return std::make_unique<frond::Group>(); });
    measure("idle runtime", *group);
}
