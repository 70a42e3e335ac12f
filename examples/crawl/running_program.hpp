#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace crawl {

/// A program that a test runs beside itself, with its standard output and errors in pipes. It handles SIGINT
/// and SIGTERM as one started from a terminal, whatever this process does with them.
class RunningProgram {
public:
    struct Result {
        int exit_code; ///< -1 if a signal ended it
        std::string output;
        std::string errors; ///< all, what `await_error` has seen included
    };

    /// @throws std::system_error
    explicit RunningProgram(std::vector<std::string> command, bool ignores_interrupts = false);
    RunningProgram(RunningProgram const&) = delete;
    RunningProgram& operator=(RunningProgram const&) = delete;
    /// Kills what still runs.
    ~RunningProgram();

    /// Waits for a line on standard error that holds `text`. @return false: the program ended without one
    bool await_error(std::string const& text);
    void send(int signal) const;
    /// Waits for its end.
    Result finish();

private:
    pid_t pid_ = 0;
    int output_ = -1;
    int errors_ = -1;
    std::string seen_; ///< of standard error
};

} // namespace crawl
