#pragma once

#include "support/model_program.hpp"
#include "support/parallel_books.hpp"
#include "support/parallel_extras.hpp"
#include "support/parallel_groups.hpp"
#include "support/parallel_handles.hpp"
#include "support/parallel_waits.hpp"

namespace frond::test {

/// What all the tasks of one run share.
struct ParallelScene {
    explicit ParallelScene(Program const& p)
        : program{p},
          extras{p},
          books{p},
          waits{p, books},
          groups{p, extras, books, waits},
          handles{p.tasks.size()} {}
    ParallelScene(ParallelScene const&) = delete;
    ParallelScene& operator=(ParallelScene const&) = delete;

    Program const& program;
    Extras const extras;
    ParallelBooks books;
    ParallelWaits waits;
    ParallelGroups groups;
    ParallelHandles handles;
};

} // namespace frond::test
