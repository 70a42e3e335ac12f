/// The whole crawler against a server that misbehaves, on fibers of one and of several threads, and on
/// threads alone.

#include "engines.hpp"
#include "report.hpp"
#include "scripted_server.hpp"
#include "site.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include <frond/group.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace crawl {
namespace {

using namespace std::chrono_literals;
using Answer = ScriptedServer::Answer;
using Then = Answer::Then;

struct Outcome {
    Site::Totals totals;
    std::map<std::string, std::string> broken; ///< reasons by target
    Course course;
    std::string summary;
};

class CrawlTest : public testing::TestWithParam<Engine> {
protected:
    Outcome crawl(ScriptedServer const& server, std::string const& start = "/") {
        Site site{parse_url(server.url(start)).url, limits};
        Report report{report_options};
        Outcome outcome;
        outcome.course = engine.crawl(site, report, options, tls);
        for (auto const& broken : site.broken()) {
            auto const prefix = server.url("");
            auto const& url = broken.url;
            outcome.broken[url.starts_with(prefix) ? url.substr(prefix.size()) : url] = broken.reason;
        }
        outcome.totals = site.totals();
        std::ostringstream summary;
        report.finish(site, outcome.course, summary);
        outcome.summary = summary.str();
        return outcome;
    }

    /// Crawls a page with one link to `answer`. @return what is wrong with that link
    std::string reason_for(Answer const& answer) {
        ScriptedServer const server{{{"/", {ok("<a href=x>")}}, {"/x", answer}}};
        return crawl(server).broken["/x"];
    }

    Engine engine = GetParam();
    SiteLimits limits;
    CrawlOptions options{.concurrency = 4, .threads = engine.threads, .request = {.timeout = 5s}};
    Report::Options report_options;
    boost::asio::ssl::context tls = make_tls_context(false);
};

INSTANTIATE_TEST_SUITE_P(, CrawlTest,
                         testing::Values(fibers, runtime_of_1, runtime_of_2, runtime_of_4, ordered_on_1,
                                         ordered_on_2, ordered_on_4, threads),
                         engine_name);

TEST_P(CrawlTest, LoadsEachUrlOnceAndCountsWhatItFound) {
    ScriptedServer const server{{
        {"/",
         {ok("<base href=/d/><a href=a.html#x></a><a href=./a.html><img src=../i.png><a href=mailto:a@b>")}},
        {"/d/a.html", {ok("<a href=/>up</a><a href=http://elsewhere.example/>")}},
        {"/i.png", {ok("image", "image/png")}},
    }};
    auto const outcome = crawl(server);
    EXPECT_TRUE(outcome.broken.empty());
    EXPECT_EQ(outcome.totals.pages, 2U);
    EXPECT_EQ(outcome.totals.others, 1U);
    EXPECT_EQ(outcome.totals.links, 5U);
    EXPECT_EQ(outcome.totals.external, 1U);
    EXPECT_EQ(server.requests("/d/a.html"), 1);
    EXPECT_EQ(server.requests("/"), 1);
}

TEST_P(CrawlTest, ReachesTheCapAndNeverExceedsIt) {
    std::map<std::string, Answer> answers;
    std::string page;
    for (int i = 0; i < 40; ++i) {
        std::string name{"/"};
        name += std::to_string(i);
        page += "<a href=" + name + ">";
        answers[name] = {.bytes = ok("<a href=" + name + "/deeper>"), .at_once = 4};
    }
    answers["/"] = {ok(page)};
    ScriptedServer const server{answers};
    options.request.timeout = 30s;
    auto const outcome = crawl(server);
    EXPECT_EQ(outcome.totals.pages, 41U);
    EXPECT_EQ(outcome.broken.size(), 40U);
    EXPECT_EQ(outcome.course.peak_in_flight, 4U);
    EXPECT_EQ(server.most_at_once(), 4);
    if (options.threads == 1) {
        EXPECT_LE(server.connections(), 4);
    }
}

TEST_P(CrawlTest, UsesOneConnectionAThreadForPagesInARow) {
    std::map<std::string, Answer> answers{{"/50", {ok("the last one")}}};
    for (int i = 0; i < 50; ++i)
        answers["/" + std::to_string(i)] = {ok("<a href=" + std::to_string(i + 1) + ">")};
    ScriptedServer const server{answers};
    EXPECT_EQ(crawl(server, "/0").totals.pages, 51U);
    // Without frond any of the threads takes the next page.
    auto const users = engine.crawl == &crawl_with_threads ? options.concurrency : options.threads;
    EXPECT_LE(server.connections(), static_cast<int>(users));
}

/// What a crawl says, but for how long it took and how much was in flight.
std::string findings(std::string const& summary) {
    std::istringstream lines{summary};
    std::string kept;
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("wall time") && !line.starts_with("in flight")) kept += line + '\n';
    }
    return kept;
}

TEST_P(CrawlTest, FindsWhatOneThreadFindsAndSaysItInTheSameOrder) {
    constexpr int pages = 120;
    std::map<std::string, Answer> answers;
    for (int i = 0; i < pages; ++i) {
        auto const link = [](int to) { return "<a href=/" + std::to_string(to % pages) + ">"; };
        auto body = link(i * 7 + 1) + link(i * 3 + 2) + link(i + 60) + "<a href=http://elsewhere.example/>";
        if (i % 5 == 0) body += "<a href=/gone/" + std::to_string(i) + "><a href='http://[oops'>";
        answers["/" + std::to_string(i)] = {ok(body)};
        if (i % 11 == 10)
            answers["/" + std::to_string(i)] = {"HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nLocation: /" +
                                                std::to_string((i + 22) % pages) + "\r\n\r\n"};
    }
    ScriptedServer const server{answers};
    options.concurrency = 16;
    report_options.all_pages = true;
    for (auto const depth : {SiteLimits{}.max_depth, 4U}) {
        limits.max_depth = depth;
        auto const found = findings(crawl(server, "/0").summary);
        engine = fibers;
        EXPECT_EQ(found, findings(crawl(server, "/0").summary));
        engine = GetParam();
    }
    EXPECT_EQ(server.requests("/1"), 4) << "once a crawl";
}

TEST_P(CrawlTest, FollowsRedirects) {
    ScriptedServer const server{{
        {"/", {ok("<a href=old>")}},
        {"/old", {"HTTP/1.1 302 Found\r\nLocation: new#part\r\nContent-Length: 0\r\n\r\n"}},
        {"/new", {ok("<a href=gone>")}},
    }};
    auto const outcome = crawl(server);
    EXPECT_EQ(outcome.totals.redirects, 1U);
    EXPECT_EQ(outcome.totals.pages, 2U);
    EXPECT_EQ(outcome.broken, (std::map<std::string, std::string>{{"/gone", "status 404"}}));
}

TEST_P(CrawlTest, EndsRedirectLoops) {
    EXPECT_EQ(reason_for({"HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"}),
              "redirect loop");
    EXPECT_EQ(reason_for({"HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n"}), "redirect without a target");
}

TEST_P(CrawlTest, ReadsChunkedBodies) {
    ScriptedServer const server{{
        {"/",
         {"HTTP/1.1 200 OK\r\nContent-Type: Text/HTML; charset=\"utf-8\"\r\nTransfer-Encoding: "
          "chunked\r\n\r\n"
          "5\r\n<a hr\r\n5;ext=1\r\nef=x>\r\n0\r\nTrailer: 1\r\n\r\n"}},
        {"/x", {ok("")}},
    }};
    auto const outcome = crawl(server);
    EXPECT_TRUE(outcome.broken.empty());
    EXPECT_EQ(outcome.totals.pages, 2U);
    EXPECT_EQ(server.connections(), 1) << "the connection stays usable";
}

TEST_P(CrawlTest, ReadsBodiesThatEndWithTheConnection) {
    ScriptedServer const server{{
        {"/", {"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<a href=x>", Then::close}},
        {"/x", {ok("")}},
    }};
    EXPECT_EQ(crawl(server).totals.pages, 2U);
}

TEST_P(CrawlTest, TriesAgainOnceWhereAnIdleConnectionWasClosed) {
    ScriptedServer const server{{
        {"/", {ok("<a href=x>"), Then::close}}, // promises to stay open, and does not
        {"/x", {ok("")}},
    }};
    EXPECT_TRUE(crawl(server).broken.empty());
}

TEST_P(CrawlTest, DoesNotParseWhatIsNoHtml) {
    ScriptedServer const server{{{"/", {ok("<a href=x>", "text/plain")}}}};
    auto const outcome = crawl(server);
    EXPECT_EQ(outcome.totals.links, 0U);
    EXPECT_EQ(outcome.totals.others, 1U);
}

TEST_P(CrawlTest, DoesNotWaitForLargeBodiesThatNobodyReads) {
    EXPECT_EQ(reason_for({"HTTP/1.1 200 OK\r\nContent-Type: video/x\r\nContent-Length: 9999999999\r\n\r\n",
                          Then::hang}),
              "");
}

TEST_P(CrawlTest, ReportsTruncatedBodies) {
    auto const head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n";
    EXPECT_EQ(reason_for({head + std::string{"Content-Length: 100\r\n\r\nshort"}, Then::close}),
              "answer cut short");
    EXPECT_EQ(reason_for({head + std::string{"Transfer-Encoding: chunked\r\n\r\n5\r\nsh"}, Then::close}),
              "answer cut short");
}

TEST_P(CrawlTest, ReportsSilence) {
    EXPECT_EQ(reason_for({"", Then::close}), "connection closed without an answer");
    options.request.timeout = 400ms;
    EXPECT_EQ(reason_for({"", Then::hang}), "no complete answer within 400 ms");
    EXPECT_EQ(reason_for({"HTTP/1.1 200 OK\r\nContent-Ty", Then::hang}), "no complete answer within 400 ms");
    EXPECT_EQ(
        reason_for({"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\nx", Then::hang}),
        "no complete answer within 400 ms");
}

TEST_P(CrawlTest, ReportsWhatIsNotHttp) {
    EXPECT_TRUE(reason_for({"SSH-2.0-OpenSSH_9.2\r\n\r\n", Then::close}).starts_with("not an HTTP answer"));
    EXPECT_TRUE(reason_for({std::string(300, '\0'), Then::close}).starts_with("not an HTTP answer"));
    EXPECT_TRUE(reason_for({"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", Then::close})
                    .starts_with("not an HTTP"));
}

TEST_P(CrawlTest, BoundsHeadersAndBodies) {
    options.request.max_body = 1000;
    EXPECT_EQ(reason_for({"HTTP/1.1 200 OK\r\nX: " + std::string(200'000, 'x'), Then::hang}),
              "header larger than 65536 bytes");
    EXPECT_EQ(reason_for({ok(std::string(1001, 'x'))}), "body larger than 1000 bytes");
    EXPECT_EQ(reason_for({ok(std::string(1000, 'x'))}), "");
}

TEST_P(CrawlTest, ReportsInvalidUrlsAndRefusedConnections) {
    ScriptedServer const server{{{"/", {ok("<a href='http://[oops'>")}}}};
    EXPECT_EQ(crawl(server).broken["http://[oops"], "invalid URL");
    Site site{parse_url("http://127.0.0.1:1/").url, {}};
    Report report{{}};
    engine.crawl(site, report, options, tls);
    EXPECT_EQ(site.broken().at(0).reason, "connection refused");
}

TEST_P(CrawlTest, SpeaksTlsOnlyWithWhomItCanVerify) {
    ScriptedServer const server{{}};
    auto const url = "https" + server.url("/").substr(4);
    Site site{parse_url(url).url, {}};
    Report report{{}};
    options.request.timeout = 200ms;
    engine.crawl(site, report, options, tls);
    EXPECT_EQ(site.broken().size(), 1U);
}

TEST_P(CrawlTest, WritesOneJsonLineAUrl) {
    report_options.json = testing::TempDir() + "crawl_test_" + std::to_string(::getpid()) + ".json";
    ScriptedServer const server{{{"/", {ok("<a href=x>\0<a href='\xff'>")}}}};
    crawl(server);
    std::ifstream file{report_options.json};
    std::map<std::string, nlohmann::json> lines;
    for (std::string line; std::getline(file, line);) {
        auto object = nlohmann::json::parse(line);
        lines[object["url"]] = object;
    }
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_EQ(lines[server.url("/")]["status"], 200);
    EXPECT_EQ(lines[server.url("/")]["referrer"], nullptr);
    EXPECT_EQ(lines[server.url("/x")]["status"], 404);
    EXPECT_EQ(lines[server.url("/x")]["referrer"], server.url("/"));
    std::remove(report_options.json.c_str());
}

TEST_P(CrawlTest, KeepsControlSequencesFromTheTerminal) {
    ScriptedServer const server{{{"/", {ok("<a href='http://[\x1b[31m'>")}}}};
    EXPECT_EQ(crawl(server).summary.find('\x1b'), std::string::npos);
}

TEST(HttpClient, KeepsNoMoreIdleConnectionsThanItMay) {
    ScriptedServer const server{{{"/", {.bytes = ok(""), .at_once = 2}}}};
    auto const url = parse_url(server.url("/")).url;
    auto tls = make_tls_context(false);
    HttpClient client{fiber_connector(tls), {.timeout = 30s}, 1};
    for (int round = 0; round < 2; ++round) {
        frond::Group group;
        for (int i = 0; i < 2; ++i)
            group.spawn([&] { EXPECT_EQ(client.get(url, [](auto&&...) {}).error, ""); });
        group.join();
    }
    EXPECT_EQ(server.connections(), 3);
}

} // namespace
} // namespace crawl
