#pragma once

#include <frond/diagnostics.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace frond::test {

/// Ends the program, telling what it waited for, if it lives longer than `patience`: a lost wake-up would
/// otherwise show as a time limit of CTest that nobody can read. Its thread also keeps the search for stalls
/// quiet, which would mend some of what must not go wrong.
class Watchdog {
public:
    explicit Watchdog(std::string task, std::chrono::seconds patience = std::chrono::seconds{120})
        : task_{std::move(task)}, thread_{[this, patience] { watch(patience); }} {}
    Watchdog(Watchdog const&) = delete;
    Watchdog& operator=(Watchdog const&) = delete;
    ~Watchdog() {
        {
            std::lock_guard const lock{mutex_};
            over_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }

    /// Begins to count anew.
    void pat(std::string task) {
        std::lock_guard const lock{mutex_};
        task_ = std::move(task);
        patted_ = true;
        changed_.notify_all();
    }

private:
    void watch(std::chrono::seconds patience) {
        std::unique_lock lock{mutex_};
        do {
            patted_ = false;
            if (changed_.wait_for(lock, patience, [this] { return over_ || patted_; })) continue;
            std::cerr << "no end after " << patience.count() << " s: " << task_ << std::endl;
            dump(std::cerr);
            std::cerr << std::flush;
            std::abort();
        } while (!over_);
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::string task_;
    bool patted_ = false;
    bool over_ = false;
    std::thread thread_;
};

} // namespace frond::test
