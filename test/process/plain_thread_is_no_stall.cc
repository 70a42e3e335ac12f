// exit: 0
// stdout: ^set by a plain thread.$

// All fibers wait, no timer runs; but a thread that frond does not know is there and may still do something.

#include <frond/frond.hpp>

#include <boost/fiber/future.hpp>

#include <chrono>
#include <cstdio>
#include <thread>

int main() {
    boost::fibers::promise<char const*> promise;
    auto future = promise.get_future();
    std::thread plain{[&] {
        std::this_thread::sleep_for(std::chrono::milliseconds{1500});
        promise.set_value("set by a plain thread");
    }};
    {
        frond::Group group;
        group.spawn([&] { std::puts(future.get()); });
        group.join();
    }
    plain.join();
}
