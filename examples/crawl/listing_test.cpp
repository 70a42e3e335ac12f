/// What a crawl says while it runs: each URL as it comes, or all in the same order each time.

#include "engines.hpp"
#include "report.hpp"
#include "scripted_server.hpp"
#include "site.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include <unistd.h>

namespace crawl {
namespace {

using namespace std::chrono_literals;
using Answer = ScriptedServer::Answer;

class ListingTest : public testing::TestWithParam<Engine> {
protected:
    /// Crawls, while another thread does `meanwhile`. @return the listing, by request targets
    std::string crawl(ScriptedServer const& server, std::function<void()> meanwhile = [] {}) {
        Site site{parse_url(server.url("/")).url, {}};
        std::ostringstream listing;
        report_options.listing = &listing;
        Report report{report_options};
        {
            std::jthread const other{std::move(meanwhile)};
            engine.crawl(site, report, options, tls);
        }
        auto text = listing.str();
        auto const prefix = server.url("");
        for (auto at = text.find(prefix); at != text.npos; at = text.find(prefix, at))
            text.erase(at, prefix.size());
        return text;
    }

    Engine engine = GetParam();
    CrawlOptions options{.concurrency = 4, .threads = engine.threads, .request = {.timeout = 1h}};
    Report::Options report_options;
    boost::asio::ssl::context tls = make_tls_context(false);
};

INSTANTIATE_TEST_SUITE_P(, ListingTest,
                         testing::Values(fibers, runtime_of_1, runtime_of_2, runtime_of_4, ordered_on_1,
                                         ordered_on_2, ordered_on_4, threads),
                         engine_name);

class OrderedListingTest : public ListingTest {};

INSTANTIATE_TEST_SUITE_P(, OrderedListingTest, testing::Values(ordered_on_1, ordered_on_2, ordered_on_4),
                         engine_name);

TEST_P(ListingTest, TellsOfEachUrlWithItsStatusOnce) {
    ScriptedServer const server{{
        {"/", {ok("<a href=/old><a href='http://[oops'><a href=/old>")}},
        {"/old", {"HTTP/1.1 301 Moved\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n"}},
        {"/new", {ok("<a href=/silent>")}},
        {"/silent", {"", Answer::Then::close}},
    }};
    EXPECT_EQ(crawl(server), "200 /\n301 /old -> /new\n200 /new\n"
                             "--- /silent (connection closed without an answer)\n");
}

TEST_P(ListingTest, TellsOfAPageWhileOthersAreUnderWay) {
    report_options.json = testing::TempDir() + "listing_test_" + std::to_string(::getpid()) + ".json";
    ScriptedServer server{{{"/", {ok("<a href=x>")}}, {"/x", {.bytes = ok(""), .held = true}}}};
    std::string seen;
    crawl(server, [&] {
        EXPECT_TRUE(server.await_requests(2));
        auto const give_up = std::chrono::steady_clock::now() + 1min;
        while (seen.empty() && std::chrono::steady_clock::now() < give_up) {
            std::ifstream file{report_options.json};
            if (!std::getline(file, seen)) std::this_thread::sleep_for(1ms);
        }
        server.release();
    });
    EXPECT_NE(seen.find("\"url\":\"" + server.url("/") + "\""), std::string::npos) << seen;
    std::remove(report_options.json.c_str());
}

TEST_P(OrderedListingTest, IsThatOfOneRequestAtATime) {
    constexpr int pages = 120;
    std::map<std::string, Answer> answers;
    for (int i = 0; i < pages; ++i) {
        auto const link = [](int to) { return "<a href=/" + std::to_string(to % pages) + ">"; };
        answers["/" + std::to_string(i)] = {ok(link(i * 7 + 1) + link(i * 3 + 2) + link(i + 60))};
        if (i % 11 == 10)
            answers["/" + std::to_string(i)] = {"HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nLocation: /" +
                                                std::to_string((i + 22) % pages) + "\r\n\r\n"};
    }
    answers["/"] = answers["/0"];
    ScriptedServer const server{answers};
    options.concurrency = 16;
    auto const listing = crawl(server);
    engine = fibers;
    options.concurrency = 1;
    EXPECT_EQ(listing, crawl(server));
}

TEST_P(OrderedListingTest, LetsOthersGoAheadOfASlowPageAndNamesThemAfterIt) {
    constexpr int pages = 10;
    auto answers = star(pages, {ok("")});
    answers["/0"].held = true;
    ScriptedServer server{answers};
    std::string expected = "200 /\n";
    for (int i = 0; i < pages; ++i) expected += "200 /" + std::to_string(i) + "\n";
    auto const listing = crawl(server, [&] {
        EXPECT_TRUE(server.await_requests(1 + pages)) << "all of them, while the first gets no answer";
        server.release();
    });
    EXPECT_EQ(listing, expected);
}

} // namespace
} // namespace crawl
