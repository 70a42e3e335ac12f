#pragma once

#include "support/model_program.hpp"
#include "support/parallel_books.hpp"
#include "support/parallel_extras.hpp"
#include "support/parallel_group_place.hpp"
#include "support/parallel_waits.hpp"

#include <cstdint>
#include <deque>
#include <stop_token>
#include <vector>

namespace frond::test {

/// The groups and pools of a program, each of which lives while the task that owns it is at work.
class ParallelGroups {
public:
    ParallelGroups(Program const& program, Extras const& extras, ParallelBooks& books, ParallelWaits& waits)
        : program_{program},
          extras_{extras},
          books_{books},
          waits_{waits},
          places_(program.groups.size()),
          tokens_(program.groups.size()) {}

    GroupPlace const& operator[](std::uint32_t index) const { return places_[index]; }

    void open(std::uint32_t index);
    /// @param unwinding an exception ends the owner: no last join
    void destroy(std::uint32_t owner, std::uint32_t index, bool unwinding);

    void stop(std::uint32_t index) {
        books_.stops.cancels_group(index);
        tokens_[index].request_stop();
    }

    /// Resizes or closes one of the pools, from any task, if the seed wants that.
    void change_a_pool(std::uint32_t draw);

private:
    /// Whether a pool may get narrow: from one that never fills, waits may lead to any other.
    bool may_change(std::uint32_t pool) const;

    Program const& program_;
    Extras const& extras_;
    ParallelBooks& books_;
    ParallelWaits& waits_;
    std::deque<GroupPlace> places_;
    std::vector<std::stop_source> tokens_;
};

} // namespace frond::test
