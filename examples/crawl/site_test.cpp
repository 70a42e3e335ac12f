#include "site.hpp"

#include "ledger.hpp"

#include <frond/pool.hpp>
#include <frond/runtime.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace crawl {
namespace {

using Ids = std::vector<Site::Id>;

Url url(std::string const& path) { return parse_url(path.starts_with('/') ? "http://h" + path : path).url; }

Page page_with(std::initializer_list<char const*> links) {
    Page page;
    page.status = 200;
    page.is_html = true;
    for (std::string const link : links) page.links.push_back({url(link), {}});
    return page;
}

Page answer(unsigned status) {
    Page page;
    page.status = status;
    return page;
}

Page redirect_to(std::string const& path) {
    Page page = answer(301);
    page.redirect = Link{url(path), {}};
    return page;
}

TEST(Site, GivesEachUrlOnce) {
    Site site{url("/"), {}};
    EXPECT_EQ(site.record(0, page_with({"/a", "/b", "/a", "/"})), (Ids{1, 2}));
    EXPECT_EQ(site.record(1, page_with({"/b", "/", "/c"})), Ids{3});
    EXPECT_EQ(site.totals().links, 7U);
}

TEST(Site, StaysOnItsHost) {
    Site site{url("/"), {}};
    EXPECT_TRUE(site.record(0, page_with({"http://other/", "http://h:81/"})).empty());
    EXPECT_EQ(site.totals().external, 2U);
    EXPECT_EQ(site.record(0, page_with({"https://h/"})).size(), 1U);
}

TEST(Site, FollowsTheStartToTheHostItRedirectsTo) {
    Site site{url("/"), {}};
    EXPECT_EQ(site.record(0, redirect_to("http://www.h/")), Ids{1});
    EXPECT_EQ(site.record(1, page_with({"http://www.h/a"})), Ids{2});
    EXPECT_TRUE(site.record(2, redirect_to("http://other/")).empty());
}

TEST(Site, StopsAtTheDepth) {
    Site site{url("/"), {.max_depth = 1}};
    EXPECT_EQ(site.record(0, page_with({"/a"})), Ids{1});
    EXPECT_TRUE(site.record(1, page_with({"/deep"})).empty());
    EXPECT_EQ(site.totals().not_followed, 1U);
}

TEST(Site, ReachesTheSamePagesWhenTheLongWayIsFasterThanTheShort) {
    Site site{url("/"), {.max_depth = 2}};
    site.record(0, page_with({"/long", "/short"}));           // 1, 2
    site.record(1, page_with({"/mid"}));                      // 3 at depth 2
    EXPECT_TRUE(site.record(3, page_with({"/end"})).empty()); // 4 would be at depth 3
    site.record(2, page_with({}));
    Site again{url("/"), {.max_depth = 2}};
    again.record(0, page_with({"/long", "/slow"})); // 1, 2
    again.record(1, page_with({"/mid"}));           // 3 at depth 2
    again.record(3, page_with({"/end"}));           // 4 beyond
    again.record(2, redirect_to("/mid"));           // now 3 is at depth 1
    EXPECT_EQ(again.totals().not_followed, 0U);
}

TEST(Site, NamesBrokenLinksWithAllTheirPages) {
    Site site{url("/"), {}};
    site.record(0, page_with({"/gone", "/a", "/gone"}));
    site.record(1, answer(404));
    site.record(2, page_with({"/gone"}));
    auto const broken = site.broken();
    ASSERT_EQ(broken.size(), 1U);
    EXPECT_EQ(broken[0].url, "http://h/gone");
    EXPECT_EQ(broken[0].reason, "status 404");
    EXPECT_EQ(broken[0].pages, (std::vector<std::string>{"http://h/", "http://h/a"}));
    EXPECT_EQ(site.totals().broken_links, 2U);
}

TEST(Site, ReportsTheStartWhenItCannotBeHad) {
    Site site{url("/"), {}};
    site.record(0, answer(500));
    ASSERT_EQ(site.broken().size(), 1U);
    EXPECT_EQ(site.totals().broken_links, 1U);
}

TEST(Site, ReportsReferencesThatAreNoUrl) {
    Site site{url("/"), {}};
    Page page = page_with({});
    page.links.push_back({std::nullopt, "http://[oops"});
    EXPECT_TRUE(site.record(0, page).empty());
    EXPECT_EQ(site.broken().at(0).reason, "invalid URL");
}

TEST(Site, BlamesARedirectForItsTarget) {
    Site site{url("/"), {}};
    site.record(0, page_with({"/old"}));
    EXPECT_EQ(site.record(1, redirect_to("/new")), Ids{2});
    site.record(2, answer(410));
    auto const broken = site.broken();
    ASSERT_EQ(broken.size(), 1U);
    EXPECT_EQ(broken[0].url, "http://h/old");
    EXPECT_EQ(broken[0].reason, "status 410 (redirected to http://h/new)");
    EXPECT_EQ(site.totals().redirects, 1U);
}

TEST(Site, FindsRedirectLoopsFromEveryEntrance) {
    Site site{url("/"), {}};
    site.record(0, page_with({"/x", "/y"}));
    EXPECT_TRUE(site.record(1, redirect_to("/y")).empty());
    EXPECT_TRUE(site.record(2, redirect_to("/x")).empty());
    ASSERT_EQ(site.broken().size(), 2U);
    EXPECT_EQ(site.broken()[0].reason, "redirect loop");
}

TEST(Site, EndsChainsOfRedirects) {
    Site site{url("/"), {.max_redirects = 3}};
    site.record(0, page_with({"/r0"}));
    EXPECT_EQ(site.record(1, redirect_to("/r1")), Ids{2});
    EXPECT_EQ(site.record(2, redirect_to("/r2")), Ids{3});
    EXPECT_EQ(site.record(3, redirect_to("/r3")), Ids{4});
    EXPECT_TRUE(site.record(4, redirect_to("/r4")).empty());
    EXPECT_EQ(site.broken().at(0).reason, "more than 3 redirects");
}

/// Page `n` of a site of 1,000, whose pages link to and fro, are missing, or lead elsewhere.
Page page_number(std::size_t n) {
    auto const at = [](std::size_t to) { return "/" + std::to_string(to % 1000); };
    if (n % 10 == 9) return answer(404);
    if (n % 10 == 4) return redirect_to(at(n * 3 + 1));
    Page page = page_with({"http://other/"});
    for (std::size_t const to : {n + 1, n * 7 + 3, n * n + 11}) page.links.push_back({url(at(to)), {}});
    return page;
}

std::string described(Site const& site) {
    std::string text;
    for (auto const& broken : site.broken()) {
        text += broken.url + ' ' + broken.reason;
        for (auto const& page : broken.pages) text += ' ' + page;
        text += '\n';
    }
    auto const t = site.totals();
    for (auto const n : {t.pages, t.links, t.broken_links, t.redirects, t.external, t.not_followed})
        text += std::to_string(n) + ' ';
    return text;
}

class LedgerTest : public testing::TestWithParam<std::size_t> {
protected:
    void record(Site::Id id) {
        auto const text = ledger.url(id).text();
        auto const number = text.substr(text.rfind('/') + 1);
        ++recorded;
        auto const page = ledger.record(id, page_number(number.empty() ? 0 : std::stoul(number)));
        EXPECT_EQ(page.entry.url, text);
        for (auto const next : page.to_load) pool->spawn([this, next] { record(next); });
    }

    Site site{url("/"), {.max_depth = 8}};
    Ledger ledger{site};
    frond::Pool* pool = nullptr;
    std::atomic<std::size_t> recorded = 0;
};

INSTANTIATE_TEST_SUITE_P(, LedgerTest, testing::Values(1, 2, 4), testing::PrintToStringParamName());

TEST_P(LedgerTest, KnowsTheSameInTheEndHoweverManyThreadsRecord) {
    Site alone{url("/"), {.max_depth = 8}};
    std::size_t loaded = 0;
    for (Ids to_load{alone.start()}; !to_load.empty();) {
        auto const id = to_load.back();
        to_load.pop_back();
        auto const number = alone.node(id).text.substr(std::string{"http://h/"}.size());
        auto const next = alone.record(id, page_number(number.empty() ? 0 : std::stoul(number)));
        to_load.insert(to_load.end(), next.begin(), next.end());
        ++loaded;
    }

    frond::Runtime runtime{{.threads = GetParam()}};
    runtime.run([this] {
        frond::Pool tasks{64};
        pool = &tasks;
        tasks.spawn([this] { record(ledger.start()); });
        tasks.join();
    });
    EXPECT_EQ(recorded, loaded) << "each URL once";
    EXPECT_EQ(described(site), described(alone));
}

} // namespace
} // namespace crawl
