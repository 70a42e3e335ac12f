#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace frond::inline v0::detail {

class Home;

/// How long a thread with nothing to do waits before it looks whether the whole program stands still; each
/// vain look quadruples it.
inline constexpr std::chrono::nanoseconds first_stall_patience = std::chrono::milliseconds{10};
inline constexpr std::chrono::nanoseconds longest_stall_patience = std::chrono::seconds{1};

/// Called by a home that sleeps with nothing of its own that could wake it. If that is true of all homes and
/// the process has no thread but theirs and idle offload threads, the outermost waiter is told: main first.
/// @return whether anybody was told
bool check_for_stall(Home& h) noexcept;

/// What `dump` prints, or a line that says that there was no memory for it. Supplied by the layer above.
std::string wait_graph() noexcept;

/// Ends the program: a wait that cannot end, where nobody can catch a Deadlock.
[[noreturn]] void die_of_stall() noexcept;

/// Tests: as if the process had this many threads; nullopt: count them.
void override_thread_count(std::optional<std::size_t> n) noexcept;

} // namespace frond::inline v0::detail
