#pragma once

#include <frond/cancel.hpp>
#include <frond/group.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace frond::inline v0 {

namespace detail {

inline std::size_t hardware_threads() noexcept {
    auto const n = std::thread::hardware_concurrency();
    return n == 0 ? 1 : n;
}

/// The group of the tasks that a runtime is given from outside.
class FROND_API RootGroup : public Group {
public:
    explicit RootGroup(Home& home) : Group(home, {.name = "run"}) {}

    template <class F>
    Task<void> spawn_on(Home& thread, F&& f, std::source_location at) {
        auto& n = make(at, std::forward<F>(f));
        pin(n, thread);
        submit(n, SpawnMode::queue);
        return handle(n);
    }
};

} // namespace detail

struct RuntimeOptions {
    /// Scheduler threads, 1 to 1,024.
    std::size_t threads = detail::hardware_threads();
    /// Its threads are called `name-0`, `name-1`, … where the system shows names of threads (15 characters).
    std::string name = "frond";
};

/// Counted since the runtime began. Read a little late, each number for itself.
struct RuntimeStats {
    std::size_t threads;
    std::size_t sleeping;   ///< threads that have nothing to do now
    std::uint64_t searches; ///< looks of an idle thread through the others' run queues
    std::uint64_t steals;   ///< those that found something
    std::uint64_t stolen;   ///< tasks taken over so
    std::uint64_t wakes;    ///< sleeping threads woken to look for tasks
};

/// Threads that run tasks together.
///
/// Groups and pools that are made inside it, by `run` or by its tasks, live there: each of their tasks is
/// started by any of the threads that is free, unless it is spawned `pinned`. A task that has started stays
/// on its thread to its end, so `thread_local` variables, `errno` and the error queues of libraries are its
/// own between two waits, as ever. Caps hold for all threads together. What tasks share they have to protect,
/// as among threads.
///
/// Several runtimes may live side by side, and beside the threads' own schedulers, which need none.
///
/// Thread safety: any thread may use it, but for the destructor. Cost: a start and a stop of each thread,
/// some 50 µs. An idle runtime uses no processor time. Idea: work stealing as in Cilk and Go; unlike there
/// only what has not started moves.
class FROND_API Runtime {
public:
    /// @throws std::invalid_argument for 0 threads or fewer, and for more than 1,024; std::system_error if a
    /// thread cannot be started: those that were have ended by then
    explicit Runtime(RuntimeOptions options = {});
    Runtime(Runtime const&) = delete;
    Runtime& operator=(Runtime const&) = delete;
    /// Waits for all tasks that live in it, also for those that have not started; meanwhile whoever spawns
    /// into it from outside gets `Closed`. *Suspends* a fiber, blocks its thread only while the threads end.
    /// Groups and pools that outlive it can still be asked for results and errors. Called by one of its own
    /// tasks, which would wait for itself, it ends the program with a message.
    ~Runtime();

    /// Runs `f()` as a task on one of its threads and waits. *Suspends* the calling fiber; a plain thread is
    /// blocked.
    /// @return its result. @throws what it throws; Closed while the runtime ends; std::invalid_argument for
    /// an empty callable; Deadlock
    template <class F>
        requires detail::Spawnable<F>
    auto run(F&& f, std::source_location at = std::source_location::current()) -> detail::ResultOf<F> {
        return root().run(std::forward<F>(f), at);
    }

    /// Runs a copy of `f` on each of its threads, as soon as that thread is free, and waits for all. For what
    /// is kept a thread: caches, connections, listening sockets. *Suspends*. @throws the first error; Closed
    template <class F>
        requires std::invocable<F&>
    void run_on_each(F const& f, std::source_location at = std::source_location::current()) {
        std::vector<Task<void>> tasks;
        tasks.reserve(threads());
        for (std::size_t i = 0; i < threads(); ++i)
            tasks.push_back(
                root().spawn_on(thread(i), [copy = f]() mutable { static_cast<void>(copy()); }, at));
        try {
            for (auto const& t : tasks) t.wait();
        } catch (Cancelled const&) {
            Shield const shield; // `f` may refer to the caller's variables
            for (auto const& t : tasks) t.request_cancel();
            for (auto const& t : tasks) t.wait();
            throw;
        }
        for (auto const& t : tasks) t.get();
    }

    std::size_t threads() const noexcept;
    /// *Suspends* never.
    RuntimeStats stats() const noexcept;

private:
    struct State;

    detail::RootGroup& root() noexcept;
    detail::Home& thread(std::size_t place) noexcept;

    std::unique_ptr<State> state_;
};

} // namespace frond::inline v0
