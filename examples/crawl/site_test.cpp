#include "site.hpp"

#include <gtest/gtest.h>

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

} // namespace
} // namespace crawl
