#pragma once

#include "report.hpp"
#include "site.hpp"

#include <mutex>
#include <utility>
#include <vector>

namespace crawl {

/// What the threads of a crawl write into together: the site, behind a lock.
///
/// A `std::mutex` does, on fibers as well, because nothing here suspends while it is held. A fiber that fell
/// asleep with it would block every thread whose fibers come to it, its own first, and so for ever. Hence
/// nothing is lent out that would have to be used under the lock, nobody is called back, and what takes time
/// or waits (fetching, parsing, reporting) is done before or after.
///
/// Thread safety: any thread, at once. The site is nobody else's until all threads are done.
class Ledger {
public:
    explicit Ledger(Site& site) : site_{site} {}

    Site::Id start() const { return site_.start(); }

    Url url(Site::Id id) {
        std::scoped_lock const lock{mutex_};
        return site_.node(id).url;
    }

    struct Recorded {
        Entry entry;
        std::vector<Site::Id> to_load; ///< each only once ever, whichever thread asks
    };
    /// Takes what loading `id` gave. @return what there is to say of it, and the URLs that are to be loaded
    /// because of it
    Recorded record(Site::Id id, Page page) {
        std::scoped_lock const lock{mutex_};
        auto to_load = site_.record(id, std::move(page));
        return {entry_of(site_, id), std::move(to_load)};
    }

private:
    std::mutex mutex_; // guards what it refers to
    Site& site_;
};

} // namespace crawl
