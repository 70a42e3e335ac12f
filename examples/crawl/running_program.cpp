#include "running_program.hpp"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace crawl {

namespace {

struct Pipe {
    int ends[2] = {-1, -1};
    Pipe() {
        if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error{errno, std::generic_category(), "pipe"};
    }
};

/// Appends what comes. @return false at the end
bool read_some(int descriptor, std::string& text) {
    char piece[4096];
    ssize_t n = 0;
    do n = ::read(descriptor, piece, sizeof piece);
    while (n < 0 && errno == EINTR);
    if (n > 0) text.append(piece, static_cast<std::size_t>(n));
    return n > 0;
}

} // namespace

RunningProgram::RunningProgram(std::vector<std::string> command, bool ignores_interrupts) {
    Pipe const output;
    Pipe const errors;
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, output.ends[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, errors.ends[1], STDERR_FILENO);

    sigset_t defaults;
    ::sigemptyset(&defaults);
    ::sigaddset(&defaults, SIGTERM);
    if (!ignores_interrupts) ::sigaddset(&defaults, SIGINT);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    ::posix_spawnattr_setsigdefault(&attributes, &defaults);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);

    std::vector<char*> arguments;
    arguments.reserve(command.size() + 1);
    for (auto& word : command) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    // Whether a signal is ignored is what a program inherits.
    auto const before = ignores_interrupts ? ::signal(SIGINT, SIG_IGN) : SIG_DFL;
    int const failure =
        ::posix_spawn(&pid_, arguments.front(), &actions, &attributes, arguments.data(), environ);
    if (ignores_interrupts) ::signal(SIGINT, before);
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(output.ends[1]);
    ::close(errors.ends[1]);
    output_ = output.ends[0];
    errors_ = errors.ends[0];
    if (failure != 0) throw std::system_error{failure, std::generic_category(), command.front()};
}

RunningProgram::~RunningProgram() {
    if (pid_ != 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    ::close(output_);
    ::close(errors_);
}

bool RunningProgram::await_error(std::string const& text) {
    for (;;) {
        auto const found = seen_.find(text);
        if (found != std::string::npos && seen_.find('\n', found) != std::string::npos) return true;
        if (!read_some(errors_, seen_)) return false;
    }
}

void RunningProgram::send(int signal) const { ::kill(pid_, signal); }

RunningProgram::Result RunningProgram::finish() {
    while (read_some(errors_, seen_)) {
    }
    std::string output;
    while (read_some(output_, output)) {
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output, seen_};
}

} // namespace crawl
