#pragma once

#include "support/model_program.hpp"
#include "support/parallel_scene.hpp"
#include "support/parallel_spawner.hpp"

#include <frond/runtime.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace frond::test {

/// One run of a program in a `Runtime`: who drives it, and what its tasks do.
class ParallelRun {
public:
    ParallelRun(Program const& p, std::size_t threads)
        : scene_{p},
          spawner_{scene_, [this](std::uint32_t task) { return call(task); }},
          threads_{threads},
          places_(p.tasks.size()) {}

    /// @return what the books complain about
    std::string go();
    void take_step(std::uint32_t me, Step const& step);

private:
    void drive();
    int call(std::uint32_t me);
    void perform_within_limits(std::uint32_t me);
    void perform(std::uint32_t me);
    void take_extra_step(std::uint32_t me, std::uint64_t place);
    void lend(std::uint32_t me);

    ParallelScene scene_;
    ParallelSpawner spawner_;
    std::size_t const threads_;
    std::vector<std::uint64_t> places_; ///< where each task is in its steps
    Runtime* runtime_ = nullptr;
    std::atomic<bool> over_{false};
};

} // namespace frond::test
