// exit: 134
// stderr: frond: nothing can run any more, and only a destructor waits:
// stderr: main fiber joins group #[0-9]+ 'stuck'
// stderr: task #[0-9]+ 'waiter': suspended, .* spawned at .*stall_only_destructor_waits.cc:1[0-9]

#include <frond/frond.hpp>

#include <boost/fiber/condition_variable.hpp>
#include <boost/fiber/mutex.hpp>

#include <mutex>

int main() {
    boost::fibers::mutex mutex;
    boost::fibers::condition_variable never;
    frond::Group group{frond::GroupOptions{.name = "stuck"}};
    group.spawn({.name = "waiter"}, [&] {
        std::unique_lock lock{mutex};
        never.wait(lock);
    });
}
