#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crawl {

/// The references of one page as they stand there, entities decoded.
struct Links {
    std::optional<std::string> base;     ///< the href of the first <base> that has one
    std::vector<std::string> references; ///< every href, src and object data, in the order of the page
};

/// Collects the links of an HTML page that arrives in pieces. No tree is built and no piece is kept, so a
/// page costs the memory of its links. Malformed markup is read as well as it can be.
class LinkParser {
public:
    /// @param charset as the Content-Type header names it; empty to go by the page itself.
    explicit LinkParser(std::string const& charset = {});
    LinkParser(LinkParser const&) = delete;
    LinkParser& operator=(LinkParser const&) = delete;
    ~LinkParser();

    void feed(std::string_view piece);
    /// Ends the page; feed nothing after that.
    Links finish();

private:
    class Sax;
    std::unique_ptr<Sax> sax_;
};

} // namespace crawl
