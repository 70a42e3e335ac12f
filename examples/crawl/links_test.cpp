#include "links.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace crawl {
namespace {

using namespace std::string_view_literals;
using Texts = std::vector<std::string>;

Links links_of(std::string_view html, std::size_t piece = 1000, std::string const& charset = {}) {
    LinkParser parser{charset};
    for (; !html.empty(); html.remove_prefix(std::min(piece, html.size())))
        parser.feed(html.substr(0, piece));
    return parser.finish();
}

TEST(LinkParser, FindsHrefSrcAndObjectDataInPageOrder) {
    auto const links = links_of("<link href=s.css><a HREF='a.html'>x</a><img src=i.png><OBJECT "
                                "data=\"o.svg\"></OBJECT><p data=no><a name=n>");
    EXPECT_EQ(links.references, (Texts{"s.css", "a.html", "i.png", "o.svg"}));
    EXPECT_FALSE(links.base);
}

TEST(LinkParser, TakesTheFirstBaseWithAnHref) {
    auto const links = links_of("<base target=_top><base href='/b/'><base href='/c/'><a href=x>");
    EXPECT_EQ(links.base, "/b/");
    EXPECT_EQ(links.references, Texts{"x"});
}

TEST(LinkParser, DecodesEntities) {
    EXPECT_EQ(links_of("<a href='x?a=1&amp;b=&#50;&lt;'>").references, Texts{"x?a=1&b=2<"});
}

TEST(LinkParser, SkipsWhatIsNoMarkup) {
    EXPECT_TRUE(links_of("<!-- <a href=x> --><script>'<a href=y>'</script><style><a href=z></style>")
                    .references.empty());
}

TEST(LinkParser, ReadsMalformedPages) {
    EXPECT_EQ(links_of("<a href=1<b><a href='2'<p></div></html><a href=3>").references.back(), "3");
    EXPECT_EQ(links_of("<a href='1'><a href>text<a href=''>").references, (Texts{"1", ""}));
    EXPECT_EQ(links_of("<a href='1'><a href='never closed").references.front(), "1");
    EXPECT_TRUE(links_of("").references.empty());
}

TEST(LinkParser, GoesOnBehindTheEndOfThePage) {
    EXPECT_EQ(
        links_of("<html><body><a href=1></body></html>\n</html><a href=2><html><a href=3></html>").references,
        (Texts{"1", "2", "3"}));
}

TEST(LinkParser, SeesLinksBehindNuls) {
    EXPECT_EQ(links_of("<a href=1>\0\0<a href=2>\0"sv).references, (Texts{"1", "2"}));
    EXPECT_EQ(links_of("\0<a href=1>"sv).references, Texts{"1"});
}

TEST(LinkParser, GivesUtf8WhateverTheCharset) {
    EXPECT_EQ(links_of("<a href='\xfc'>", 1000, "iso-8859-1").references, Texts{"\xc3\xbc"});
    EXPECT_EQ(links_of("<meta charset=utf-8><a href='\xc3\xbc'>").references, Texts{"\xc3\xbc"});
    EXPECT_EQ(links_of("<a href=x>", 1000, "no-such-charset").references, Texts{"x"});
}

TEST(LinkParser, DoesNotDependOnHowThePageIsCut) {
    std::string html = "<html><head><base href=b></head>";
    for (int i = 0; i < 50; ++i)
        html += "<p>text &amp; <a class=c href='p" + std::to_string(i) + ".html?a&amp;b'>x</a>";
    auto const whole = links_of(html, html.size());
    ASSERT_EQ(whole.references.size(), 50U);
    for (std::size_t const piece : {1U, 2U, 3U, 7U, 64U})
        EXPECT_EQ(links_of(html, piece).references, whole.references);
}

TEST(LinkParser, SurvivesNoise) {
    std::mt19937 random{1};
    constexpr auto alphabet = "<>/='\"&;!-# ahrefscbdx\0\xff\xc3\n"sv;
    for (int round = 0; round < 200; ++round) {
        std::string noise;
        while (noise.size() < 500) noise += alphabet[random() % alphabet.size()];
        links_of(noise, 1 + random() % 100);
    }
    std::string deep;
    for (int i = 0; i < 20'000; ++i) deep += "<div>";
    EXPECT_EQ(links_of(deep + "<a href=x>").references.size(), 1U);
}

} // namespace
} // namespace crawl
