#include "page.hpp"

#include "links.hpp"

#include <exception>

namespace crawl {

namespace {

std::vector<Link> resolved(Url const& page, Links const& found) {
    Url base = page;
    if (found.base) {
        if (auto given = resolve(page, *found.base); given.kind == Reference::Kind::web)
            base = std::move(given.url);
    }
    std::vector<Link> links;
    links.reserve(found.references.size());
    for (auto const& text : found.references) {
        auto reference = resolve(base, text);
        if (reference.kind == Reference::Kind::web) links.push_back({std::move(reference.url), {}});
        if (reference.kind == Reference::Kind::invalid) links.push_back({std::nullopt, text});
    }
    return links;
}

bool is_redirect(unsigned status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Page fetched(HttpClient& client, Url const& url) {
    std::optional<LinkParser> parser;
    auto const response = client.get(url, [&parser](Response const& head, std::string_view piece) {
        if (!parser) parser.emplace(head.charset);
        parser->feed(piece);
    });

    Page page;
    page.status = response.status;
    page.bytes = response.bytes;
    page.error = response.error;
    page.is_html = response.status == 200 && response.content_type == "text/html";
    if (parser) page.links = resolved(url, parser->finish());
    if (is_redirect(response.status)) {
        auto target = resolve(url, response.location);
        if (response.location.empty()) {
            page.error = "redirect without a target";
        } else if (target.kind == Reference::Kind::web) {
            page.redirect = Link{std::move(target.url), {}};
        } else {
            page.redirect = Link{std::nullopt, response.location};
        }
    }
    return page;
}

} // namespace

Page load(HttpClient& client, Url const& url) {
    auto const start = std::chrono::steady_clock::now();
    Page page;
    try {
        page = fetched(client, url);
    } catch (std::exception const& e) {
        page.error = e.what();
    }
    page.took =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
    return page;
}

} // namespace crawl
