#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace frond::test {

/// A folder that dies with its owner.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "frond-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::system_error{errno, std::generic_category(), "mkdtemp"};
        path_ = name;
    }
    TemporaryFolder(TemporaryFolder const&) = delete;
    TemporaryFolder& operator=(TemporaryFolder const&) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    std::filesystem::path operator/(std::string const& name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

/// A child process, ended with its owner. `setpriv` has the kernel end it, too, should the test be killed.
class ChildProcess {
public:
    explicit ChildProcess(std::vector<std::string> command) {
        command.insert(command.begin(), {"setpriv", "--pdeathsig", "KILL"});
        std::vector<char*> arguments;
        for (std::string& word : command) arguments.push_back(word.data());
        arguments.push_back(nullptr);
        char const* const path = std::getenv("PATH");
        // Daemons live in sbin, which a plain user's PATH lacks.
        std::string environment = std::string{"PATH=/usr/sbin:/sbin:"} + (path ? path : "/usr/bin:/bin");
        char* const variables[] = {environment.data(), nullptr};
        int const error = ::posix_spawnp(&pid_, "setpriv", nullptr, nullptr, arguments.data(), variables);
        if (error != 0)
            throw std::system_error{error, std::generic_category(), "setpriv (package util-linux)"};
    }
    ChildProcess(ChildProcess const&) = delete;
    ChildProcess& operator=(ChildProcess const&) = delete;
    ~ChildProcess() {
        if (has_ended()) return;
        ::kill(pid_, SIGTERM);
        wait();
    }

    bool has_ended() {
        if (!ended_ && ::waitpid(pid_, &status_, WNOHANG) == pid_) ended_ = true;
        return ended_;
    }
    /// The exit code; -1 if a signal ended it. Blocks the thread.
    int wait() {
        if (!ended_ && ::waitpid(pid_, &status_, 0) == pid_) ended_ = true;
        return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
    }

private:
    pid_t pid_ = 0;
    int status_ = 0;
    bool ended_ = false;
};

} // namespace frond::test
