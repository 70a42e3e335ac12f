#include "parallel.hpp"

#include "ledger.hpp"
#include "page.hpp"

#include <frond/pool.hpp>
#include <frond/runtime.hpp>

#include <optional>

namespace crawl {

namespace {

/// A socket belongs to the `io_context` of its thread, so each thread keeps the connections that its own
/// tasks have made. It is made before the first of them, and goes with its thread, after the last.
thread_local std::optional<HttpClient> client_of_this_thread;

/// As on one thread, but that tasks run at the same time: what they share is the ledger, which has the lock.
class ParallelCrawler {
public:
    ParallelCrawler(Ledger& ledger, CrawlOptions const& options)
        : ledger_{ledger}, options_{options}, pool_{pool_options(options)} {}

    Course run() {
        visit(ledger_.start());
        return joined(pool_, options_);
    }

private:
    void visit(Site::Id id) {
        pool_.spawn([this, id] {
            if (options_.is_stopping()) return;
            // A task that has started stays on its thread, so this is its client to the end.
            auto& client = *client_of_this_thread;
            auto page = load(client, ledger_.url(id));
            for (auto const next : ledger_.record(id, std::move(page), pool_.active())) visit(next);
        });
    }

    Ledger& ledger_;
    CrawlOptions const& options_;
    frond::Pool pool_; // last, so that it ends first
};

} // namespace

Course crawl_in_parallel(Site& site, Report& report, CrawlOptions const& options,
                         boost::asio::ssl::context& tls) {
    Ledger ledger{site, report};
    frond::Runtime runtime{{.threads = options.threads, .name = "crawl"}};
    runtime.run_on_each([&] {
        client_of_this_thread.emplace(fiber_connector(tls), options.request, options.idle_per_thread());
    });
    return runtime.run([&] { return ParallelCrawler{ledger, options}.run(); });
}

} // namespace crawl
