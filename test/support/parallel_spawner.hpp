#pragma once

#include "support/model_program.hpp"
#include "support/parallel_scene.hpp"

#include <frond/group.hpp>
#include <frond/task.hpp>

#include <cstdint>
#include <functional>
#include <utility>

namespace frond::test {

/// Spawns the tasks of a program, in all the ways there are.
class ParallelSpawner {
public:
    /// @param call does what the task of that number does, in the task
    ParallelSpawner(ParallelScene& scene, std::function<int(std::uint32_t)> call)
        : scene_{scene}, call_{std::move(call)} {}

    /// Performs a step that spawns, unless the child's group is not there.
    void spawn(std::uint32_t me, Step const& step);

private:
    class Body;

    Task<int> spawn_now_or_later(Group& group, SpawnOptions options, std::uint32_t child);
    void run(std::uint32_t me, Group& group, std::uint32_t child);
    void spawned(std::uint32_t child, Task<int> handle);

    ParallelScene& scene_;
    std::function<int(std::uint32_t)> const call_;
};

} // namespace frond::test
