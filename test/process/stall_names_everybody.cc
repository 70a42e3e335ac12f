// exit: 0
// stdout: main fiber joins group #[0-9]+ 'outer'
// stdout: task #[0-9]+ 'consumer': suspended, .* spawned at .*stall_names_everybody.cc:2[0-9]
// stdout: then it can go on.$

// Nothing can happen any more: the outermost waiter learns it, with the graph, and nobody has to guess a
// timeout.

#include <frond/frond.hpp>

#include <boost/fiber/condition_variable.hpp>
#include <boost/fiber/mutex.hpp>

#include <iostream>
#include <mutex>

int main() {
    boost::fibers::mutex mutex;
    boost::fibers::condition_variable filled;
    bool full = false;
    frond::Group group{frond::GroupOptions{.name = "outer"}};
    group.spawn({.name = "consumer"}, [&] {
        std::unique_lock lock{mutex};
        filled.wait(lock, [&] { return full; });
    });
    try {
        group.join();
    } catch (frond::Deadlock const& e) {
        std::cout << e.what();
    }
    {
        std::lock_guard const lock{mutex};
        full = true;
    }
    filled.notify_one();
    group.join();
    std::cout << "then it can go on\n";
}
