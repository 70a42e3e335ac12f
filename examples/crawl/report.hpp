#pragma once

#include "site.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iosfwd>
#include <optional>
#include <string>

namespace crawl {

/// How a crawl went, whatever it found.
struct Course {
    enum class End {
        complete,
        interrupted, ///< it was told to stop
        out_of_time, ///< its own deadline came first
    };
    std::size_t peak_in_flight = 0; ///< requests at once, at most
    End end = End::complete;
};

/// What is said of one URL that was loaded. It refers to nothing, so it can go to whoever writes it while the
/// crawl goes on.
struct Entry {
    std::string url;
    unsigned status = 0;
    std::string error;
    std::uint64_t bytes = 0;
    std::size_t links = 0;
    std::chrono::milliseconds took{0};
    std::optional<std::string> referrer;
    std::optional<std::string> redirect;
};
Entry entry_of(Site const& site, Site::Id id);

/// What a user sees: while the crawl runs a progress line and, if asked for, a line for each URL, also as
/// JSON; and the summary.
class Report {
public:
    struct Options {
        bool progress = false;           ///< redraw a line on stderr while the crawl runs
        bool all_pages = false;          ///< name all pages that hold a broken link, not just the first few
        std::string json;                ///< file for one JSON object a line; empty for none
        std::ostream* listing = nullptr; ///< where each URL is named as it is reported; nullptr: nowhere
    };

    /// @throws std::runtime_error if the JSON file cannot be written
    explicit Report(Options const& options);
    Report(Report const&) = delete;
    Report& operator=(Report const&) = delete;

    /// Reports a URL that was loaded: what it writes of it is written when this returns.
    void loaded(Entry const& entry, std::size_t in_flight);

    /// Ends the progress line and writes the summary. @throws std::runtime_error if the JSON file is
    /// incomplete
    void finish(Site const& site, Course const& course, std::ostream& out);

private:
    using Clock = std::chrono::steady_clock;

    void write_json(Entry const& entry);
    void list(Entry const& entry);
    void write_broken(Site::Broken const& broken, std::ostream& out) const;
    void draw_progress(std::size_t in_flight);

    Options options_;
    std::ofstream json_;
    Clock::time_point const start_ = Clock::now();
    Clock::time_point next_draw_ = start_;
    std::size_t pages_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t bytes_drawn_ = 0;
    Clock::time_point drawn_at_ = start_;
};

} // namespace crawl
