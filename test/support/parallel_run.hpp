#pragma once

#include "support/model_program.hpp"
#include "support/parallel_scene.hpp"
#include "support/parallel_spawner.hpp"

#include <frond/runtime.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

namespace frond::test {

/// One run of a program in a `Runtime`: who drives it, and what its tasks do.
class ParallelRun {
public:
    ParallelRun(Program const& p, std::size_t threads)
        : scene_{p}, spawner_{scene_, [this](std::uint32_t task) { return call(task); }}, threads_{threads} {}

    /// @return what the books complain about
    std::string go();

private:
    void drive();
    int call(std::uint32_t me);
    void perform(std::uint32_t me);
    void take_extra_step(std::uint32_t me, std::uint64_t place);
    void take_step(std::uint32_t me, Step const& step);
    void lend(std::uint32_t me);

    ParallelScene scene_;
    ParallelSpawner spawner_;
    std::size_t const threads_;
    Runtime* runtime_ = nullptr;
    std::atomic<bool> over_{false};
};

} // namespace frond::test
