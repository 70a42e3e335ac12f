#include "support/parallel_groups.hpp"

#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>

#include <mutex>
#include <string>
#include <utility>

namespace frond::test {

void ParallelGroups::open(std::uint32_t index) {
    auto const& spec = program_.groups[index];
    auto& group = places_[index];
    GroupOptions options{.on_error = spec.on_error};
    if (spec.has_token) options.stop = tokens_[index].get_token();
    auto const& dice = extras_.dice;
    if (spec.is_pool) {
        auto const& pool = program_.pools[spec.pool];
        auto const order = dice.chance(20, Dice::priorities, index) ? Order::priority : pool.order;
        books_.raise_limit(spec.pool, pool.limit);
        PoolOptions all{.limit = pool.limit, .order = order, .group = options};
        if (extras_.bounded && may_change(spec.pool)) {
            all.max_pending = 1 + dice.below(4, Dice::backlog, index);
            books_.not_strict(spec.pool);
        }
        group.begin(std::move(all));
    } else if (spec.pool != no_pool) {
        try {
            group.begin(places_[spec.pool].pool(), options);
        } catch (Closed const&) {
            books_.closed_unasked(index);
        }
    } else {
        group.begin(options);
    }
}

bool ParallelGroups::may_change(std::uint32_t pool) const {
    return program_.pools[pool].limit + 1 < program_.tasks.size();
}

void ParallelGroups::destroy(std::uint32_t owner, std::uint32_t index, bool unwinding) {
    auto const& spec = program_.groups[index];
    if (!places_[index].is_open()) return;
    Group& group = *places_[index];
    if (!unwinding && extras_.dice.chance(60, Dice::final_join, index)) {
        bool const whole = waits_.join_to_the_last(owner, index, group);
        if (whole && (group.size() != 0 || group.active() != 0 || group.pending() != 0))
            books_.complain("group " + std::to_string(index) + ": not empty after its last join");
    }
    if (unwinding) books_.stops.cancels_group(index);
    if (spec.is_pool) books_.may_refuse(spec.pool);
    books_.group_dies(index);
    books_.stops_working(owner);
    if (spec.is_pool) {
        waits_.join_idle_pool(index, group);
        books_.pool_is_idle(spec.pool, places_[index].pool().stats());
    }
    books_.stops.waits_in_destructor(owner);
    places_[index].end();
    books_.works_again(owner);
    books_.group_dead(index);
}

void ParallelGroups::change_a_pool(std::uint32_t draw) {
    if (program_.pools.empty()) return;
    auto const index = draw % static_cast<std::uint32_t>(program_.pools.size());
    if (!may_change(index)) return;
    std::lock_guard const lock{places_[index].changing};
    if (!places_[index].is_open()) return;
    Pool& pool = places_[index].pool();
    if (extras_.resizes) {
        auto const limit = 1 + draw / 10 % 5;
        books_.not_strict(index);
        books_.raise_limit(index, limit);
        if (draw % 7 == 0) pool.resize(0);
        pool.resize(limit);
    }
    if (extras_.closes && draw % 4 == 0) {
        books_.may_refuse(index);
        pool.close();
    }
}

} // namespace frond::test
