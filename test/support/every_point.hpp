#pragma once

#include "support/lives.hpp"

#include <frond/pool.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <ostream>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace frond::test {

/// What a program throws on purpose.
struct ProgramError : std::runtime_error {
    ProgramError() : std::runtime_error("on purpose") {}
};

/// What a program that is going to be stopped works with: things that outlive it, and the books of what must
/// not be lost.
class Scene {
public:
    Scene() = default;
    Scene(Scene const&) = delete;
    Scene& operator=(Scene const&) = delete;
    ~Scene() { forget_things(); }

    /// A pool, a channel, …; it dies after the checks. Only while the scene is set up.
    template <class T, class... A>
    T& make(A&&... args) {
        auto thing = std::make_shared<T>(std::forward<A>(args)...);
        if constexpr (std::is_same_v<T, Pool>) pools_.push_back(thing.get());
        things_.push_back(thing);
        return *thing;
    }
    /// To be looked at when all is over. @param check what is wrong, "" if nothing is
    void at_end(std::function<std::string()> check) { checks_.push_back(std::move(check)); }

    /// To be spawned: a call of `f`, whose death is looked for.
    template <class F>
    auto job(F f) {
        return [life = Mortal{lives_}, f = std::move(f)]() mutable -> decltype(auto) { return f(); };
    }
    /// A result whose death is looked for.
    Mortal result() { return Mortal{lives_}; }
    /// Keeps a handle beyond the program's end: the callable must die before.
    template <class T>
    Task<T> keep(Task<T> t) {
        std::lock_guard const lock{mutex_};
        handles_.push_back(std::make_shared<Task<T>>(t));
        return t;
    }
    /// In a program, where it does not wait: a place where it can be stopped by itself.
    void here() {
        if (on_here_) on_here_();
    }
    void complain(std::string_view text) {
        std::lock_guard const lock{mutex_};
        complaints_.append(text).append("\n");
    }

    // --- for who runs it
    std::vector<Pool*> const& pools() const { return pools_; }
    void on_here(std::function<void()> f) { on_here_ = std::move(f); }
    void check_books_and_lives();
    void forget_things();
    std::string complaints() const { return complaints_; }

private:
    Lives lives_;
    std::vector<std::shared_ptr<void>> things_;
    std::vector<Pool*> pools_;
    std::vector<std::function<std::string()>> checks_;
    std::function<void()> on_here_;
    std::mutex mutex_;
    std::vector<std::shared_ptr<void>> handles_; ///< of tasks; under the mutex
    std::string complaints_;                     ///< under the mutex
};

/// A program that has to leave everything in order wherever it is stopped. `set_up` makes what outlives it,
/// and returns what is run as a task. It must work on several threads, too.
struct StoppedProgram {
    enum class Length : std::uint8_t {
        ends,
        ends_with_all, ///< unless one of its tasks alone is cancelled, for which others then wait
        endless        ///< ends only because it is stopped
    };

    std::string name;
    std::function<std::function<void()>(Scene&)> set_up;
    Length length = Length::ends;
};

inline void PrintTo(StoppedProgram const& p, std::ostream* out) { *out << p.name; }

/// How it is stopped: what is stopped, and by whom.
enum class Stop : std::uint8_t {
    nothing,         ///< not at all
    task,            ///< the program's task
    group,           ///< its group
    token,           ///< its group, by a stop token
    scope,           ///< by a deadline scope around the program
    task_deadline,   ///< by SpawnOptions::timeout
    group_deadline,  ///< by GroupOptions::timeout
    suspended,       ///< whichever task has just been suspended
    resumed,         ///< whichever task is just about to go on
    task_and_wait,   ///< the program's task, by somebody who waits for its end
    group_and_wait,  ///< its group, likewise
    task_from_afar,  ///< the task, from another thread
    group_from_afar, ///< the group, from another thread
    task_by_itself,  ///< the task, by whichever of the program's tasks is at `Scene::here`
    group_by_itself  ///< the group, likewise
};
inline constexpr Stop every_stop[] = {Stop::nothing,         Stop::task,           Stop::group,
                                      Stop::token,           Stop::scope,          Stop::task_deadline,
                                      Stop::group_deadline,  Stop::suspended,      Stop::resumed,
                                      Stop::task_and_wait,   Stop::group_and_wait, Stop::task_from_afar,
                                      Stop::group_from_afar, Stop::task_by_itself, Stop::group_by_itself};
char const* name_of(Stop how);

/// Runs the program on a thread of its own, without a `Runtime`, again and again for every way to stop it:
/// stopped at its first point, at its second, … until it ends before it is stopped. A point is every moment
/// at which the thread leaves a fiber for another or goes to sleep, whatever it was that waited: the
/// scheduling algorithm is wrapped to see them, so programs need no marks and the library needs no hook. One
/// run is like the other up to the point, but for what depends on the clock.
/// @return what went wrong, and at which point; "" if nothing did
std::string stop_everywhere(StoppedProgram const& p);

/// Runs `rounds` times one of the programs in a `Runtime`, with random pauses between fibers, stopped at a
/// random moment in a random way from a random place. FROND_TEST_SEED=N runs that round a hundred times.
/// @return what went wrong; "" if nothing did
std::string stop_at_random(std::span<StoppedProgram const> programs, std::size_t threads, std::size_t rounds);

} // namespace frond::test
