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

Report::Report(Options const& options) : options_{options} {
    if (options_.json.empty()) return;
    json_.open(options_.json, std::ios::trunc);
    if (!json_) throw std::runtime_error{"cannot write " + options_.json};
}

void Report::loaded(Site const& site, Site::Id id, std::size_t in_flight) {
    auto const& node = site.node(id);
    ++pages_;
    bytes_ += node.bytes;
    if (json_.is_open()) write_json(site, node);
    if (options_.progress) draw_progress(in_flight);
}

void Report::write_json(Site const& site, Site::Node const& node) {
    nlohmann::ordered_json line;
    line["url"] = node.text;
    line["status"] = node.status;
    line["bytes"] = node.bytes;
    line["links"] = node.found;
    line["ms"] = node.took.count();
    line["error"] = node.error.empty() ? nlohmann::ordered_json{} : nlohmann::ordered_json(node.error);
    line["referrer"] =
        node.referrer ? nlohmann::ordered_json(site.node(*node.referrer).text) : nlohmann::ordered_json{};
    if (node.redirect) line["redirect"] = site.node(*node.redirect).text;
    json_ << line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << '\n';
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
