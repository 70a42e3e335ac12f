#pragma once

#include "connection.hpp"
#include "http_client.hpp"
#include "report.hpp"
#include "site.hpp"

#include <cstddef>

namespace crawl {

struct CrawlOptions {
    std::size_t concurrency = 64; ///< requests in flight at most
    std::size_t threads = 1;      ///< that fetch and parse; for `crawl_in_parallel` only
    RequestLimits request;

    /// Connections that a thread may keep open for later, so that all threads together never have more than
    /// twice as many open as there may be requests in flight, and one a thread.
    std::size_t idle_per_thread() const { return (concurrency + threads - 1) / threads; }
};

/// Crawls on fibers: one task a URL, each of which spawns those of the links it finds; one join ends it all.
/// @return the most requests that were in flight at once
std::size_t crawl_with_fibers(Site& site, Report& report, CrawlOptions const& options,
                              boost::asio::ssl::context& tls);

} // namespace crawl
