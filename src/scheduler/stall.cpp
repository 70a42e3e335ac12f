#include "scheduler/stall.hpp"

#include "scheduler/home_registry.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <unistd.h>
#include <vector>

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

bool lend_crosswise_anywhere(Home& h) noexcept {
    if (lend_crosswise(h)) return true;
    std::vector<Home*> runtimes;
    try {
        HomeRegistry::instance().for_each([&](Home& each) {
            if (each.team && each.team_place == 0 && each.team->is_complete.load(std::memory_order_acquire))
                runtimes.push_back(&each);
        });
    } catch (std::bad_alloc const&) {
        return false;
    }
    return std::any_of(runtimes.begin(), runtimes.end(), [](Home* each) { return lend_crosswise(*each); });
}

/// The graph is drawn while everybody still waits: the fiber that is woken would be missing from it.
void tell_outermost_waiter(Home& h) noexcept {
    if (lend_crosswise_anywhere(h)) return;
    Waiter* const w = h.outermost_wait();
    if (!w) return;
    h.stall_graph = wait_graph();
    end_late(h, *w, WakeReason::stalled);
}

struct Sight {
    bool all_idle = true;
    std::size_t homes = 0;
    Home* outermost = nullptr;
    std::uint64_t sleep_of_outermost = 0;
};

/// Seen twice in the same sleeps, all of them slept at one moment in between. A single look could miss work
/// that two homes toss to and fro.
Sight look_at_all_but(Home const* spared) noexcept {
    Sight s;
    auto& registry = HomeRegistry::instance();
    auto const process = ::getpid();
    std::uint64_t sleeps = 0;
    registry.for_each([&](Home& each) {
        if (&each == spared) return;
        ++s.homes;
        auto const sleep = each.idle_for_ever.load(std::memory_order_seq_cst);
        s.all_idle = s.all_idle && sleep != 0;
        sleeps += sleep;
        if (each.team || (s.outermost && each.thread_id != process)) return;
        s.outermost = &each;
        s.sleep_of_outermost = sleep;
    });
    if (!s.all_idle) return s;
    registry.for_each([&](Home& each) {
        if (&each == spared) return;
        Reactor* const r = each.reactor();
        // One that was woken may not have got the processor yet: what it was woken for need not be a message.
        s.all_idle = s.all_idle && each.looks_asleep() && each.has_no_messages() && !(r && r->has_work());
        sleeps -= each.idle_for_ever.load(std::memory_order_seq_cst);
    });
    s.all_idle = s.all_idle && sleeps == 0;
    return s;
}

/// To the outermost waiter. Several may find the same stall at the same time: the first message of them may
/// have ended it, and then the others are old news.
struct StallMessage : Message {
    std::uint64_t sleep;
    explicit StallMessage(std::uint64_t sleep_of_receiver) noexcept : sleep{sleep_of_receiver} {
        deliver = [](Message& m, Home& h) noexcept {
            // Nor has a fiber begun to run, which takes in messages besides.
            bool const same_sleep = h.last_sleep() == static_cast<StallMessage&>(m).sleep &&
                                    !h.has_ready_fibers() && h.current_fiber().kind == FiberKind::dispatcher;
            delete static_cast<StallMessage*>(&m);
            if (same_sleep && look_at_all_but(&h).all_idle) tell_outermost_waiter(h);
        };
    }
};

} // namespace

void override_thread_count(std::optional<std::size_t> n) noexcept {
    thread_count_override.store(n.value_or(counted), std::memory_order_relaxed);
}

bool check_for_stall(Home& h) noexcept {
    if (!look_at_all_but(nullptr).all_idle) return false;
    auto const threads = threads_of_process();
    // Only now: a thread that has just ended may have sent its last message after the first look.
    Sight const s = look_at_all_but(nullptr);
    auto const helpers = HomeRegistry::instance().idle_helpers.load();
    if (!s.all_idle || !s.outermost || threads != s.homes + helpers) return false;
    if (s.outermost == &h) {
        tell_outermost_waiter(h);
        return true;
    }
    auto* const m = new (std::nothrow) StallMessage{s.sleep_of_outermost};
    if (m && s.outermost->post(*m)) return true;
    delete m;
    return false;
}

void die_of_stall() noexcept {
    std::fprintf(stderr, "frond: nothing can run any more, and only a destructor waits:\n%s",
                 Home::current().stall_graph.c_str());
    std::terminate();
}

} // namespace frond::inline v0::detail
