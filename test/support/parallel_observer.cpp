#include "support/parallel_observer.hpp"

#include <frond/task.hpp>

#include <chrono>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace frond::test {

void observe(ParallelScene& scene, std::uint32_t number, std::atomic<bool> const& over) {
    std::mt19937_64 random{scene.program.seed * 3 + number};
    std::vector<Task<int>> kept;
    while (!over) {
        auto const index = static_cast<std::uint32_t>(random() % scene.handles.size());
        auto task = scene.handles.of(index);
        if (!task) {
            std::this_thread::yield();
            continue;
        }
        switch (random() % (scene.program.stops ? 7 : 5)) {
        case 0:
            if (task.wait_for(std::chrono::microseconds{random() % 100}))
                scene.books.saw_state(index, task.state());
            break;
        case 1:
            scene.waits.watch(ParallelStops::nobody, index, [&] { return task.get(); });
            break;
        case 2:
            if (task.ready()) scene.books.saw_state(index, task.state());
            break;
        case 3:
            task.wait();
            scene.books.saw_end(index);
            break;
        case 5:
            scene.books.stops.cancels_task(index);
            task.request_cancel();
            scene.books.stops.has_cancelled_task(index);
            break;
        case 6:
            scene.waits.cancel_task(ParallelStops::nobody, index, task);
            break;
        default:
            kept.push_back(std::move(task));
        }
    }
}

} // namespace frond::test
