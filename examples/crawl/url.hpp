#pragma once

#include <string>
#include <string_view>

namespace crawl {

/// An absolute http or https URL in canonical form, so that two spellings of one address have one text:
/// scheme and host in lower case, the default port left out, dot segments resolved, percent-encoding
/// normalised, and neither user name nor fragment, which a server never sees.
class Url {
public:
    Url() = default;

    std::string const& text() const { return text_; }
    bool is_https() const { return text_.starts_with("https:"); }

    /// Gives the host without the brackets of an IPv6 address: what a resolver wants.
    std::string const& host() const { return host_; }
    /// Gives the port, also where the text leaves it out.
    std::string const& port() const { return port_; }
    /// Gives host and port as the Host header wants them; pages with the same authority belong to one site,
    /// whether they come by http or by https.
    std::string_view authority() const;
    /// Gives path and query, as the request line wants them.
    std::string_view target() const;

private:
    friend struct UrlBuilder;

    std::string text_;
    std::string host_;
    std::string port_;
};

/// What a reference found on a page leads to.
struct Reference {
    enum class Kind {
        web,     ///< http or https: `url` is set
        ignored, ///< mailto:, javascript:, data: and the like
        invalid, ///< nothing that could be fetched
    };
    Kind kind = Kind::invalid;
    Url url;
};

/// Resolves `reference`, as it stands in a page or in a Location header, against `base`. Blanks, backslashes,
/// letters that are not ASCII and lone percent signs, which real pages contain, are repaired the way browsers
/// do it.
Reference resolve(Url const& base, std::string_view reference);

/// Reads an absolute URL, as a user types it.
Reference parse_url(std::string_view text);

} // namespace crawl
