// oneTBB with an exact number of threads, the calling one among them.
#pragma once

#include <cstddef>
#include <string>

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/version.h>

namespace bench {

template <class F>
void on_tbb_threads(int threads, F body) {
    using tbb::global_control;
    global_control const limit{global_control::max_allowed_parallelism, static_cast<std::size_t>(threads)};
    tbb::task_arena arena{threads};
    arena.execute(body);
}

inline std::string tbb_version() { return std::string{"oneTBB "} + TBB_runtime_version(); }

} // namespace bench
