#pragma once

#include <frond/errors.hpp>

#include <mutex>
#include <vector>

namespace frond::test {

/// While it lives, collects what nobody has seen.
class UnhandledErrors {
public:
    UnhandledErrors() {
        set_unhandled_error_handler([this](TaskError const& error) {
            std::lock_guard const lock{mutex_};
            errors_.push_back(error);
        });
    }
    UnhandledErrors(UnhandledErrors const&) = delete;
    UnhandledErrors& operator=(UnhandledErrors const&) = delete;
    ~UnhandledErrors() { set_unhandled_error_handler(nullptr); }

    std::vector<TaskError> seen() const {
        std::lock_guard const lock{mutex_};
        return errors_;
    }

private:
    mutable std::mutex mutex_;
    std::vector<TaskError> errors_;
};

} // namespace frond::test
