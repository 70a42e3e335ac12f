#pragma once

#include "connection.hpp"
#include "http_client.hpp"
#include "report.hpp"
#include "site.hpp"

#include <chrono>
#include <cstddef>
#include <stop_token>

#include <frond/cancel.hpp>
#include <frond/duration.hpp>

namespace crawl {

struct CrawlOptions {
    std::size_t concurrency = 64; ///< requests in flight at most
    std::size_t threads = 1;      ///< that fetch and parse; not for `crawl_with_fibers`
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

/// What the crawls on fibers have in common: reads what `pages`, a bag, yields, and hands it to `take` as it
/// comes, until the crawl is over in one way or another. What had been loaded when it was stopped is taken,
/// too; `take` is told whether the time is not up yet.
template <class Pages, class Take>
Course::End take_all(Pages& pages, CrawlOptions const& options, Take const& take) {
    std::stop_callback const drop_the_rest{options.give_up, [&pages] { pages.request_cancel(); }};
    auto const take_what_comes = [&](bool in_time) {
        while (auto page = pages.next()) take(*std::move(page), in_time);
    };
    bool const in_time = frond::move_on_after(options.deadline, [&] { take_what_comes(true); }).has_value();
    if (!in_time) {
        pages.cancel();
        take_what_comes(false);
    }
    if (options.is_stopping()) return Course::End::interrupted;
    return in_time ? Course::End::complete : Course::End::out_of_time;
}

/// Crawls on fibers: one task a URL, each of which spawns those of the links it finds; one loop reports them
/// all, as they come.
Course crawl_with_fibers(Site& site, Report& report, CrawlOptions const& options,
                         boost::asio::ssl::context& tls);

} // namespace crawl
