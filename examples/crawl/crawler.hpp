#pragma once

#include "connection.hpp"
#include "http_client.hpp"
#include "report.hpp"
#include "site.hpp"

#include <cstddef>

namespace crawl {

struct CrawlOptions {
    std::size_t concurrency = 64; ///< requests in flight at most
    RequestLimits request;
};

/// Crawls on fibers: one task a URL, each of which spawns those of the links it finds; one join ends it all.
/// @return the most requests that were in flight at once
std::size_t crawl_with_fibers(Site& site, Report& report, CrawlOptions const& options,
                              boost::asio::ssl::context& tls);

} // namespace crawl
