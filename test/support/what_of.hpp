#pragma once

#include <exception>
#include <string>

namespace frond::test {

/// The text of an exception, "" for none, "?" for one without a text.
inline std::string what_of(std::exception_ptr const& error) {
    if (!error) return "";
    try {
        std::rethrow_exception(error);
    } catch (std::exception const& e) {
        return e.what();
    } catch (...) {
        return "?";
    }
}

/// The same for what a call throws.
template <class F>
std::string what_is_thrown_by(F&& f) {
    try {
        f();
    } catch (...) {
        return what_of(std::current_exception());
    }
    return "";
}

} // namespace frond::test
