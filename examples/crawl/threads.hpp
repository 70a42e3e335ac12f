#pragma once

#include "crawler.hpp"

namespace crawl {

/// The same crawl without frond, for comparison: `concurrency` threads, each with blocking sockets of its
/// own.
Course crawl_with_threads(Site& site, Report& report, CrawlOptions const& options,
                          boost::asio::ssl::context& tls);

} // namespace crawl
