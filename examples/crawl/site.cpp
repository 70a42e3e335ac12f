#include "site.hpp"

#include <algorithm>
#include <map>
#include <unordered_set>
#include <utility>

namespace crawl {

Site::Site(Url start, SiteLimits limits) : limits_{limits}, authority_{start.authority()} {
    auto& node = nodes_.emplace_back();
    node.text = start.text();
    node.url = std::move(start);
    node.depth = 0;
    node.state = Node::State::loading;
    ids_.emplace(node.text, 0);
}

std::vector<Site::Id> Site::record(Id id, Page page) {
    auto& node = nodes_[id];
    node.state = Node::State::loaded;
    node.status = page.status;
    node.error = std::move(page.error);
    node.is_html = page.is_html;
    node.bytes = page.bytes;
    node.took = page.took;
    node.found = page.links.size();

    std::vector<Id> to_load;
    if (page.redirect) {
        // Who starts at example.org means the site, even if that lives at www.example.org.
        bool const still_starting = node.depth == 0;
        if (still_starting && page.redirect->url) authority_ = page.redirect->url->authority();
        node.redirect = add(*page.redirect, id);
        reach(*node.redirect, node.depth, node.hops + 1, to_load);
    }
    std::unordered_set<Id> seen;
    for (auto const& link : page.links) {
        auto const target = add(link, id);
        if (!seen.insert(target).second) continue;
        node.links.push_back(target);
        reach(target, node.depth + 1, 0, to_load);
    }
    return to_load;
}

Site::Id Site::add(Link const& link, Id referrer) {
    auto const& text = link.url ? link.url->text() : link.invalid;
    auto const [found, is_new] = ids_.try_emplace(text, static_cast<Id>(nodes_.size()));
    if (is_new) {
        auto& node = nodes_.emplace_back();
        node.text = text;
        node.referrer = referrer;
        if (!link.url) {
            node.state = Node::State::invalid;
        } else {
            node.url = *link.url;
            if (node.url.authority() != authority_) node.state = Node::State::external;
        }
    }
    return found->second;
}

/// Notes a path to `id`. Which path is found first depends on the weather; so when a shorter one turns up,
/// all that it brings within the depth is reached anew.
void Site::reach(Id id, std::uint32_t depth, std::uint32_t hops, std::vector<Id>& to_load) {
    auto& node = nodes_[id];
    if (node.state == Node::State::external || node.state == Node::State::invalid || depth >= node.depth)
        return;
    if (depth > limits_.max_depth || hops > limits_.max_redirects) return;
    node.depth = depth;
    if (node.state == Node::State::known) {
        node.state = Node::State::loading;
        node.hops = hops;
        to_load.push_back(id);
    } else if (node.state == Node::State::loaded) {
        if (node.redirect) reach(*node.redirect, depth, node.hops + 1, to_load);
        for (auto const target : node.links) reach(target, depth + 1, 0, to_load);
    }
}

/// Says what is wrong with a URL, or nothing. A redirect is as good as its target; only now, when all is
/// loaded, it is known where each one ends.
std::string Site::verdict(Id id) const {
    std::unordered_set<Id> path;
    for (Id at = id;; at = *nodes_[at].redirect) {
        auto const& node = nodes_[at];
        auto const via = at == id ? std::string{} : " (redirected to " + node.text + ")";
        if (!path.insert(at).second) return "redirect loop";
        if (path.size() > limits_.max_redirects + std::size_t{1})
            return "more than " + std::to_string(limits_.max_redirects) + " redirects";
        if (node.state == Node::State::invalid) return "invalid URL" + via;
        if (!node.error.empty()) return node.error + via;
        if (node.status >= 400) return "status " + std::to_string(node.status) + via;
        if (!node.redirect) return {};
    }
}

Site::Totals Site::totals() const {
    Totals totals;
    for (Id id = 0; id < nodes_.size(); ++id) {
        auto const& node = nodes_[id];
        bool const is_broken = !verdict(id).empty();
        totals.bytes += node.bytes;
        totals.links += node.found;
        totals.redirects += node.redirect.has_value();
        totals.external += node.state == Node::State::external;
        totals.not_followed += node.state == Node::State::known && !is_broken;
        totals.left += node.state == Node::State::loading;
        if (node.state == Node::State::loaded && !is_broken && !node.redirect) {
            ++(node.is_html ? totals.pages : totals.others);
        }
    }
    for (auto const& broken : this->broken())
        totals.broken_links += std::max<std::size_t>(broken.pages.size(), 1);
    return totals;
}

std::vector<Site::Broken> Site::broken() const {
    std::map<std::string, Broken> by_url;
    std::vector<Broken*> entries(nodes_.size());
    for (Id id = 0; id < nodes_.size(); ++id) {
        auto const& text = nodes_[id].text;
        if (auto reason = verdict(id); !reason.empty())
            entries[id] = &(by_url[text] = {text, std::move(reason), {}});
    }
    for (auto const& page : nodes_) {
        for (auto const target : page.links) {
            if (entries[target] != nullptr) entries[target]->pages.push_back(page.text);
        }
    }
    std::vector<Broken> result;
    for (auto& [url, broken] : by_url) {
        // What only redirects lead to is named with them.
        if (broken.pages.empty() && url != nodes_[start()].text) continue;
        std::sort(broken.pages.begin(), broken.pages.end());
        result.push_back(std::move(broken));
    }
    return result;
}

} // namespace crawl
