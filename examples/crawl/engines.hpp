#pragma once

#include "crawler.hpp"
#include "ordered.hpp"
#include "parallel.hpp"
#include "threads.hpp"

#include <cstddef>
#include <string>

#include <gtest/gtest.h>

namespace crawl {

/// One of the ways to crawl, which are all to do the same.
struct Engine {
    char const* name;
    decltype(&crawl_with_fibers) crawl;
    std::size_t threads = 1;
};

inline constexpr Engine fibers{"Fibers", &crawl_with_fibers};
inline constexpr Engine runtime_of_1{"Runtime1", &crawl_in_parallel, 1};
inline constexpr Engine runtime_of_2{"Runtime2", &crawl_in_parallel, 2};
inline constexpr Engine runtime_of_4{"Runtime4", &crawl_in_parallel, 4};
inline constexpr Engine ordered_on_1{"Ordered1", &crawl_in_order, 1};
inline constexpr Engine ordered_on_2{"Ordered2", &crawl_in_order, 2};
inline constexpr Engine ordered_on_4{"Ordered4", &crawl_in_order, 4};
inline constexpr Engine threads{"Threads", &crawl_with_threads};

inline std::string engine_name(testing::TestParamInfo<Engine> const& engine) { return engine.param.name; }

} // namespace crawl
