#include <frond/frond.hpp>

#include <cerrno>
#include <cstdio>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <sys/resource.h>
#include <vector>

namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File open_temporary() {
    File file{std::tmpfile(), &std::fclose};
    if (!file) throw std::runtime_error{errno == EMFILE ? "too many open files" : "no temporary file"};
    return file;
}

/// While it lives, the process can open so many files more.
class FileLimit {
public:
    explicit FileLimit(int files) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        std::vector<File> probes; // they get the lowest free numbers
        while (static_cast<int>(probes.size()) < files) probes.push_back(open_temporary());
        rlimit fewer = before_;
        fewer.rlim_cur = static_cast<rlim_t>(::fileno(probes.back().get())) + 1;
        ::setrlimit(RLIMIT_NOFILE, &fewer);
    }
    FileLimit(FileLimit const&) = delete;
    FileLimit& operator=(FileLimit const&) = delete;
    ~FileLimit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

/// Permits that are given back whatever happens.
class Permits {
public:
    Permits(frond::Semaphore& semaphore, int count) : semaphore_{semaphore}, count_{count} {
        semaphore_.acquire(count_);
    }
    Permits(Permits const&) = delete;
    Permits& operator=(Permits const&) = delete;
    ~Permits() { semaphore_.release(count_); }

private:
    frond::Semaphore& semaphore_;
    int count_;
};

// Writes to temporary files, waits, and reads back: needs that many descriptors all the while.
int use_files(int count) {
    std::vector<File> files;
    while (static_cast<int>(files.size()) < count) files.push_back(open_temporary());
    for (File const& file : files) std::fputs("42", file.get());
    frond::yield(); // stands for a slow disk: others go on
    int sum = 0;
    for (File const& file : files) {
        std::fseek(file.get(), 0, SEEK_SET);
        int number = 0;
        if (std::fscanf(file.get(), "%d", &number) == 1) sum += number;
    }
    return sum;
}

// Twelve tasks at once, and three descriptors.
void unprotected() {
    frond::Group group;
    for (int i = 0; i < 12; ++i) group.spawn([] { use_files(1); });
    try {
        group.join();
    } catch (std::runtime_error const& e) {
        std::cout << "without: " << 1 + group.errors().size() << " of 12 failed, " << e.what() << '\n';
    }
}

// The same behind a semaphore. A task that needs two files takes both permits at once.
void limited() {
    frond::Semaphore descriptors{3};
    frond::Group group;
    std::vector<frond::Task<int>> sums;
    for (int i = 0; i < 12; ++i) {
        int const count = i % 4 == 0 ? 2 : 1;
        sums.push_back(group.spawn([&descriptors, count] {
            Permits const permits{descriptors, count};
            return use_files(count);
        }));
    }
    group.join(); // throws nothing
    int files = 0;
    for (auto const& sum : sums) files += sum.get() / 42;
    std::cout << "with: " << files << " files used, " << descriptors.available() << " permits left\n";
}

// One that is cancelled while it waits does not hold up the next.
void giving_up() {
    frond::Semaphore descriptors{3};
    frond::Group group;
    Permits const mine{descriptors, 2};
    auto const greedy = group.spawn([&descriptors] { Permits const permits{descriptors, 3}; });
    auto const modest = group.spawn([&descriptors] {
        Permits const permits{descriptors, 1};
        return use_files(1);
    });
    frond::yield(); // first in, first out: both wait
    std::cout << "queued behind it: " << !modest.ready();
    greedy.cancel();
    std::cout << ", then: " << modest.get() << '\n';
}

} // namespace

int main() {
    std::cout << std::boolalpha;
    FileLimit const limit{3};
    unprotected();
    limited();
    giving_up();
}
