#include "ownership/lifecycle.hpp"

#include <frond/errors.hpp>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <typeinfo>
#include <utility>

#include <cxxabi.h>

namespace frond::inline v0 {

namespace {

using Handler = std::function<void(TaskError const&)>;

struct HandlerSlot {
    std::mutex lock;
    std::shared_ptr<Handler const> handler;
};

/// Never destroyed: static pools report late.
HandlerSlot& slot() {
    static auto& s = *new HandlerSlot;
    return s;
}

std::string what_of(std::exception_ptr const& error) {
    try {
        std::rethrow_exception(error);
    } catch (std::exception const& e) {
        return e.what();
    } catch (...) {
        auto const* const type = abi::__cxa_current_exception_type();
        if (!type) return "an exception of unknown type";
        std::unique_ptr<char, decltype(&std::free)> const name{
            abi::__cxa_demangle(type->name(), nullptr, nullptr, nullptr), &std::free};
        return std::string{"an exception of type "} + (name ? name.get() : type->name());
    }
}

void report_on_stderr(TaskError const& e) {
    if (e.id == 0) { // no task: an I/O handler, a group's deadline
        std::fprintf(stderr, "frond: nobody saw the error of the %s: %s\n", e.name.c_str(),
                     what_of(e.error).c_str());
        return;
    }
    auto const more = e.more == 0 ? std::string{} : " (and " + std::to_string(e.more) + " more)";
    std::fprintf(stderr, "frond: nobody saw the error of task %s#%llu, spawned at %s:%u: %s%s\n",
                 e.name.empty() ? "" : ("'" + e.name + "' ").c_str(), static_cast<unsigned long long>(e.id),
                 e.spawned_at.file_name(), static_cast<unsigned>(e.spawned_at.line()),
                 what_of(e.error).c_str(), more.c_str());
}

} // namespace

void set_unhandled_error_handler(std::function<void(TaskError const&)> handler) {
    auto next = handler ? std::make_shared<Handler const>(std::move(handler)) : nullptr;
    std::lock_guard const lock{slot().lock};
    slot().handler.swap(next);
}

void detail::report_unhandled(TaskError const& e) noexcept {
    std::shared_ptr<Handler const> handler;
    {
        std::lock_guard const lock{slot().lock};
        handler = slot().handler;
    }
    if (handler)
        (*handler)(e);
    else
        report_on_stderr(e);
}

} // namespace frond::inline v0
