#include "parallel.hpp"

#include "ledger.hpp"
#include "page.hpp"

#include <frond/bag.hpp>
#include <frond/pool.hpp>
#include <frond/runtime.hpp>

#include <optional>
#include <utility>

namespace crawl {

namespace {

/// A socket belongs to the `io_context` of its thread, so each thread keeps the connections that its own
/// tasks have made. It is made before the first of them, and goes with its thread, after the last.
thread_local std::optional<HttpClient> client;

/// As on one thread, but that tasks run at the same time: what they share is the ledger, which has the lock.
/// The report is none of theirs: one task reads the bag and writes it.
class ParallelCrawler {
public:
    ParallelCrawler(Ledger& ledger, Report& report, CrawlOptions const& options)
        : ledger_{ledger}, report_{report}, options_{options}, pool_{options.concurrency} {}

    Course run() {
        visit(ledger_.start());
        auto const end = take_all(pages_, options_,
                                  [this](Entry&& page, bool) { report_.loaded(page, pool_.stats().active); });
        return {pool_.stats().active_peak, end};
    }

private:
    void visit(Site::Id id) {
        pages_.spawn([this, id]() -> std::optional<Entry> {
            if (options_.is_stopping()) return std::nullopt;
            auto page = load(client_of_this_thread(), ledger_.url(id));
            auto recorded = ledger_.record(id, std::move(page));
            for (auto const next : recorded.to_load) visit(next);
            return std::move(recorded.entry);
        });
    }

    Ledger& ledger_;
    Report& report_;
    CrawlOptions const& options_;
    frond::Pool pool_;
    frond::Bag<Entry> pages_{pool_}; // last, so that it ends first
};

} // namespace

Course in_runtime(CrawlOptions const& options, boost::asio::ssl::context& tls,
                  std::function<Course()> const& crawl) {
    frond::Runtime runtime{{.threads = options.threads, .name = "crawl"}};
    runtime.run_on_each(
        [&] { client.emplace(fiber_connector(tls), options.request, options.idle_per_thread()); });
    return runtime.run(crawl);
}

HttpClient& client_of_this_thread() { return *client; }

Course crawl_in_parallel(Site& site, Report& report, CrawlOptions const& options,
                         boost::asio::ssl::context& tls) {
    Ledger ledger{site};
    return in_runtime(options, tls, [&] { return ParallelCrawler{ledger, report, options}.run(); });
}

} // namespace crawl
