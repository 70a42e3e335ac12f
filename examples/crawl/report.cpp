#include "report.hpp"

#include <algorithm>
#include <cstdio>
#include <iomanip>
#include <ostream>
#include <sstream>
#include <stdexcept>

#include <nlohmann/json.hpp>

namespace crawl {

namespace {

using namespace std::chrono_literals;
constexpr auto redraw_every = 100ms;
constexpr std::size_t pages_shown = 5;

/// Text of a page must not reach the terminal as control sequences.
std::string printable(std::string_view text) {
    std::string result{text};
    for (char& c : result) {
        auto const byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && byte < 0xa0)) c = '?';
    }
    return result;
}

std::string megabytes(double bytes) {
    std::ostringstream out;
    out << std::fixed << std::setprecision(1) << bytes / 1e6 << " MB";
    return out.str();
}

double seconds(std::chrono::steady_clock::duration d) { return std::chrono::duration<double>(d).count(); }

} // namespace

Entry entry_of(Site const& site, Site::Id id) {
    auto const& node = site.node(id);
    auto const text_of = [&site](std::optional<Site::Id> other) {
        return other ? std::optional{site.node(*other).text} : std::nullopt;
    };
    return {node.text,
            node.status,
            node.error,
            node.bytes,
            node.found,
            node.took,
            text_of(node.referrer),
            text_of(node.redirect)};
}

Report::Report(Options const& options) : options_{options} {
    if (options_.json.empty()) return;
    json_.open(options_.json, std::ios::trunc);
    if (!json_) throw std::runtime_error{"cannot write " + options_.json};
}

void Report::loaded(Entry const& entry, std::size_t in_flight) {
    ++pages_;
    bytes_ += entry.bytes;
    if (json_.is_open()) write_json(entry);
    if (options_.listing) list(entry);
    if (options_.progress) draw_progress(in_flight);
}

// Lines are flushed one by one: who follows the crawl, be it by `tail -f`, sees them as they come.

void Report::write_json(Entry const& entry) {
    auto const or_null = [](std::optional<std::string> const& text) {
        return text ? nlohmann::ordered_json(*text) : nlohmann::ordered_json{};
    };
    nlohmann::ordered_json line;
    line["url"] = entry.url;
    line["status"] = entry.status;
    line["bytes"] = entry.bytes;
    line["links"] = entry.links;
    line["ms"] = entry.took.count();
    line["error"] = entry.error.empty() ? nlohmann::ordered_json{} : nlohmann::ordered_json(entry.error);
    line["referrer"] = or_null(entry.referrer);
    if (entry.redirect) line["redirect"] = *entry.redirect;
    json_ << line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << std::endl;
}

void Report::list(Entry const& entry) {
    auto& out = *options_.listing;
    if (entry.status == 0)
        out << "---";
    else
        out << std::setw(3) << entry.status;
    out << ' ' << printable(entry.url);
    if (entry.redirect) out << " -> " << printable(*entry.redirect);
    if (!entry.error.empty()) out << " (" << printable(entry.error) << ')';
    out << std::endl;
}

void Report::draw_progress(std::size_t in_flight) {
    auto const now = Clock::now();
    if (now < next_draw_) return;
    double const rate =
        now > drawn_at_ ? static_cast<double>(bytes_ - bytes_drawn_) / seconds(now - drawn_at_) : 0;
    std::fprintf(stderr, "\r%zu loaded, %zu in flight, %s/s\x1b[K", pages_, in_flight,
                 megabytes(rate).c_str());
    std::fflush(stderr);
    bytes_drawn_ = bytes_;
    drawn_at_ = now;
    next_draw_ = now + redraw_every;
}

void Report::write_broken(Site::Broken const& broken, std::ostream& out) const {
    out << "broken: " << printable(broken.url) << "\n    " << printable(broken.reason) << '\n';
    auto const shown = options_.all_pages ? broken.pages.size() : std::min(broken.pages.size(), pages_shown);
    for (std::size_t i = 0; i < shown; ++i) out << "    on " << printable(broken.pages[i]) << '\n';
    if (auto const more = broken.pages.size() - shown; more > 0)
        out << "    and on " << more << " more pages\n";
}

void Report::finish(Site const& site, Course const& course, std::ostream& out) {
    double const took = seconds(Clock::now() - start_);
    if (options_.progress) std::fputs("\r\x1b[K", stderr);

    for (auto const& broken : site.broken()) write_broken(broken, out);
    auto const totals = site.totals();
    auto const line = [&out](char const* name, auto const& value, char const* note = "") {
        out << std::left << std::setw(13) << name << value << note << '\n';
    };
    line("pages", totals.pages);
    line("other files", totals.others);
    line("links", totals.links);
    line("broken links", totals.broken_links);
    line("redirects", totals.redirects);
    line("external", totals.external, " URLs of other hosts, not loaded");
    if (totals.not_followed > 0) line("too deep", totals.not_followed, " URLs beyond the depth, not loaded");
    line("received", megabytes(static_cast<double>(totals.bytes)));
    std::ostringstream time;
    time << std::fixed << std::setprecision(2) << took << " s";
    line("wall time", time.str());
    line("in flight", course.peak_in_flight, " at most");
    if (course.end != Course::End::complete)
        line(course.end == Course::End::interrupted ? "interrupted" : "out of time", totals.left,
             " URLs left, not loaded, and what they lead to");

    if (json_.is_open() && !json_.flush()) throw std::runtime_error{"cannot write " + options_.json};
}

} // namespace crawl
