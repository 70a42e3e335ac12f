#pragma once

#include <frond/runtime.hpp>

#include <gtest/gtest.h>

#include <cstddef>

namespace frond::test {

/// The body of a test runs on a plain thread (parameter 0), or as a task of a runtime of so many threads.
class ThreadsTest : public testing::TestWithParam<std::size_t> {
protected:
    template <class F>
    static void run(F const& body) {
        if (GetParam() == 0)
            body();
        else
            Runtime{{.threads = GetParam()}}.run(body);
    }
};

} // namespace frond::test
