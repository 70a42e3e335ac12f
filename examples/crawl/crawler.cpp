#include "crawler.hpp"

#include "page.hpp"

#include <frond/bag.hpp>
#include <frond/pool.hpp>

#include <optional>

namespace crawl {

namespace {

/// No lock anywhere: the tasks take turns on one thread, and change over only where one of them waits.
class Crawler {
public:
    Crawler(Site& site, Report& report, CrawlOptions const& options, boost::asio::ssl::context& tls)
        : site_{site},
          report_{report},
          client_{fiber_connector(tls), options.request},
          options_{options},
          pool_{options.concurrency} {}

    Course run() {
        visit(site_.start());
        auto const end = take_all(pages_, options_,
                                  [this](Entry&& page, bool) { report_.loaded(page, pool_.stats().active); });
        return {pool_.stats().active_peak, end};
    }

private:
    void visit(Site::Id id) {
        pages_.spawn([this, id]() -> std::optional<Entry> {
            if (options_.is_stopping()) return std::nullopt;
            for (auto const next : site_.record(id, load(client_, site_.node(id).url))) visit(next);
            return entry_of(site_, id);
        });
    }

    Site& site_;
    Report& report_;
    HttpClient client_;
    CrawlOptions const& options_;
    frond::Pool pool_;
    frond::Bag<Entry> pages_{pool_}; // last, so that it ends first: its tasks use the rest
};

} // namespace

Course crawl_with_fibers(Site& site, Report& report, CrawlOptions const& options,
                         boost::asio::ssl::context& tls) {
    return Crawler{site, report, options, tls}.run();
}

} // namespace crawl
