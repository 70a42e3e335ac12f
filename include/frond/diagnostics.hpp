#pragma once

#include <frond/detail/export.hpp>

#include <cstddef>
#include <iosfwd>
#include <string_view>

namespace frond::inline v0 {

/// Writes the tree of threads, pools, groups and tasks: state, age, spawn site, and what each waits for. The
/// same text stands in `Deadlock::what()`. A home that does not answer within 100 ms blocks outside frond and
/// is listed so.
/// *Suspends* only for the answers of other threads. Thread safety: callable from anywhere.
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
    std::size_t homes;     ///< threads with a scheduler
};
FROND_API Stats stats();

/// Sets the stack size of tasks that ask for none, for the calling thread, rounded up to a class of 64 KiB,
/// 256 KiB, 1 MiB or 8 MiB. Tasks that have started keep theirs.
/// @throws std::invalid_argument above 8 MiB
FROND_API void set_default_stack_size(std::size_t bytes);

} // namespace frond::inline v0
