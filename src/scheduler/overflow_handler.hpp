#pragma once

namespace frond::inline v0::detail {

/// Writes a few words that name the owner of a stack (as given to `StackArena::set_owner`) to a file
/// descriptor. Called in a signal handler: async-signal-safe calls only.
using DescribeOwner = void (*)(void const* owner, int fd) noexcept;

/// Turns a hit in the guard of a fiber's stack into one line on stderr that names the fiber, after which the
/// signal takes its usual course: previous handler, exit status and core dump stay as they were. All other
/// SIGSEGV and SIGBUS go to the previous handlers unchanged.
///
/// ThreadSanitizer builds lose the line, but not the signal, when the fault interrupts the sanitizer's own
/// runtime.
///
/// Only the first call has an effect, and none where the environment holds FROND_NO_SEGV_HANDLER or in
/// AddressSanitizer builds, which report overruns themselves.
void install_overflow_handler(DescribeOwner describe) noexcept;

/// Gives the calling thread an alternate signal stack (at least 64 KiB), without which an overrun cannot be
/// reported: the handler needs some stack to run on. A thread that already has one keeps it.
/// @returns what `detach_signal_stack` takes, possibly nullptr
void* attach_signal_stack() noexcept;

/// Undoes `attach_signal_stack`, on the same thread. A stack that somebody else has put in place since stays.
void detach_signal_stack(void* attached) noexcept;

} // namespace frond::inline v0::detail
