#pragma once

#include "http_client.hpp"
#include "url.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace crawl {

/// A link of a page: an URL, or the text of a reference that is none.
struct Link {
    std::optional<Url> url;
    std::string invalid;
};

/// What loading one URL gave.
struct Page {
    unsigned status = 0;
    std::string error; ///< why there is no usable answer; empty if there is one
    bool is_html = false;
    std::uint64_t bytes = 0;
    std::chrono::milliseconds took{0};
    std::optional<Link> redirect;
    std::vector<Link> links; ///< in the order of the page, repeats included, mailto: and the like left out
};

/// Fetches `url` and, if it is an HTML page, reads its links while it arrives. Throws nothing that a page
/// could cause.
Page load(HttpClient& client, Url const& url);

} // namespace crawl
