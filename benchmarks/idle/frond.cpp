// What threads cost whose tasks all wait: processor time and wake-ups over 5 seconds.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <sys/resource.h>

#include <boost/asio/ip/udp.hpp>

#include <frond/asio.hpp>
#include <frond/group.hpp>
#include <frond/pool.hpp>
#include <frond/this_task.hpp>

#include "../frond_threads.hpp"
#include "../report.hpp"

namespace {

using std::chrono::milliseconds;

milliseconds settling() { return milliseconds{bench::smoke() ? 50 : 500}; }
milliseconds measured() { return milliseconds{bench::smoke() ? 100 : 5'000}; }

struct Usage {
    double processor_seconds;
    std::uint64_t context_switches;
    static Usage now() {
        rusage u{};
        getrusage(RUSAGE_SELF, &u);
        auto const seconds = [](timeval t) {
            return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
        };
        return {.processor_seconds = seconds(u.ru_utime) + seconds(u.ru_stime),
                .context_switches = static_cast<std::uint64_t>(u.ru_nvcsw + u.ru_nivcsw)};
    }
};

/// 1,000 tasks that sleep, as many that `get` those, 100 behind a pool that is full, groups that join, and
/// where `with_io` a socket on each thread that nobody writes to before the end. Returns after `duration`.
template <class OnEachThread>
void wait_for(milliseconds duration, bool with_io, OnEachThread on_each_thread) {
    frond::Group group;
    frond::Pool pool{1};
    pool.spawn([=] { frond::sleep_for(duration); });
    for (int i = 0; i < 100; ++i) pool.spawn([] {});
    for (int i = 0; i < 1'000; ++i) {
        auto const sleeper = group.spawn([=] { frond::sleep_for(duration); });
        group.spawn([sleeper] { sleeper.get(); });
    }
    for (int i = 0; i < 10; ++i)
        group.spawn([=] {
            frond::Group inner;
            inner.spawn([=] { frond::sleep_for(duration); });
            inner.join();
        });
    if (with_io)
        on_each_thread([=] {
            using boost::asio::ip::udp;
            udp::socket reader{frond::io_context(),
                               udp::endpoint{boost::asio::ip::address_v4::loopback(), 0}};
            frond::Group both;
            both.spawn({.pinned = true}, [&] {
                char byte = 0;
                reader.async_receive(boost::asio::buffer(&byte, 1), frond::use_fiber);
            });
            frond::sleep_for(duration);
            udp::socket writer{frond::io_context(), udp::v4()};
            writer.async_send_to(boost::asio::buffer("x", 1), reader.local_endpoint(), frond::use_fiber);
            both.join();
        });
    group.join();
    pool.join();
}

/// Counts on a thread of its own, so `run_tasks` may block this one.
template <class F>
void count(benchmark::State& state, F run_tasks) {
    Usage before{};
    Usage after{};
    for (auto _ : state) {
        std::thread counter{[&] {
            std::this_thread::sleep_for(settling());
            before = Usage::now();
            std::this_thread::sleep_for(measured());
            after = Usage::now();
        }};
        run_tasks(2 * settling() + measured());
        counter.join();
    }
    double const seconds = std::chrono::duration<double>(measured()).count();
    double const percent = 100 * (after.processor_seconds - before.processor_seconds) / seconds;
    if (percent >= 0.5 && !bench::smoke()) {
        std::fprintf(stderr, "%.2f %% of a processor although all tasks wait\n", percent);
        std::exit(EXIT_FAILURE);
    }
    bench::report_counts(state,
                         {{"seconds", seconds},
                          {"% of a processor", percent},
                          {"context switches a second",
                           static_cast<double>(after.context_switches - before.context_switches) / seconds}});
}

void without_runtime(benchmark::State& state, bool with_io) {
    count(state, [=](milliseconds d) { wait_for(d, with_io, [](auto const& f) { f(); }); });
}

void in_runtime(benchmark::State& state, std::size_t threads, bool with_io) {
    count(state, [=](milliseconds d) {
        bench::on_frond_threads(threads, [&](frond::Runtime& runtime) {
            wait_for(d, with_io, [&](auto const& f) { runtime.run_on_each(f); });
        });
    });
}

BENCHMARK_CAPTURE(without_runtime, a, false)->Name("idle/no_runtime")->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(without_runtime, b, true)->Name("idle/no_runtime,_IO")->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(in_runtime, a, 2, false)->Name("idle/2_threads")->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(in_runtime, b, 2, true)->Name("idle/2_threads,_IO")->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(in_runtime, c, 4, false)->Name("idle/4_threads")->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(in_runtime, d, 4, true)->Name("idle/4_threads,_IO")->Apply(bench::once_by_wall_clock);

} // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, "frond"); }
