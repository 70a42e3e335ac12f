#pragma once

#include "crawler.hpp"

#include <functional>

namespace crawl {

/// The crawl of `crawl_with_fibers` on `options.threads` threads: pages are fetched and parsed on all of
/// them, under one cap, and what it finds is the same.
Course crawl_in_parallel(Site& site, Report& report, CrawlOptions const& options,
                         boost::asio::ssl::context& tls);

/// Calls `crawl` as a task of a runtime with `options.threads` threads, each of which has a client.
Course in_runtime(CrawlOptions const& options, boost::asio::ssl::context& tls,
                  std::function<Course()> const& crawl);
/// The calling thread's, in tasks of `in_runtime`. A task that has started stays on its thread, so this is
/// its client to the end.
HttpClient& client_of_this_thread();

} // namespace crawl
