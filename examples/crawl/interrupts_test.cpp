/// The program `crawl`, interrupted while it crawls a server that answers when the test says so.

#include "running_program.hpp"
#include "scripted_server.hpp"

#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

namespace crawl {
namespace {

using namespace std::chrono_literals;
using Answer = ScriptedServer::Answer;
using Then = Answer::Then;

constexpr int pages = 20;
constexpr int in_flight = 4;
char const* const finishing = "crawl: interrupted; finishing what is under way";
char const* const dropping = "crawl: interrupted again; dropping what is under way";

using Options = std::vector<std::string>;

class InterruptsTest : public testing::TestWithParam<std::pair<char const*, Options>> {
protected:
    /// A crawl that nothing but a signal ends before the server answers.
    static std::vector<std::string> command(ScriptedServer const& server, Options const& more = {}) {
        std::vector<std::string> words{
            CRAWL_PROGRAM, server.url("/"), "--concurrency", std::to_string(in_flight), "--timeout", "3600"};
        words.insert(words.end(), GetParam().second.begin(), GetParam().second.end());
        words.insert(words.end(), more.begin(), more.end());
        return words;
    }

    /// Gives the words of the summary's line `name`.
    static std::string line(RunningProgram::Result const& result, std::string const& name) {
        auto const begin = ("\n" + result.output).find("\n" + name + " ");
        if (begin == std::string::npos) return "no line " + name + " in:\n" + result.output;
        auto const text = result.output.substr(begin, result.output.find('\n', begin) - begin);
        auto const value = text.find_first_not_of(' ', name.size());
        return text.substr(value, text.find(' ', value) - value);
    }
};

INSTANTIATE_TEST_SUITE_P(, InterruptsTest,
                         testing::Values(std::pair{"Default", Options{}},
                                         std::pair{"Threads1", Options{"--threads", "1"}},
                                         std::pair{"Threads2", Options{"--threads", "2"}},
                                         std::pair{"Ordered", Options{"--ordered"}},
                                         std::pair{"ThreadsInstead", Options{"--threads-instead"}}),
                         [](auto const& options) { return options.param.first; });

/// Threads without fibers know no deadline.
class InterruptsOfFibersTest : public InterruptsTest {};

INSTANTIATE_TEST_SUITE_P(, InterruptsOfFibersTest,
                         testing::Values(std::pair{"Default", Options{}},
                                         std::pair{"Threads1", Options{"--threads", "1"}},
                                         std::pair{"Threads2", Options{"--threads", "2"}},
                                         std::pair{"Ordered", Options{"--ordered"}}),
                         [](auto const& options) { return options.param.first; });

TEST_P(InterruptsTest, TheFirstOneStartsNothingMoreAndFinishesWhatRuns) {
    ScriptedServer server{star(pages, {.bytes = ok("<a href=/new><a href=/gone>"), .held = true})};
    RunningProgram program{command(server)};
    ASSERT_TRUE(server.await_requests(1 + in_flight));
    program.send(SIGINT);
    ASSERT_TRUE(program.await_error(finishing));
    server.release();
    auto const result = program.finish();
    EXPECT_EQ(result.exit_code, 128 + SIGINT) << result.errors;
    EXPECT_EQ(server.requests(), 1 + in_flight);
    EXPECT_EQ(line(result, "pages"), std::to_string(1 + in_flight));
    EXPECT_EQ(line(result, "links"), std::to_string(pages + 2 * in_flight));
    EXPECT_EQ(line(result, "interrupted"), std::to_string(pages - in_flight + 2)) << "URLs left";
}

TEST_P(InterruptsTest, TheSecondOneDropsWhatRunsAndTheReportIsWritten) {
    ScriptedServer server{star(pages, {.bytes = ok("late"), .held = true})};
    auto const json = testing::TempDir() + "interrupts_test_" + std::to_string(::getpid()) + ".json";
    RunningProgram program{command(server, {"--json", json})};
    ASSERT_TRUE(server.await_requests(1 + in_flight));
    program.send(SIGINT);
    ASSERT_TRUE(program.await_error(finishing));
    auto const start = std::chrono::steady_clock::now();
    program.send(SIGINT);
    ASSERT_TRUE(program.await_error(dropping));
    auto const result = program.finish();
    EXPECT_LT(std::chrono::steady_clock::now() - start, 20s) << "the server never answers";
    EXPECT_EQ(result.exit_code, 128 + SIGINT) << result.errors;
    EXPECT_EQ(server.requests(), 1 + in_flight);
    EXPECT_EQ(line(result, "pages"), "1");
    EXPECT_EQ(line(result, "broken links"), "0") << "what was dropped is not broken";
    EXPECT_EQ(line(result, "interrupted"), std::to_string(pages)) << "URLs left";
    std::ifstream file{json};
    std::string text;
    EXPECT_TRUE(std::getline(file, text)) << "the page that was loaded";
    EXPECT_FALSE(std::getline(file, text)) << text;
    std::remove(json.c_str());
}

TEST_P(InterruptsTest, MoreThanTwoDoNotCostTheReport) {
    ScriptedServer server{star(pages, {.bytes = ok("late"), .held = true})};
    RunningProgram program{command(server)};
    ASSERT_TRUE(server.await_requests(1 + in_flight));
    program.send(SIGINT);
    ASSERT_TRUE(program.await_error(finishing));
    for (int i = 0; i < 10; ++i) program.send(SIGINT);
    auto const result = program.finish();
    EXPECT_EQ(result.exit_code, 128 + SIGINT) << result.errors;
    EXPECT_EQ(line(result, "interrupted"), std::to_string(pages));
}

TEST_P(InterruptsTest, ThreeInARowWithoutWaitingEndItOneWayOrTheOther) {
    ScriptedServer server{star(pages, {.bytes = ok("late"), .held = true})};
    RunningProgram program{command(server)};
    ASSERT_TRUE(server.await_requests(1 + in_flight));
    for (int i = 0; i < 3; ++i) program.send(SIGINT);
    ASSERT_TRUE(program.await_error(finishing));
    server.release(); // the system may have made one signal of three
    auto const result = program.finish();
    EXPECT_EQ(result.exit_code, 128 + SIGINT) << result.errors;
    EXPECT_EQ(server.requests(), 1 + in_flight);
    EXPECT_NE(line(result, "interrupted"), "0");
}

TEST_P(InterruptsTest, ComesBeforeThereIsAnyPage) {
    ScriptedServer const server{{{"/", {"", Then::hang}}}};
    RunningProgram program{command(server)};
    ASSERT_TRUE(server.await_requests(1));
    program.send(SIGINT);
    ASSERT_TRUE(program.await_error(finishing));
    program.send(SIGINT);
    auto const result = program.finish();
    EXPECT_EQ(result.exit_code, 128 + SIGINT) << result.errors;
    EXPECT_EQ(line(result, "pages"), "0");
    EXPECT_EQ(line(result, "interrupted"), "1");
}

TEST_P(InterruptsTest, TakesARequestToTerminateTheSameWay) {
    ScriptedServer server{star(pages, {.bytes = ok(""), .held = true})};
    RunningProgram program{command(server)};
    ASSERT_TRUE(server.await_requests(1 + in_flight));
    program.send(SIGTERM);
    ASSERT_TRUE(program.await_error(finishing));
    program.send(SIGINT);
    auto const result = program.finish();
    EXPECT_EQ(result.exit_code, 128 + SIGTERM) << "the first signal counts; " << result.errors;
    EXPECT_EQ(line(result, "interrupted"), std::to_string(pages));
}

TEST_P(InterruptsTest, LeavesAloneWhatItWasStartedToIgnore) {
    ScriptedServer server{star(pages, {.bytes = ok(""), .held = true})};
    RunningProgram program{command(server), true};
    ASSERT_TRUE(server.await_requests(1 + in_flight));
    program.send(SIGINT);
    program.send(SIGINT);
    server.release();
    auto const result = program.finish();
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    EXPECT_EQ(line(result, "pages"), std::to_string(1 + pages));
    EXPECT_EQ(result.errors.find("interrupted"), std::string::npos);
}

TEST_P(InterruptsOfFibersTest, ItsOwnDeadlineEndsItWithAReport) {
    ScriptedServer const server{{{"/", {"", Then::hang}}}};
    RunningProgram program{command(server, {"--deadline", "0.2"})};
    auto const result = program.finish();
    EXPECT_EQ(result.exit_code, 124) << result.errors;
    EXPECT_EQ(line(result, "pages"), "0");
    EXPECT_EQ(line(result, "out of time"), "1");
    EXPECT_EQ(line(result, "broken links"), "0");
}

} // namespace
} // namespace crawl
