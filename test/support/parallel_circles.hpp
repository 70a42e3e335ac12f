#pragma once

#include "support/gate.hpp"

#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/task.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <string>

namespace frond::test {

/// Rings of tasks, each of which waits for the next one, among others that wait for one of those.
class Circles {
public:
    Circles(std::uint64_t seed, std::size_t threads) : random_{seed}, threads_{threads} {}

    /// @return what went wrong
    std::string go();

private:
    struct Member {
        explicit Member(Pool* pool)
            : group_{pool ? std::make_unique<Group>(*pool) : std::make_unique<Group>()}, group{*group_} {}

    private:
        std::unique_ptr<Group> group_;

    public:
        Group& group;
        Task<int> task;
    };
    struct Habits {
        std::chrono::microseconds before;
        bool sleeps;
        std::size_t how;
    };

    std::size_t between(std::size_t low, std::size_t high) {
        return std::uniform_int_distribution<std::size_t>{low, high}(random_);
    }
    Habits draw_habits() {
        return {std::chrono::microseconds{between(0, 50)}, between(0, 1) == 0, between(0, 4)};
    }
    Member& add_member(Pool& pool) { return members_.emplace_back(between(0, 1) == 0 ? &pool : nullptr); }
    static void wait_for(Member& other, Habits const& habits);
    void add_ring(Pool& pool, Gate const& all_spawned);
    void add_onlooker(Pool& pool, Gate const& all_spawned);

    std::mt19937_64 random_;
    std::size_t const threads_;
    std::deque<Member> members_;
    std::deque<std::atomic<int>> rings_;
    std::string complaints_;
};

} // namespace frond::test
