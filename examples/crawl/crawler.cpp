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
          pool_{options.concurrency} {}

    std::size_t run() {
        visit(site_.start());
        pool_.join();
        return pool_.stats().active_peak;
    }

private:
    void visit(Site::Id id) {
        pool_.spawn([this, id] {
            for (auto const next : site_.record(id, load(client_, site_.node(id).url))) visit(next);
            report_.loaded(site_, id, pool_.active());
        });
    }

    Site& site_;
    Report& report_;
    HttpClient client_;
    frond::Pool pool_; // last, so that it ends first: its tasks use the rest
};

} // namespace

std::size_t crawl_with_fibers(Site& site, Report& report, CrawlOptions const& options,
                              boost::asio::ssl::context& tls) {
    return Crawler{site, report, options, tls}.run();
}

} // namespace crawl
