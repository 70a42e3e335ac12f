#pragma once

#include "support/gate.hpp"

#include <frond/group.hpp>
#include <frond/runtime.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <string>

namespace frond::test {

/// For what fibers share, wherever they run.
class SyncTest : public testing::TestWithParam<std::size_t> {
protected:
    /// Calls `f` as a task: on the calling thread's own scheduler, or in a runtime of so many threads.
    template <class F>
    static void run(F const& f) {
        if (GetParam() == 0)
            Group{}.run(f);
        else
            Runtime{{.threads = GetParam()}}.run(f);
    }
};

/// Parameters and their names, for INSTANTIATE_TEST_SUITE_P.
inline auto everywhere() {
    return testing::Values(std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{4});
}
inline std::string place_name(testing::TestParamInfo<std::size_t> const& place) {
    return place.param == 0 ? "OwnThread" : "RuntimeOf" + std::to_string(place.param);
}

} // namespace frond::test
