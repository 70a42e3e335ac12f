#include "links.hpp"

#include <algorithm>
#include <limits>
#include <new>

#include <libxml/HTMLparser.h>

namespace crawl {

/// Libxml2's SAX parser in push mode. It is five times faster than parsers that build a tree, and on a fast
/// network the parser is what a crawler spends its time on.
class LinkParser::Sax {
public:
    explicit Sax(std::string const& charset) {
        // Libxml2 sets up its tables at first use, without a lock; threads must not race for that.
        [[maybe_unused]] static bool const ready = (xmlInitParser(), true);
        htmlSAXHandler handler{};
        handler.startElement = &Sax::start_element;
        auto const encoding =
            charset.empty() ? XML_CHAR_ENCODING_NONE : xmlParseCharEncoding(charset.c_str());
        context_ =
            htmlCreatePushParserCtxt(&handler, &links_, nullptr, 0, nullptr,
                                     encoding == XML_CHAR_ENCODING_ERROR ? XML_CHAR_ENCODING_NONE : encoding);
        if (context_ == nullptr) throw std::bad_alloc{};
        // Libxml2 before 2.14 stops at </html>, where browsers go on and pages do, too. It overlooks as many
        // closing tags of html, head and body as it has counted surplus opening ones: here.
        context_->depth = std::numeric_limits<int>::max() / 2;
        htmlCtxtUseOptions(context_, HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET);
    }
    Sax(Sax const&) = delete;
    Sax& operator=(Sax const&) = delete;
    ~Sax() { htmlFreeParserCtxt(context_); }

    void feed(std::string_view piece) {
        // A NUL ends libxml2's idea of the text, and would hide every link behind it.
        if (std::find(piece.begin(), piece.end(), '\0') != piece.end()) {
            std::string clean{piece};
            std::replace(clean.begin(), clean.end(), '\0', ' ');
            htmlParseChunk(context_, clean.data(), static_cast<int>(clean.size()), 0);
        } else {
            htmlParseChunk(context_, piece.data(), static_cast<int>(piece.size()), 0);
        }
    }

    Links finish() {
        htmlParseChunk(context_, nullptr, 0, 1);
        return std::move(links_);
    }

private:
    static void start_element(void* user, xmlChar const* name, xmlChar const** attributes) noexcept {
        if (attributes == nullptr) return;
        auto& links = *static_cast<Links*>(user);
        std::string_view const element{reinterpret_cast<char const*>(name)};
        for (; attributes[0] != nullptr; attributes += 2) {
            if (attributes[1] == nullptr) continue;
            std::string_view const key{reinterpret_cast<char const*>(attributes[0])};
            auto const* value = reinterpret_cast<char const*>(attributes[1]);
            if (element == "base") {
                if (key == "href" && !links.base) links.base = value;
            } else if (key == "href" || key == "src" || (key == "data" && element == "object")) {
                links.references.emplace_back(value);
            }
        }
    }

    Links links_;
    htmlParserCtxtPtr context_ = nullptr;
};

LinkParser::LinkParser(std::string const& charset) : sax_{std::make_unique<Sax>(charset)} {}

LinkParser::~LinkParser() = default;

void LinkParser::feed(std::string_view piece) { sax_->feed(piece); }

Links LinkParser::finish() { return sax_->finish(); }

} // namespace crawl
