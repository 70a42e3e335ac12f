/// crawl: checks all links of a web site, page after page, many at once.

#include "crawler.hpp"
#include "interrupts.hpp"
#include "ordered.hpp"
#include "parallel.hpp"
#include "report.hpp"
#include "site.hpp"
#include "threads.hpp"

#include <CLI/CLI.hpp>

#include <cmath>
#include <cstdio>
#include <exception>
#include <iostream>

#include <frond/blocking.hpp>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

namespace {

enum ExitCode {
    all_well = 0,
    something_broken = 1,
    bad_usage = 2,
    out_of_time = 124, ///< as that of timeout(1)
    signalled = 128,   ///< and the signal's number, as shells have it
};

struct Arguments {
    std::string url;
    crawl::CrawlOptions crawl;
    crawl::SiteLimits site;
    crawl::Report::Options report;
    double timeout_seconds = 10;
    double deadline_seconds = 0; ///< 0: none
    bool threads_instead = false;
    bool list = false;
    bool ordered = false;
    bool insecure = false;
};

void describe(CLI::App& app, Arguments& arguments) {
    app.add_option("URL", arguments.url, "Where to start; the crawl stays on this host")->required();
    app.add_option("-c,--concurrency", arguments.crawl.concurrency, "Requests in flight at most")
        ->check(CLI::Range(1, 100'000))
        ->capture_default_str();
    auto* const threads = app.add_option("--threads", arguments.crawl.threads,
                                         "Threads that fetch and parse, together under that cap")
                              ->check(CLI::Range(1, 1024))
                              ->capture_default_str();
    app.add_option("-d,--depth", arguments.site.max_depth,
                   "Follow links this far from the start (default: no limit)")
        ->check(CLI::Range(0, 1'000'000));
    app.add_option("-t,--timeout", arguments.timeout_seconds, "Seconds for one request, all in all")
        ->check(CLI::Range(0.001, 86'400.0))
        ->capture_default_str();
    auto* const deadline = app.add_option("--deadline", arguments.deadline_seconds,
                                          "Seconds for the crawl; then it ends with what it has (default: no "
                                          "limit)")
                               ->check(CLI::Range(0.001, 31'536'000.0));
    app.add_option("--max-body", arguments.crawl.request.max_body, "Bytes of a page; a larger one is broken")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40))
        ->capture_default_str();
    app.add_option("--max-redirects", arguments.site.max_redirects, "Redirects in a row")
        ->check(CLI::Range(0, 1'000))
        ->capture_default_str();
    app.add_option("--json", arguments.report.json, "Write one JSON object a line and URL to this file");
    app.add_flag("--list", arguments.list, "Name each URL on standard output, as it is loaded");
    auto* const ordered =
        app.add_flag("--ordered", arguments.ordered,
                     "The same, and the lines of --json, in an order that is the same each time");
    app.add_flag("--all-pages", arguments.report.all_pages,
                 "Name all pages with a broken link, not just the first five");
    app.add_flag("--insecure", arguments.insecure, "Do not verify certificates");
    app.add_flag("--threads-instead", arguments.threads_instead,
                 "Use a thread for each request in flight, for comparison")
        ->excludes(threads)
        ->excludes(deadline)
        ->excludes(ordered);
}

/// Raises the number of files that may be open as far as the system lets us, and asks for no more connections
/// than fit.
void fit_to_descriptors(crawl::CrawlOptions& options) {
    // Standard streams, the JSON file; and for each thread its event queue and name lookups.
    rlim_t const others = 32 + 8 * (options.threads - 1);
    // One thread reuses every idle connection. Of several each has its own, see `idle_per_thread`.
    rlim_t const for_each = options.threads == 1 ? 1 : 2;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    rlim_t const fitting = limit.rlim_cur > others + for_each ? (limit.rlim_cur - others) / for_each : 1;
    if (options.concurrency <= fitting) return;
    options.concurrency = fitting;
    std::cerr << "crawl: the system lets a process open " << limit.rlim_cur
              << " files; continuing with --concurrency " << fitting << '\n';
}

/// Runs the crawl of the kind that was asked for. This thread must not block meanwhile, but wait in frond,
/// because it is where signals are noticed.
crawl::Course crawl_site(crawl::Site& site, crawl::Report& report, crawl::CrawlOptions const& options,
                         Arguments const& arguments, boost::asio::ssl::context& tls) {
    if (arguments.threads_instead)
        return frond::blocking([&] { return crawl::crawl_with_threads(site, report, options, tls); });
    if (arguments.ordered) return crawl::crawl_in_order(site, report, options, tls);
    auto const engine = options.threads > 1 ? crawl::crawl_in_parallel : crawl::crawl_with_fibers;
    return engine(site, report, options, tls);
}

int run(Arguments const& arguments) {
    auto start = crawl::parse_url(arguments.url);
    if (start.kind != crawl::Reference::Kind::web) {
        std::cerr << "crawl: not an http or https URL: " << arguments.url << '\n';
        return bad_usage;
    }
    auto tls = crawl::make_tls_context(arguments.insecure);
    crawl::Site site{std::move(start.url), arguments.site};
    crawl::Report report{arguments.report};
    crawl::Interrupts const interrupts{arguments.report.progress}; // up to the end of the report
    auto options = arguments.crawl;
    options.wind_down = interrupts.wind_down();
    options.give_up = interrupts.give_up();
    auto const course = crawl_site(site, report, options, arguments, tls);
    report.finish(site, course, std::cout);
    if (course.end == crawl::Course::End::interrupted) return signalled + interrupts.first();
    if (course.end == crawl::Course::End::out_of_time) return out_of_time;
    return site.broken().empty() ? all_well : something_broken;
}

} // namespace

int main(int argc, char** argv) {
    // A server that hangs up must show as an error of that write, not end the program.
    ::signal(SIGPIPE, SIG_IGN);
    Arguments arguments;
    CLI::App app{"Checks all links of a web site.", "crawl"};
    app.footer(
        "Exit code: 0 nothing is broken, 1 something is, 2 wrong usage or no result; of a crawl that was "
        "cut short 124 after its deadline, 130 after an interrupt, 143 after a request to terminate. Then "
        "the summary tells of what there is.");
    describe(app, arguments);
    try {
        app.parse(argc, argv);
    } catch (CLI::ParseError const& e) {
        return app.exit(e) == 0 ? all_well : bad_usage;
    }
    arguments.crawl.request.timeout =
        std::chrono::milliseconds{std::llround(arguments.timeout_seconds * 1000)};
    if (arguments.deadline_seconds > 0)
        arguments.crawl.deadline = std::chrono::milliseconds{std::llround(arguments.deadline_seconds * 1000)};
    fit_to_descriptors(arguments.crawl);
    if (arguments.list || arguments.ordered) arguments.report.listing = &std::cout;
    // Not beside a listing, which shows the progress, too.
    arguments.report.progress =
        !arguments.report.listing && ::isatty(STDOUT_FILENO) != 0 && ::isatty(STDERR_FILENO) != 0;
    try {
        return run(arguments);
    } catch (std::exception const& e) {
        std::cerr << "crawl: " << e.what() << '\n';
        return bad_usage;
    }
}
