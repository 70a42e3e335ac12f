#pragma once

#include <frond/errors.hpp>

#include <mutex>
#include <vector>

namespace frond::test {

/// While it lives, collects what nobody has seen.
class UnhandledErrors {
public:
    UnhandledErrors() {
        set_unhandled_error_handler([this](const TaskError& error) {
            const std::lock_guard lock{mutex_};
            errors_.push_back(error);
        });
    }
    UnhandledErrors(const UnhandledErrors&) = delete;
    UnhandledErrors& operator=(const UnhandledErrors&) = delete;
    ~UnhandledErrors() { set_unhandled_error_handler(nullptr); }

    std::vector<TaskError> seen() const {
        const std::lock_guard lock{mutex_};
        return errors_;
    }

private:
    mutable std::mutex mutex_;
    std::vector<TaskError> errors_;
};

} // namespace frond::test
