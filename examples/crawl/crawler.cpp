#include "crawler.hpp"

#include "page.hpp"

#include <frond/pool.hpp>

namespace crawl {

namespace {

/// No lock anywhere: the tasks of a pool take turns on one thread, and change over only where one of them
/// waits.
class Crawler {
public:
    Crawler(Site& site, Report& report, CrawlOptions const& options, boost::asio::ssl::context& tls)
        : site_{site},
          report_{report},
          client_{fiber_connector(tls), options.request},
          options_{options},
          pool_{pool_options(options)} {}

    Course run() {
        visit(site_.start());
        return joined(pool_, options_);
    }

private:
    void visit(Site::Id id) {
        pool_.spawn([this, id] {
            if (options_.is_stopping()) return;
            for (auto const next : site_.record(id, load(client_, site_.node(id).url))) visit(next);
            report_.loaded(site_, id, pool_.active());
        });
    }

    Site& site_;
    Report& report_;
    HttpClient client_;
    CrawlOptions const& options_;
    frond::Pool pool_; // last, so that it ends first: its tasks use the rest
};

} // namespace

frond::PoolOptions pool_options(CrawlOptions const& options) {
    return {.limit = options.concurrency, .group = {.timeout = options.deadline, .stop = options.give_up}};
}

Course joined(frond::Pool& pool, CrawlOptions const& options) {
    Course course;
    try {
        pool.join();
    } catch (frond::TimedOut const&) {
        course.end = Course::End::out_of_time;
    }
    if (options.is_stopping()) course.end = Course::End::interrupted;
    course.peak_in_flight = pool.stats().active_peak;
    return course;
}

Course crawl_with_fibers(Site& site, Report& report, CrawlOptions const& options,
                         boost::asio::ssl::context& tls) {
    return Crawler{site, report, options, tls}.run();
}

} // namespace crawl
