#include "ordered.hpp"

#include "page.hpp"
#include "parallel.hpp"

#include <frond/ordered_bag.hpp>
#include <frond/pool.hpp>

#include <optional>
#include <utility>

namespace crawl {

namespace {

/// No lock, although the tasks run at the same time: they only load. One loop takes their pages in order and
/// does the rest, so which page is the first to lead to a URL is the same each time, too.
class OrderedCrawler {
public:
    OrderedCrawler(Site& site, Report& report, CrawlOptions const& options)
        : site_{site}, report_{report}, options_{options}, pool_{options.concurrency} {}

    Course run() {
        visit(site_.start());
        auto const end = take_all(pages_, options_, [this](Loaded&& loaded, bool in_time) {
            for (auto const next : site_.record(loaded.id, std::move(loaded.page)))
                if (in_time) visit(next);
            report_.loaded(entry_of(site_, loaded.id), pool_.stats().active);
        });
        return {pool_.stats().active_peak, end};
    }

private:
    struct Loaded {
        Site::Id id;
        Page page;
    };

    void visit(Site::Id id) {
        // A URL, once known, never changes or moves; all else that the site holds is for the loop alone.
        pages_.spawn([this, id, &url = site_.node(id).url]() -> std::optional<Loaded> {
            if (options_.is_stopping()) return std::nullopt;
            return Loaded{id, load(client_of_this_thread(), url)};
        });
    }

    Site& site_;
    Report& report_;
    CrawlOptions const& options_;
    frond::Pool pool_;
    frond::OrderedBag<Loaded> pages_{
        pool_, {.window = 4 * options_.concurrency, .sequence = frond::Sequence::serial}};
};

} // namespace

Course crawl_in_order(Site& site, Report& report, CrawlOptions const& options,
                      boost::asio::ssl::context& tls) {
    return in_runtime(options, tls, [&] { return OrderedCrawler{site, report, options}.run(); });
}

} // namespace crawl
