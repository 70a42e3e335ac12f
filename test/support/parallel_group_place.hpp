#pragma once

#include <frond/group.hpp>
#include <frond/pool.hpp>

#include <mutex>
#include <utility>

namespace frond::test {

/// A group or a pool, at a place that its tasks know until its destructor is over.
class GroupPlace {
public:
    GroupPlace() = default;
    GroupPlace(GroupPlace const&) = delete;
    GroupPlace& operator=(GroupPlace const&) = delete;
    ~GroupPlace() { end(); }

    void begin(GroupOptions const& options) { group_ = new Group{options}; }
    void begin(Pool& pool, GroupOptions const& options) { group_ = new Group{pool, options}; }
    void begin(PoolOptions options) { group_ = pool_ = new Pool{std::move(options)}; }
    void end() {
        if (pool_) {
            Pool* const ending = pool_;
            {
                std::lock_guard const lock{changing};
                group_ = pool_ = nullptr;
            }
            delete ending;
        } else {
            delete group_; // no virtual destructor
            group_ = nullptr;
        }
    }
    Group& operator*() const { return *group_; }
    Pool& pool() const { return *pool_; }
    bool is_open() const { return group_ != nullptr; }

    std::mutex changing; ///< held by who changes a pool that may end meanwhile

private:
    Group* group_ = nullptr;
    Pool* pool_ = nullptr;
};

} // namespace frond::test
