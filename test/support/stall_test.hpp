#pragma once

#include "scheduler/home_registry.hpp"
#include "scheduler/stall.hpp"

#include <frond/diagnostics.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <cstddef>

namespace frond::test {

/// Stalls are found only while the process has no thread but frond's; a sanitizer or a test before this one
/// may have left some. This counts frond's as all there are.
class StallTest : public testing::Test {
protected:
    StallTest() { pretend_foreign_threads(0); }
    ~StallTest() override { detail::override_thread_count(std::nullopt); }

    /// Call it again when the test has made threads that use frond.
    static void pretend_foreign_threads(std::size_t n) {
        this_task::yield(); // the calling thread is to be among the homes
        detail::override_thread_count(frond::stats().homes + detail::HomeRegistry::instance().idle_helpers +
                                      n);
    }
};

} // namespace frond::test
