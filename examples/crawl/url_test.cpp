#include "url.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace crawl {
namespace {

std::string resolved(std::string_view reference, std::string_view base = "http://a/b/c/d;p?q") {
    auto const result = resolve(parse_url(base).url, reference);
    if (result.kind == Reference::Kind::ignored) return "ignored";
    return result.kind == Reference::Kind::web ? result.url.text() : "invalid";
}

struct Case {
    char const* reference;
    char const* expected;
};

class ResolveTest : public testing::TestWithParam<Case> {};

TEST_P(ResolveTest, GivesTheCanonicalUrl) { EXPECT_EQ(resolved(GetParam().reference), GetParam().expected); }

// RFC 3986, section 5.4, without the fragments.
INSTANTIATE_TEST_SUITE_P(
    Rfc3986, ResolveTest,
    testing::Values(Case{"g:h", "ignored"}, Case{"g", "http://a/b/c/g"}, Case{"./g", "http://a/b/c/g"},
                    Case{"g/", "http://a/b/c/g/"}, Case{"/g", "http://a/g"}, Case{"//g", "http://g/"},
                    Case{"?y", "http://a/b/c/d;p?y"}, Case{"g?y", "http://a/b/c/g?y"},
                    Case{"#s", "http://a/b/c/d;p?q"}, Case{"g#s", "http://a/b/c/g"},
                    Case{"g?y#s", "http://a/b/c/g?y"}, Case{";x", "http://a/b/c/;x"},
                    Case{"g;x", "http://a/b/c/g;x"}, Case{"", "http://a/b/c/d;p?q"},
                    Case{".", "http://a/b/c/"}, Case{"./", "http://a/b/c/"}, Case{"..", "http://a/b/"},
                    Case{"../", "http://a/b/"}, Case{"../g", "http://a/b/g"}, Case{"../..", "http://a/"},
                    Case{"../../", "http://a/"}, Case{"../../g", "http://a/g"},
                    Case{"../../../g", "http://a/g"}, Case{"/./g", "http://a/g"}, Case{"/../g", "http://a/g"},
                    Case{"g.", "http://a/b/c/g."}, Case{"..g", "http://a/b/c/..g"},
                    Case{"./../g", "http://a/b/g"}, Case{"./g/.", "http://a/b/c/g/"},
                    Case{"g/./h", "http://a/b/c/g/h"}, Case{"g/../h", "http://a/b/c/h"},
                    Case{"g;x=1/../y", "http://a/b/c/y"}, Case{"g?y/../x", "http://a/b/c/g?y/../x"}));

INSTANTIATE_TEST_SUITE_P(OneSpelling, ResolveTest,
                         testing::Values(Case{"HTTP://ExAmPle.COM:80/%7euser", "http://example.com/~user"},
                                         Case{"http://h:/", "http://h/"}, Case{"https://h:443", "https://h/"},
                                         Case{"https://h:80/?", "https://h:80/?"},
                                         Case{"http://h/%2e%2e/%e4", "http://h/%E4"},
                                         Case{"http://user:word@h:8/x", "http://h:8/x"},
                                         Case{"http://H:0080", "http://h/"},
                                         Case{"http://[::1]:8080/x", "http://[::1]:8080/x"},
                                         Case{"http://h//a//b", "http://h//a//b"}));

INSTANTIATE_TEST_SUITE_P(
    RepairedAsInBrowsers, ResolveTest,
    testing::Values(Case{" a b.html\n", "http://a/b/c/a%20b.html"}, Case{"a\nb\tc", "http://a/b/c/abc"},
                    Case{"%zz", "http://a/b/c/%25zz"}, Case{"%", "http://a/b/c/%25"},
                    Case{"\\x\\y?\\", "http://a/x/y?%5C"}, Case{"\\\\h\\p", "http://h/p"},
                    Case{"x[1]|{}", "http://a/b/c/x%5B1%5D%7C%7B%7D"},
                    Case{"\xc3\xbc", "http://a/b/c/%C3%BC"}, Case{"\xff", "http://a/b/c/%FF"}));

INSTANTIATE_TEST_SUITE_P(NothingToFetch, ResolveTest,
                         testing::Values(Case{"http://", "invalid"}, Case{"http:///x", "invalid"},
                                         Case{"http://[::1", "invalid"}, Case{"http://h:99999/", "invalid"},
                                         Case{"http://h:0/", "invalid"}, Case{"http://h:x/", "invalid"},
                                         Case{"//h:8x", "invalid"}, Case{"http://h:1:2/", "invalid"},
                                         Case{"http://[::1]:x/", "invalid"},
                                         Case{"http://[::1]y/", "invalid"}, Case{"http://ho st/", "invalid"},
                                         Case{"http:x", "invalid"}, Case{"mailto:a@b", "ignored"},
                                         Case{"JavaScript:void(0)", "ignored"},
                                         Case{"data:text/html,<a>", "ignored"}, Case{"tel:1", "ignored"}));

TEST(Url, TakesTheSchemeOfTheBaseWhereTheReferenceHasNone) {
    EXPECT_EQ(resolved("//other/x", "https://a/"), "https://other/x");
}

TEST(Url, ParsesOnlyAbsoluteWebAddresses) {
    EXPECT_EQ(parse_url("example.org").kind, Reference::Kind::invalid);
    EXPECT_EQ(parse_url("ftp://example.org").kind, Reference::Kind::ignored);
    EXPECT_EQ(parse_url("http://example.org").url.text(), "http://example.org/");
}

TEST(Url, SplitsIntoWhatARequestNeeds) {
    auto const url = parse_url("https://[::1]:8443/a/b?c=d").url;
    EXPECT_TRUE(url.is_https());
    EXPECT_EQ(url.host(), "::1");
    EXPECT_EQ(url.port(), "8443");
    EXPECT_EQ(url.authority(), "[::1]:8443");
    EXPECT_EQ(url.target(), "/a/b?c=d");
}

TEST(Url, IsCanonicalAfterOneRound) {
    for (std::string_view const text :
         {"http://h/a%2fb/%41/../c d?x y", "http://h/%", "http://H/.//../%2E"}) {
        auto const once = parse_url(text).url.text();
        EXPECT_EQ(parse_url(once).url.text(), once) << text;
    }
}

} // namespace
} // namespace crawl
