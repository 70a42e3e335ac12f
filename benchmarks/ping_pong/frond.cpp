#include <cstddef>
#include <cstdint>

#include <frond/group.hpp>
#include <frond/sync/channel.hpp>

#include "../frond_threads.hpp"
#include "workload.hpp"

namespace {

using Channel = frond::Channel<std::uint64_t>;

auto there_and_back(std::size_t capacity) {
    return [capacity](std::uint64_t messages) {
        Channel pings{capacity};
        Channel pongs{capacity};
        std::uint64_t sent_back = 0;
        std::uint64_t received = 0;
        frond::Group group;
        group.spawn([&] {
            for (std::uint64_t i = 0; i < messages / 2; ++i) {
                pings.push(i);
                received += *pongs.pop();
            }
            pings.close();
        });
        group.spawn([&] {
            while (auto ping = pings.pop()) {
                sent_back += *ping;
                pongs.push(*ping);
            }
        });
        group.join();
        return received + sent_back;
    };
}

std::uint64_t one_way_only(std::uint64_t messages) {
    Channel channel{1};
    std::uint64_t received = 0;
    frond::Group group;
    group.spawn([&] {
        for (std::uint64_t i = 0; i < messages; ++i) channel.push(i);
        channel.close();
    });
    group.spawn([&] {
        while (auto message = channel.pop()) received += *message;
    });
    group.join();
    return received;
}

// Calls `time(messages)`; 0 threads: without a runtime.
template <class F>
void on_threads(std::size_t threads, F time) {
    if (threads == 0)
        time(bench::message_count());
    else
        bench::on_frond_threads(threads, [&](frond::Runtime&) {
            time(threads == 1 ? bench::message_count() : bench::message_count_across_threads());
        });
}

void one_slot(benchmark::State& state, std::size_t threads) {
    on_threads(threads, [&](std::uint64_t n) { bench::time_there_and_back(state, n, there_and_back(1)); });
}
void rendezvous(benchmark::State& state, std::size_t threads) {
    on_threads(threads, [&](std::uint64_t n) { bench::time_there_and_back(state, n, there_and_back(0)); });
}
void one_way(benchmark::State& state, std::size_t threads) {
    on_threads(threads, [&](std::uint64_t n) { bench::time_one_way(state, n, one_way_only); });
}

void one_slot(benchmark::State& state) { one_slot(state, 0); }
void rendezvous(benchmark::State& state) { rendezvous(state, 0); }
void one_way(benchmark::State& state) { one_way(state, 0); }

BENCHMARK(one_slot)->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(one_slot, 1_thread, 1)->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(one_slot, 2_threads, 2)->Apply(bench::once_by_wall_clock);
BENCHMARK(rendezvous)->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(rendezvous, 1_thread, 1)->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(rendezvous, 2_threads, 2)->Apply(bench::once_by_wall_clock);
BENCHMARK(one_way)->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(one_way, 1_thread, 1)->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(one_way, 2_threads, 2)->Apply(bench::once_by_wall_clock);

} // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, "frond"); }
