#include "scheduler/stall.hpp"

#include "scheduler/home_registry.hpp"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <unistd.h>

namespace frond::inline v0::detail {

namespace {

constexpr std::size_t counted = static_cast<std::size_t>(-1);
std::atomic<std::size_t> thread_count_override{counted};

/// 0 when it cannot be told, so that no stall is ever guessed.
std::size_t threads_of_process() noexcept {
    if (auto const n = thread_count_override.load(std::memory_order_relaxed); n != counted) return n;
    std::FILE* const f = std::fopen("/proc/self/status", "re");
    if (!f) return 0;
    char line[128];
    unsigned long n = 0;
    while (std::fgets(line, sizeof line, f))
        if (std::sscanf(line, "Threads: %lu", &n) == 1) break;
    std::fclose(f);
    return n;
}

/// The graph is drawn while everybody still waits: the fiber that is woken would be missing from it.
void tell_outermost_waiter(Home& h) noexcept {
    if (lend_crosswise(h)) return;
    Waiter* const w = h.outermost_wait();
    if (!w) return;
    h.stall_graph = wait_graph();
    end_late(h, *w, WakeReason::stalled);
}

/// Goes from home to home until one has a main fiber that waits.
struct StallMessage : Message {
    explicit StallMessage() noexcept {
        deliver = [](Message& m, Home& h) noexcept {
            delete static_cast<StallMessage*>(&m);
            tell_outermost_waiter(h);
        };
    }
};

} // namespace

void override_thread_count(std::optional<std::size_t> n) noexcept {
    thread_count_override.store(n.value_or(counted), std::memory_order_relaxed);
}

bool check_for_stall(Home& h) noexcept {
    auto& registry = HomeRegistry::instance();
    std::size_t homes = 0;
    bool all_idle = true;
    Home* outermost = nullptr;
    auto const process = ::getpid();
    // Seen twice in the same sleeps, all of them slept at one moment in between. A single look could miss
    // work that two homes toss to and fro.
    std::uint64_t sleeps = 0;
    registry.for_each([&](Home& each) {
        ++homes;
        auto const sleep = each.idle_for_ever.load(std::memory_order_seq_cst);
        all_idle = all_idle && sleep != 0;
        sleeps += sleep;
        if (!each.team && (!outermost || each.thread_id == process)) outermost = &each;
    });
    if (!all_idle || !outermost || threads_of_process() != homes + registry.idle_helpers.load()) return false;
    registry.for_each([&](Home& each) {
        Reactor* const r = each.reactor();
        all_idle = all_idle && each.has_no_messages() && !(r && r->has_work());
        sleeps -= each.idle_for_ever.load(std::memory_order_seq_cst);
    });
    if (!all_idle || sleeps != 0) return false;
    if (outermost == &h) {
        tell_outermost_waiter(h);
        return true;
    }
    auto* const m = new (std::nothrow) StallMessage;
    if (m && outermost->post(*m)) return true;
    delete m;
    return false;
}

void die_of_stall() noexcept {
    std::fprintf(stderr, "frond: nothing can run any more, and only a destructor waits:\n%s",
                 Home::current().stall_graph.c_str());
    std::terminate();
}

} // namespace frond::inline v0::detail
