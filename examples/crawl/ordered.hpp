#pragma once

#include "crawler.hpp"

namespace crawl {

/// A crawl on `options.threads` threads that reports the URLs in the order in which one that makes a single
/// request at a time would load them, page by page and link by link, however many are under way and whatever
/// the order of the answers. So two crawls of a site that has not changed say the same, word for word.
///
/// The price: what a page links to is begun only when it is the page's turn, and a page that is slow to come
/// lets at most four times `options.concurrency` others go ahead.
Course crawl_in_order(Site& site, Report& report, CrawlOptions const& options,
                      boost::asio::ssl::context& tls);

} // namespace crawl
