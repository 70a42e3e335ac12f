/// Crawls that are told to stop, by each engine: what they leave behind.

#include "engines.hpp"
#include "report.hpp"
#include "scripted_server.hpp"
#include "site.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <sstream>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <frond/group.hpp>
#include <frond/this_task.hpp>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace crawl {
namespace {

using namespace std::chrono_literals;
using Answer = ScriptedServer::Answer;
using Then = Answer::Then;

constexpr int pages = 20;
constexpr int in_flight = 4;

struct Outcome {
    Course course;
    Site::Totals totals;
    std::string summary;
    std::vector<Site::Broken> broken;
};

class StopTest : public testing::TestWithParam<Engine> {
protected:
    /// Crawls, while another thread does `meanwhile`.
    Outcome crawl(std::string const& url, std::function<void()> meanwhile = [] {}) {
        options.wind_down = wind_down.get_token();
        options.give_up = give_up.get_token();
        Site site{parse_url(url).url, {}};
        Report report{{}};
        std::jthread const other{std::move(meanwhile)};
        Outcome outcome;
        outcome.course = engine.crawl(site, report, options, tls);
        std::ostringstream summary;
        report.finish(site, outcome.course, summary);
        outcome.totals = site.totals();
        outcome.summary = summary.str();
        outcome.broken = site.broken();
        return outcome;
    }

    Engine engine = GetParam();
    std::stop_source wind_down;
    std::stop_source give_up;
    CrawlOptions options{.concurrency = in_flight, .threads = engine.threads, .request = {.timeout = 1h}};
    boost::asio::ssl::context tls = make_tls_context(true);
};

INSTANTIATE_TEST_SUITE_P(, StopTest,
                         testing::Values(fibers, runtime_of_1, runtime_of_2, runtime_of_4, ordered_on_1,
                                         ordered_on_2, ordered_on_4, threads),
                         engine_name);

/// Threads without fibers know no deadline.
class StopOfFibersTest : public StopTest {};

INSTANTIATE_TEST_SUITE_P(, StopOfFibersTest,
                         testing::Values(fibers, runtime_of_1, runtime_of_2, runtime_of_4, ordered_on_1,
                                         ordered_on_2, ordered_on_4),
                         engine_name);

TEST_P(StopTest, WindingDownFinishesWhatRunsAndBeginsNothing) {
    ScriptedServer server{star(pages, {.bytes = ok("<a href=/new>"), .held = true})};
    auto const outcome = crawl(server.url("/"), [&] {
        EXPECT_TRUE(server.await_requests(1 + in_flight));
        wind_down.request_stop();
        server.release();
    });
    EXPECT_EQ(outcome.course.end, Course::End::interrupted);
    EXPECT_EQ(server.requests(), 1 + in_flight);
    EXPECT_EQ(outcome.totals.pages, std::size_t{1 + in_flight});
    EXPECT_EQ(outcome.totals.left, std::size_t{pages - in_flight + 1});
    EXPECT_NE(outcome.summary.find("interrupted  17 URLs left"), std::string::npos) << outcome.summary;
}

TEST_P(StopTest, GivingUpDropsWhatRunsAndClosesItsConnections) {
    ScriptedServer server{star(pages, {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n", Then::hang})};
    auto const outcome = crawl(server.url("/"), [&] {
        EXPECT_TRUE(server.await_requests(1 + in_flight));
        give_up.request_stop();
    });
    EXPECT_EQ(outcome.course.end, Course::End::interrupted);
    EXPECT_EQ(server.requests(), 1 + in_flight);
    EXPECT_EQ(outcome.totals.pages, 1U);
    EXPECT_EQ(outcome.totals.left, std::size_t{pages});
    EXPECT_TRUE(outcome.broken.empty());
    EXPECT_TRUE(server.await_all_closed());
}

TEST_P(StopTest, GivingUpDropsWhatWasToBeFinished) {
    ScriptedServer server{star(pages, {.bytes = ok("late"), .held = true})};
    auto const outcome = crawl(server.url("/"), [&] {
        EXPECT_TRUE(server.await_requests(1 + in_flight));
        wind_down.request_stop();
        give_up.request_stop();
    });
    EXPECT_EQ(outcome.totals.left, std::size_t{pages});
}

TEST_P(StopTest, GivingUpEndsAHandshakeThatIsNeverAnswered) {
    ScriptedServer server{{}};
    auto const outcome = crawl("https" + server.url("/").substr(4), [&] {
        EXPECT_TRUE(server.await_connections(1));
        give_up.request_stop();
    });
    EXPECT_EQ(outcome.totals.left, 1U);
    EXPECT_TRUE(outcome.broken.empty());
    EXPECT_TRUE(server.await_all_closed());
}

TEST_P(StopTest, StoppedBeforehandLoadsNothing) {
    ScriptedServer const server{{{"/", {ok("")}}}};
    for (auto* const source : {&wind_down, &give_up}) {
        source->request_stop();
        auto const outcome = crawl(server.url("/"));
        EXPECT_EQ(outcome.course.end, Course::End::interrupted);
        EXPECT_EQ(outcome.totals.left, 1U);
        *source = {};
    }
    EXPECT_EQ(server.requests(), 0);
}

TEST_P(StopOfFibersTest, ADeadlineDropsWhatRuns) {
    ScriptedServer const server{{{"/", {"", Then::hang}}}};
    options.deadline = 50ms;
    auto const outcome = crawl(server.url("/"));
    EXPECT_EQ(outcome.course.end, Course::End::out_of_time);
    EXPECT_EQ(outcome.totals.left, 1U);
    EXPECT_TRUE(outcome.broken.empty());
    EXPECT_NE(outcome.summary.find("out of time  1 URLs left"), std::string::npos) << outcome.summary;
    EXPECT_TRUE(server.await_all_closed());
}

TEST_P(StopTest, ADeadlineThatDoesNotComeChangesNothing) {
    ScriptedServer const server{star(pages, {ok("")})};
    options.deadline = 1h;
    auto const outcome = crawl(server.url("/"));
    EXPECT_EQ(outcome.course.end, Course::End::complete);
    EXPECT_EQ(outcome.totals.pages, std::size_t{1 + pages});
    EXPECT_EQ(outcome.totals.left, 0U);
    EXPECT_EQ(outcome.summary.find(" left"), std::string::npos) << outcome.summary;
}

/// A port where connections are neither accepted nor refused: its queue is full.
class FullPort {
public:
    FullPort() {
        address_.sin_family = AF_INET;
        address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address_;
        auto* const address = reinterpret_cast<sockaddr*>(&address_);
        sockets_.push_back(::socket(AF_INET, SOCK_STREAM, 0));
        EXPECT_EQ(::bind(sockets_[0], address, size), 0);
        EXPECT_EQ(::listen(sockets_[0], 0), 0);
        EXPECT_EQ(::getsockname(sockets_[0], address, &size), 0);
        for (int i = 0; i < 3; ++i) {
            sockets_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
            EXPECT_TRUE(::connect(sockets_.back(), address, size) == 0 || errno == EINPROGRESS);
        }
    }
    FullPort(FullPort const&) = delete;
    FullPort& operator=(FullPort const&) = delete;
    ~FullPort() {
        for (int const socket : sockets_) ::close(socket);
    }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(ntohs(address_.sin_port)) + "/"; }

private:
    sockaddr_in address_{};
    std::vector<int> sockets_;
};

TEST_P(StopTest, TheTimeForARequestBoundsItsConnecting) {
    FullPort const port;
    options.request.timeout = 100ms;
    auto const outcome = crawl(port.url());
    ASSERT_EQ(outcome.broken.size(), 1U);
    EXPECT_EQ(outcome.broken[0].reason, "no complete answer within 100 ms");
    EXPECT_EQ(outcome.course.end, Course::End::complete);
}

TEST_P(StopTest, GivingUpEndsConnecting) {
    FullPort const port;
    auto const outcome = crawl(port.url(), [&] { give_up.request_stop(); });
    EXPECT_EQ(outcome.totals.left, 1U);
    EXPECT_TRUE(outcome.broken.empty());
}

TEST_P(StopOfFibersTest, ADeadlineEndsConnecting) {
    FullPort const port;
    options.deadline = 50ms;
    EXPECT_EQ(crawl(port.url()).totals.left, 1U);
}

TEST_P(StopTest, TheTimeForARequestKeepsWhatHadArrived) {
    ScriptedServer const server{{
        {"/",
         {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 99\r\n\r\n<a href=x>", Then::hang}},
        {"/x", {ok("")}},
    }};
    options.request.timeout = 1s;
    auto const outcome = crawl(server.url("/"));
    EXPECT_EQ(outcome.broken.size(), 1U);
    EXPECT_EQ(outcome.totals.pages, 1U) << "the link was followed";
    EXPECT_EQ(outcome.totals.bytes, 10U);
}

TEST(HttpClient, DropsTheConnectionOfACancelledRequestAndGoesOn) {
    ScriptedServer const server{{{"/", {ok("well")}}, {"/silent", {"", Then::hang}}}};
    auto tls = make_tls_context(false);
    HttpClient client{fiber_connector(tls), {.timeout = 1h}};
    auto const get = [&](std::string const& target) {
        return client.get(parse_url(server.url(target)).url, [](auto&&...) {});
    };
    EXPECT_EQ(get("/").bytes, 4U);
    EXPECT_EQ(server.connections(), 1);
    frond::Group group;
    auto const silent = group.spawn([&] { get("/silent"); });
    group.spawn([&] {
        while (server.requests() < 2) frond::yield();
        EXPECT_TRUE(silent.cancel());
    });
    group.join();
    EXPECT_EQ(server.connections(), 1) << "the idle one was used";
    EXPECT_TRUE(server.await_all_closed());
    EXPECT_EQ(get("/").bytes, 4U);
    EXPECT_EQ(server.connections(), 2);
}

} // namespace
} // namespace crawl
