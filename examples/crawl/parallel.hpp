#pragma once

#include "crawler.hpp"

namespace crawl {

/// The crawl of `crawl_with_fibers` on `options.threads` threads: pages are fetched and parsed on all of
/// them, under one cap, and what it finds is the same.
Course crawl_in_parallel(Site& site, Report& report, CrawlOptions const& options,
                         boost::asio::ssl::context& tls);

} // namespace crawl
