#pragma once

#include "page.hpp"
#include "url.hpp"

#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace crawl {

/// What bounds a crawl as a whole.
struct SiteLimits {
    std::uint32_t max_depth = std::numeric_limits<std::uint32_t>::max() - 1; ///< links away from the start
    std::uint32_t max_redirects = 10;                                        ///< in a row
};

/// Everything known of a site: each URL once, what loading it gave, and which page links to which URL. It
/// decides what is loaded and does no I/O itself. What it reports does not depend on the order in which pages
/// arrive.
class Site {
public:
    using Id = std::uint32_t;

    struct Node {
        std::string text; ///< the canonical URL, or the reference that is none
        Url url;
        unsigned status = 0;
        std::string error;
        bool is_html = false;
        std::uint64_t bytes = 0;
        std::chrono::milliseconds took{0};
        std::size_t found = 0; ///< links on the page, repeats included
        std::vector<Id> links; ///< the same, each target once
        std::optional<Id> redirect;
        std::optional<Id> referrer; ///< the first page or redirect that led here
        std::uint32_t depth = unreached;
        std::uint32_t hops = 0; ///< redirects in a row that led here
        enum class State { known, loading, loaded, external, invalid } state = State::known;
    };

    struct Totals {
        std::size_t pages = 0;  ///< HTML pages read
        std::size_t others = 0; ///< URLs of the site that are there and are no pages
        std::size_t links = 0;  ///< href and src on those pages, repeats and other hosts included
        std::size_t broken_links =
            0; ///< pairs of a page and a broken URL that it links to; the start counts as one
        std::size_t redirects = 0;    ///< URLs that answered with a redirect
        std::size_t external = 0;     ///< URLs of other hosts, not loaded
        std::size_t not_followed = 0; ///< URLs of the site beyond the depth
        std::size_t left = 0;         ///< URLs that are to be loaded and are not; none after a whole crawl
        std::uint64_t bytes = 0;
    };

    struct Broken {
        std::string url;
        std::string reason;
        std::vector<std::string> pages; ///< that link to it; none for the start URL
    };

    Site(Url start, SiteLimits limits);

    /// Gives the first URL to load.
    Id start() const { return 0; }
    Node const& node(Id id) const { return nodes_[id]; }

    /// Takes what loading `id` gave. @return the URLs that are to be loaded because of it, each only once
    /// ever
    std::vector<Id> record(Id id, Page page);

    Totals totals() const;
    /// Gives what is linked to and cannot be had, and the pages to mend; all in the order of their text.
    std::vector<Broken> broken() const;

private:
    static constexpr std::uint32_t unreached = std::numeric_limits<std::uint32_t>::max();

    Id add(Link const& link, Id referrer);
    void reach(Id id, std::uint32_t depth, std::uint32_t hops, std::vector<Id>& to_load);
    std::string verdict(Id id) const;

    SiteLimits limits_;
    std::string authority_;
    std::deque<Node> nodes_;
    std::unordered_map<std::string, Id> ids_;
};

} // namespace crawl
