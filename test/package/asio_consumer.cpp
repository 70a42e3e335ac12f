#include <frond/asio.hpp>
#include <frond/frond.hpp>

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdlib>

int main() {
    int fired = 0;
    frond::Group group;
    for (int i = 0; i < 10; ++i)
        group.spawn([&] {
            boost::asio::steady_timer timer{frond::io_context(), std::chrono::milliseconds{1}};
            timer.async_wait(frond::use_fiber);
            ++fired;
        });
    group.join();
    return fired == 10 ? EXIT_SUCCESS : EXIT_FAILURE;
}
