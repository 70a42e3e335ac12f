#pragma once

#include "connection.hpp"
#include "http_client.hpp"
#include "report.hpp"
#include "site.hpp"

#include <chrono>
#include <cstddef>
#include <stop_token>

#include <frond/pool.hpp>

namespace crawl {

struct CrawlOptions {
    std::size_t concurrency = 64; ///< requests in flight at most
    std::size_t threads = 1;      ///< that fetch and parse; for `crawl_in_parallel` only
    RequestLimits request;

    std::stop_token wind_down = {}; ///< once it stops, no URL is begun any more; those under way are finished
    std::stop_token give_up = {};   ///< once it stops, those under way are dropped, too
    /// For the whole crawl; then what is under way is dropped. On fibers only.
    std::chrono::nanoseconds deadline = frond::forever;

    bool is_stopping() const { return wind_down.stop_requested() || give_up.stop_requested(); }

    /// Connections that a thread may keep open for later, so that all threads together never have more than
    /// twice as many open as there may be requests in flight, and one a thread.
    std::size_t idle_per_thread() const { return (concurrency + threads - 1) / threads; }
};

/// What both crawls on fibers have in common: a pool whose tasks end when the crawl is to, and the wait for
/// that.
frond::PoolOptions pool_options(CrawlOptions const& options);
Course joined(frond::Pool& pool, CrawlOptions const& options);

/// Crawls on fibers: one task a URL, each of which spawns those of the links it finds; one join ends it all.
Course crawl_with_fibers(Site& site, Report& report, CrawlOptions const& options,
                         boost::asio::ssl::context& tls);

} // namespace crawl
