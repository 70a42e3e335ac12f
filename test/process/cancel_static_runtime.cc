// exit: 0
// stdout: ^main returns.stopped: 4.$

// A static runtime waits for its tasks; a stop token that a static destroyed before it stops ends those that
// would never end.

#include <frond/frond.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <stop_token>

namespace {

std::atomic<int> stopped{0};

struct Report {
    ~Report() { std::printf("stopped: %d\n", stopped.load()); }
} report;

std::unique_ptr<frond::Group> group;
frond::Runtime runtime{{.threads = 2}};

struct Stopper {
    std::stop_source source;
    ~Stopper() { source.request_stop(); }
} stopper;

} // namespace

int main() {
    group = runtime.run([] {
        return std::make_unique<frond::Group>(frond::GroupOptions{.stop = stopper.source.get_token()});
    });
    std::atomic<int> started{0};
    for (int i = 0; i < 4; ++i)
        group->spawn([&started] {
            ++started;
            try {
                frond::sleep_for(std::chrono::hours{1});
            } catch (frond::Cancelled const&) {
                ++stopped;
                throw;
            }
        });
    while (started < 4) frond::sleep_for(std::chrono::milliseconds{1});
    std::puts("main returns");
    std::fflush(stdout);
}
