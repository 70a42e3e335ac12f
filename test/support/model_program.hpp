#pragma once

#include <frond/pool.hpp>

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <vector>

namespace frond::test {

/// When a deadline or a shield comes to its end.
enum class Limit : std::uint8_t {
    at_once,
    soon, ///< some time while it is in force, or after
    never
};

/// What a task of a random program does, step by step.
struct Step {
    enum class Kind : std::uint8_t {
        spawn,      ///< `index`: a task
        try_spawn,  ///< may do nothing when the pool is full
        spawn_wait, ///< waits for the slot
        run,        ///< spawns and takes the result
        get,        ///< `index`: a task; skipped if that was not spawned yet
        take,
        wait,
        wait_briefly, ///< with a deadline that often comes first
        error,
        join,   ///< `index`: a group
        errors, ///< takes the unseen errors of a group
        loan,   ///< lends the own slot over a yield
        yield,
        nap,
        check,
        cancel_task, ///< and waits for its end; itself, too
        request_cancel_task,
        cancel_group, ///< and waits: of the others, if it is a member
        request_cancel_group,
        stop_group,   ///< through the token that it was made with
        with_timeout, ///< around `inner`
        move_on_after,
        shield,
        clean_up, ///< `inner` runs in a destructor at the end of the block that this stands in
        rescue    ///< `inner` runs in a catch block around the rest of the block, if that throws
    };
    Kind kind;
    std::uint32_t index = 0;
    Limit limit = Limit::never; ///< of a deadline, or how long a shield protects
    std::vector<Step> inner = {};
};

enum class Ending : std::uint8_t { value, exception, number, cancelled };

/// What is around all that a task does, the end of its own groups included.
enum class Around : std::uint8_t {
    nothing,
    time_limit, ///< given with its spawn
    deadline,
    shield
};

constexpr std::uint32_t no_pool = UINT32_MAX;

struct TaskSpec {
    std::uint32_t group = 0;          ///< where it is spawned
    std::vector<std::uint32_t> opens; ///< its own groups, in the order in which it opens them
    std::vector<Step> steps;
    Ending ending = Ending::value;
    bool propagates = false; ///< an error that it meets leaves it, too
    bool swallows = false;   ///< it goes on when it is cancelled
    Around around = Around::nothing;
    Limit limit = Limit::never; ///< of that
    std::uint32_t rank = 0;     ///< it waits only for what needs pools from here on; see `random_program`
    std::uint32_t parent = 0;
};

struct GroupSpec {
    std::uint32_t pool = no_pool;
    bool is_pool = false; ///< the pool's own group
    bool has_token = false;
    OnError on_error = OnError::collect;
    std::uint32_t owner = 0;
};

struct PoolSpec {
    std::size_t limit = 1;
    Order order = Order::fifo;
};

/// A tree of tasks. Task 0 is the main fiber; groups 0 to pools.size() - 1 are the pools.
struct Program {
    std::uint64_t seed = 0;
    std::vector<PoolSpec> pools;
    std::vector<GroupSpec> groups;
    std::vector<TaskSpec> tasks;
    bool stops = false;            ///< something in it is cancelled, or has a deadline
    std::size_t extra_waiters = 0; ///< waits that may overdraw a pool: 0 if each task has one waiter at most
};

/// A program that must end, whatever the schedule: waits go from tasks to their descendants or to older
/// branches of the tree, so never in a circle; and from slots of one pool only to those of the same or a
/// later one, so that no two tasks each hold what the other needs. Where tasks cancel what may wait for them,
/// and wait for the end, nobody waits for a task behind a shield: their own cancellation opens the circle.
Program random_program(std::uint64_t seed);

std::ostream& operator<<(std::ostream& out, Program const& p);

} // namespace frond::test
