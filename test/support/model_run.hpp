#pragma once

#include "support/model_oracle.hpp"
#include "support/model_program.hpp"
#include "support/model_wait.hpp"

#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/task.hpp>

#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace frond::test {

/// One run of a program on the calling thread. Whatever the library does is told to the oracle.
class ModelRun {
public:
    explicit ModelRun(Program const& p)
        : program_{p},
          oracle_{p},
          groups_(p.groups.size()),
          tokens_(p.groups.size()),
          handles_(p.tasks.size()) {}

    /// @return what the oracle complains about
    std::string go();
    void take_step(std::uint32_t me, Step const& step);

private:
    /// A group or a pool, at a place that its tasks know until its destructor is over.
    class AnyGroup {
    public:
        AnyGroup() = default;
        AnyGroup(AnyGroup const&) = delete;
        AnyGroup& operator=(AnyGroup const&) = delete;
        ~AnyGroup() { end(); }

        void begin(GroupOptions const& options) { group_ = new Group{options}; }
        void begin(Pool& pool, GroupOptions const& options) { group_ = new Group{pool, options}; }
        void begin(PoolOptions options) { group_ = pool_ = new Pool{std::move(options)}; }
        void end() {
            if (pool_)
                delete pool_;
            else
                delete group_; // no virtual destructor
            group_ = pool_ = nullptr;
        }
        Group& operator*() const { return *group_; }
        Pool& pool() const { return *pool_; }
        bool is_open() const { return group_ != nullptr; }

    private:
        Group* group_ = nullptr;
        Pool* pool_ = nullptr;
    };
    class OpenGroups;
    class Pause;
    struct Body;
    using Wait = Oracle::Wait;

    // --- tasks ---
    int call(std::uint32_t me);
    void perform(std::uint32_t me);
    void spawn(std::uint32_t me, Step const& step);
    void spawn_and_wait(std::uint32_t me, Group& group, std::uint32_t child, SpawnOptions options);
    void try_to_spawn(Group& group, std::uint32_t child, SpawnOptions options);

    // --- waits: model_run_waits.cpp ---
    /// Performs a wait that gives the task's value or throws, and compares.
    void watch(std::uint32_t me, std::uint32_t other, Wait& wait, std::function<int()> const& f);
    /// The same for one that gives nothing. @return false: it was cut short, and the task goes on all the
    /// same
    bool await(std::uint32_t me, Wait& wait, std::function<void()> const& f);
    /// The same for what throws at once or not at all.
    void check_point(std::uint32_t me, std::function<void()> const& f);
    void own_end(std::uint32_t me);
    void wait_for_task(std::uint32_t me, Step const& step);
    void join(std::uint32_t me, std::uint32_t group);
    void lend(std::uint32_t me);
    void cancel_task(std::uint32_t me, std::uint32_t other);
    void cancel_itself(std::uint32_t me);
    void cancel_group(std::uint32_t me, std::uint32_t index);
    void request_cancel_of_group(std::uint32_t index);

    void check_groups(std::uint32_t me);
    void check_pool(std::uint32_t index);
    Pool& pool(std::uint32_t index) const { return groups_[index].pool(); }

    Program const& program_;
    Oracle oracle_;
    std::deque<AnyGroup> groups_;
    std::vector<std::stop_source> tokens_;
    std::vector<Task<int>> handles_;
};

} // namespace frond::test
