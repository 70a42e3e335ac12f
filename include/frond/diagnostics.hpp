#pragma once

#include <frond/detail/export.hpp>

#include <cstddef>
#include <iosfwd>
#include <string_view>

namespace frond::inline v0 {

/// Writes the tree of threads, pools, groups and tasks: state, age, spawn site, and what each waits for. The
/// same text stands in `Deadlock::what()`. A thread that does not answer within 100 ms blocks outside frond,
/// or computes, and is listed so; what lives in a `Runtime` is shown all the same. Of a group at most 1,000
/// tasks are shown.
/// *Suspends* never, but blocks its thread for the answers of others. Thread safety: callable from anywhere.
FROND_API void dump(std::ostream& out);

/// How the stacks of this process are made and guarded.
enum class StackGuard : unsigned char { none_yet, madvise, mprotect, missing };

/// Process-wide figures.
struct Stats {
    std::size_t stacks_in_use; ///< held by fibers that run, wait or idle
    std::size_t stacks_cached; ///< ready for reuse
    std::size_t stack_bytes_reserved;
    StackGuard guard; ///< what the last guard was made with
    std::size_t guarded_by_madvise;
    std::size_t guarded_by_mprotect;
    std::size_t unguarded; ///< neither worked: an overrun of these is not caught
    std::size_t homes;     ///< threads with a scheduler, those of runtimes included
};
/// *Suspends* never. Thread safety: callable from anywhere.
FROND_API Stats stats();

/// Sets the stack size of tasks that start on the calling thread and ask for none, rounded up to a class of
/// 64 KiB, 256 KiB, 1 MiB or 8 MiB. Tasks that have started keep theirs. For the threads of a `Runtime`, call
/// it through `run_on_each`.
/// @throws std::invalid_argument above 8 MiB
FROND_API void set_default_stack_size(std::size_t bytes);

} // namespace frond::inline v0
