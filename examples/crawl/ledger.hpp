#pragma once

#include "report.hpp"
#include "site.hpp"

#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace crawl {

/// What the threads of a crawl write into together: the site and the report, behind one lock.
///
/// A `std::mutex` does, on fibers as well, because nothing here suspends while it is held. A fiber that fell
/// asleep with it would block every thread whose fibers come to it, its own first, and so for ever. Hence
/// nothing is lent out that would have to be used under the lock, nobody is called back, and what takes time
/// or waits (fetching, parsing) is done before.
///
/// Thread safety: any thread, at once. The site and the report are nobody else's until all threads are done.
class Ledger {
public:
    Ledger(Site& site, Report& report) : site_{site}, report_{report} {}

    Site::Id start() const { return site_.start(); }

    Url url(Site::Id id) {
        std::scoped_lock const lock{mutex_};
        return site_.node(id).url;
    }

    /// Takes what loading `id` gave, and reports it. @return the URLs that are to be loaded because of it,
    /// each only once ever, whichever thread asks
    std::vector<Site::Id> record(Site::Id id, Page page, std::size_t in_flight) {
        std::scoped_lock const lock{mutex_};
        auto to_load = site_.record(id, std::move(page));
        report_.loaded(site_, id, in_flight);
        return to_load;
    }

private:
    std::mutex mutex_; // guards what the two refer to
    Site& site_;
    Report& report_;
};

} // namespace crawl
