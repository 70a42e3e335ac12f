// Who runs on a stack, for the overflow message: called in a signal handler.

#include "scheduler/fiber.hpp"
#include "scheduler/home.hpp"
#include "scheduler/task_extras.hpp"

#include <charconv>
#include <cstring>
#include <string_view>
#include <unistd.h>

namespace frond::inline v0::detail {

namespace {

void put(int fd, std::string_view text) noexcept {
    if (::write(fd, text.data(), text.size()) < 0) return; // there is nobody to tell
}

void put(int fd, std::uint64_t n) noexcept {
    char digits[24];
    auto const end = std::to_chars(digits, digits + sizeof digits, n).ptr;
    put(fd, std::string_view{digits, static_cast<std::size_t>(end - digits)});
}

} // namespace

void describe_stack_owner(void const* fiber, int fd) noexcept {
    auto const* const f = static_cast<Fiber const*>(fiber);
    TaskNode const* const t = f ? f->task : nullptr;
    if (!t) {
        put(fd, f && f->kind == FiberKind::reactor ? "an I/O handler" : "a fiber without a task");
        return;
    }
    put(fd, "task ");
    if (auto const name = name_of_task(*t); !name.empty()) {
        put(fd, "'");
        put(fd, name);
        put(fd, "' ");
    }
    put(fd, "#");
    put(fd, t->id);
    put(fd, " (spawned at ");
    put(fd, std::string_view{t->site.file_name()});
    put(fd, ":");
    put(fd, std::uint64_t{t->site.line()});
    put(fd, ")");
}

} // namespace frond::inline v0::detail
