#pragma once

#include "support/parallel_scene.hpp"

#include <atomic>
#include <cstdint>

namespace frond::test {

/// What a plain thread does that wants to know everything about the tasks of a run, until that is over.
/// @param number which one of several
void observe(ParallelScene& scene, std::uint32_t number, std::atomic<bool> const& over);

} // namespace frond::test
