#include "threads.hpp"

#include "page.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace crawl {

namespace {

/// What one `join()` hides: a frontier, a count of the busy threads to know when nothing can come any more,
/// and a lock around all that the threads share, the report among it.
class ThreadCrawler {
public:
    ThreadCrawler(Site& site, Report& report, CrawlOptions const& options, boost::asio::ssl::context& tls)
        : site_{site}, report_{report}, options_{options}, tls_{tls}, frontier_{site.start()} {}

    Course run() {
        {
            std::vector<std::jthread> threads;
            threads.reserve(options_.concurrency);
            try {
                while (threads.size() < options_.concurrency) threads.emplace_back([this] { work(); });
            } catch (std::system_error const&) {
                // Fewer threads than asked for is what the system allows; with none there is nobody to do the
                // work.
                if (threads.empty()) throw;
            }
        }
        if (failure_) std::rethrow_exception(failure_);
        return {peak_, options_.is_stopping() ? Course::End::interrupted : Course::End::complete};
    }

private:
    void work() {
        HttpClient client{blocking_connector(tls_, options_.give_up), options_.request};
        std::unique_lock lock{mutex_};
        for (;;) {
            changed_.wait(lock, [this] { return !frontier_.empty() || busy_ == 0; });
            if (frontier_.empty() || options_.is_stopping()) return;
            auto const id = frontier_.front();
            frontier_.pop_front();
            peak_ = std::max(peak_, ++busy_);
            auto const url = site_.node(id).url;
            lock.unlock();
            auto page = load(client, url);
            lock.lock();
            try {
                if (options_.give_up.stop_requested()) {
                    frontier_.clear(); // and what came of this page says nothing about it
                } else {
                    for (auto const next : site_.record(id, std::move(page))) frontier_.push_back(next);
                    report_.loaded(entry_of(site_, id), busy_);
                }
            } catch (...) {
                failure_ = std::current_exception();
                frontier_.clear();
            }
            --busy_;
            changed_.notify_all();
        }
    }

    Site& site_;
    Report& report_;
    CrawlOptions const& options_;
    boost::asio::ssl::context& tls_;

    std::mutex mutex_; // guards all below, the site and the report
    std::condition_variable changed_;
    std::deque<Site::Id> frontier_;
    std::size_t busy_ = 0;
    std::size_t peak_ = 0;
    std::exception_ptr failure_;
};

} // namespace

Course crawl_with_threads(Site& site, Report& report, CrawlOptions const& options,
                          boost::asio::ssl::context& tls) {
    return ThreadCrawler{site, report, options, tls}.run();
}

} // namespace crawl
