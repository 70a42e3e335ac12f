#include "url.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <boost/url.hpp>

namespace urls = boost::urls;

namespace crawl {

namespace {

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Gives the scheme in lower case, or nothing if the reference has none.
std::string scheme_of(std::string_view reference) {
    auto const colon = reference.find_first_of(":/?#\\");
    if (colon == std::string_view::npos || reference[colon] != ':' || colon == 0 || !is_alpha(reference[0]))
        return {};
    std::string scheme;
    for (char const c : reference.substr(0, colon)) {
        if (!is_alpha(c) && !is_digit(c) && c != '+' && c != '-' && c != '.') return {};
        scheme += to_lower(c);
    }
    return scheme;
}

/// Drops what browsers drop before they look at a reference: blanks around it, line breaks and tabs inside.
std::string trimmed(std::string_view raw) {
    auto const is_blank = [](char c) { return static_cast<unsigned char>(c) <= ' '; };
    while (!raw.empty() && is_blank(raw.front())) raw.remove_prefix(1);
    while (!raw.empty() && is_blank(raw.back())) raw.remove_suffix(1);
    std::string text;
    text.reserve(raw.size());
    std::copy_if(raw.begin(), raw.end(), std::back_inserter(text),
                 [](char c) { return c != '\t' && c != '\n' && c != '\r'; });
    return text;
}

int hex_value(char c) { return is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10; }
bool is_unreserved(char c) {
    return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

void append_escaped(std::string& out, char c) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    auto const byte = static_cast<unsigned char>(c);
    out += {'%', hex[byte >> 4], hex[byte & 15]};
}

/// Makes an RFC 3986 reference of what people write: Boost.URL is strict, the web is not. Escapes come out in
/// one spelling: needless ones decoded, the others in upper case.
std::string repaired(std::string text, std::size_t scheme_length) {
    if (auto const fragment = text.find('#'); fragment != std::string::npos) text.resize(fragment);
    auto const query = std::min(text.find('?'), text.size());
    std::replace(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(query), '\\', '/');

    std::size_t after_authority = scheme_length == 0 ? 0 : scheme_length + 1;
    if (std::string_view{text}.substr(after_authority).starts_with("//"))
        after_authority = std::min(text.find_first_of("/?", after_authority + 2), text.size());

    constexpr std::string_view delimiters = "!$&'()*+,;=:@/?";
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        if (c == '%' && i + 2 < text.size() && is_hex(text[i + 1]) && is_hex(text[i + 2])) {
            char const decoded = static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
            if (is_unreserved(decoded)) {
                out += decoded;
            } else {
                append_escaped(out, decoded);
            }
            i += 2;
        } else if (is_unreserved(c) || delimiters.find(c) != std::string_view::npos ||
                   ((c == '[' || c == ']') && i < after_authority)) {
            out += c;
        } else {
            append_escaped(out, c);
        }
    }
    return out;
}

/// Resolves "." and ".." (RFC 3986, 5.2.4). Boost.URL 1.81 leaves ".." above the root standing, and writes an
/// empty path as "/./", so the path is put in order here.
std::string without_dot_segments(std::string_view path) {
    std::string out;
    while (!path.empty()) {
        auto const slash = path.find('/', 1);
        std::string_view const segment = path.substr(0, slash);
        bool const last = slash == std::string_view::npos;
        if (segment == "/..") {
            out.resize(out.empty() ? 0 : out.rfind('/'));
            if (last) out += '/';
        } else if (segment == "/.") {
            if (last) out += '/';
        } else {
            out += segment;
        }
        path.remove_prefix(segment.size());
    }
    return out.empty() ? "/" : out;
}

/// Gives 0 for what is no port.
unsigned port_number(std::string_view port) {
    unsigned value = 0;
    auto const [end, error] = std::from_chars(port.data(), port.data() + port.size(), value);
    return error == std::errc{} && end == port.data() + port.size() && value <= 65535 ? value : 0;
}

/// Boost.URL 1.81 lets wrong authorities pass (it reads h:x as the host hx), so they are checked before. A
/// percent sign in a host is either a character that no host name may hold or an international name that was
/// not converted: neither can be looked up.
bool has_valid_authority(std::string_view reference, std::size_t scheme_length) {
    reference.remove_prefix(scheme_length == 0 ? 0 : scheme_length + 1);
    if (!reference.starts_with("//")) return true;
    auto authority = reference.substr(2, reference.find_first_of("/?", 2) - 2);
    if (auto const user = authority.find('@'); user != std::string_view::npos)
        authority.remove_prefix(user + 1);
    auto const host_end = authority.starts_with('[') ? authority.find(']') + 1
                                                     : std::min(authority.find(':'), authority.size());
    auto const host = authority.substr(0, host_end);
    auto const port = authority.substr(host_end);
    return !host.empty() && host.find_first_of("%@") == std::string_view::npos &&
           (port.empty() || port == ":" || (port.front() == ':' && port_number(port.substr(1)) != 0));
}

} // namespace

struct UrlBuilder {
    static std::optional<Url> canonical(urls::url_view const& url) {
        std::string host{std::string_view{url.encoded_host()}};
        if (host.empty()) return std::nullopt;
        for (char& c : host) c = to_lower(c);
        unsigned const default_port = url.scheme_id() == urls::scheme::https ? 443 : 80;
        unsigned const given_port = port_number(std::string_view{url.port()});
        unsigned const port = given_port == 0 ? default_port : given_port;

        Url result;
        result.text_ = (default_port == 443 ? "https://" : "http://") + host;
        if (port != default_port) result.text_ += ':' + std::to_string(port);
        result.text_ += without_dot_segments(std::string_view{url.encoded_path()});
        if (url.has_query()) result.text_ += '?' + std::string{std::string_view{url.encoded_query()}};
        result.host_ = host.front() == '[' ? host.substr(1, host.size() - 2) : host;
        result.port_ = std::to_string(port);
        return result;
    }
};

std::string_view Url::authority() const {
    auto const begin = text_.find("://") + 3;
    return std::string_view{text_}.substr(begin, text_.find('/', begin) - begin);
}

std::string_view Url::target() const {
    return std::string_view{text_}.substr(text_.find('/', text_.find("://") + 3));
}

namespace {

Reference read(Url const* base, std::string_view raw) {
    std::string text = trimmed(raw);
    std::string const scheme = scheme_of(text);
    if (!scheme.empty() && scheme != "http" && scheme != "https") return {Reference::Kind::ignored, {}};
    if (scheme.empty() && base == nullptr) return {};

    text = repaired(std::move(text), scheme.size());
    if (!has_valid_authority(text, scheme.size())) return {};
    auto const reference = urls::parse_uri_reference(text);
    if (!reference) return {};
    urls::url absolute{*reference};
    if (base != nullptr && !urls::resolve(urls::url_view{base->text()}, *reference, absolute)) return {};
    auto url = UrlBuilder::canonical(absolute);
    if (!url) return {};
    return {Reference::Kind::web, std::move(*url)};
}

} // namespace

Reference resolve(Url const& base, std::string_view reference) { return read(&base, reference); }

Reference parse_url(std::string_view text) { return read(nullptr, text); }

} // namespace crawl
