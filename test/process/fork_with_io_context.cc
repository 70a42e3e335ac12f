// exit: 0
// stdout: ^child: another context, and its timers work.parent: the same context, and its timers work.$
// sanitizers: off ThreadSanitizer forgets its fibers at a fork and then takes their switches for races

#include <frond/asio.hpp>
#include <frond/frond.hpp>

#include <chrono>
#include <cstdio>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/steady_timer.hpp>

namespace {

void use_timer() {
    boost::asio::steady_timer timer{frond::io_context(), std::chrono::milliseconds{1}};
    timer.async_wait(frond::use_fiber);
}

} // namespace

int main() {
    boost::asio::io_context* const before = &frond::io_context();
    use_timer();
    pid_t const child = ::fork();
    bool const is_same = &frond::io_context() == before;
    if (child == 0) {
        use_timer();
        std::printf("child: %s context, and its timers work\n", is_same ? "the same" : "another");
        return 0;
    }
    int status = -1;
    while (::waitpid(child, &status, WNOHANG) == 0) frond::sleep_for(std::chrono::milliseconds{1});
    use_timer();
    std::printf("parent: %s context, and its timers work\n", is_same ? "the same" : "another");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
