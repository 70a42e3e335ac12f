#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace frond::test {

/// Runs the random program of a seed in a `Runtime` and compares what happens with what must hold under any
/// schedule. The seed draws more than the program: pinned and delayed tasks, resizes, closed pools, naps and
/// computations, who drives it (one of the runtime's own tasks, a plain thread, or a fiber elsewhere), and
/// threads that look at its tasks from outside and cancel some. @return what went wrong, one complaint a
/// line; empty if nothing did
std::string run_in_parallel(std::uint64_t seed, std::size_t threads);

/// The same for a program with circles of tasks that wait for each other: each has one task that gets
/// `Deadlock`, and everything ends.
std::string run_circles_in_parallel(std::uint64_t seed, std::size_t threads);

/// What the seed stands for, in words.
std::string describe_parallel(std::uint64_t seed);

} // namespace frond::test
