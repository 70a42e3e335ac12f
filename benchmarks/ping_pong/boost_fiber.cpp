#include <cstddef>
#include <cstdint>

#include <boost/fiber/buffered_channel.hpp>
#include <boost/fiber/unbuffered_channel.hpp>

#include "../boost_fiber_spawner.hpp"
#include "workload.hpp"

namespace {

using boost::fibers::channel_op_status;

// A buffered_channel has one place less than it is given, and takes powers of two only: this is one slot.
struct OneSlot {
    boost::fibers::buffered_channel<std::uint64_t> channel{2};
};
struct Rendezvous {
    boost::fibers::unbuffered_channel<std::uint64_t> channel;
};

template <class Room>
std::uint64_t there_and_back(std::uint64_t messages) {
    Room pings;
    Room pongs;
    std::uint64_t sent_back = 0;
    std::uint64_t received = 0;
    auto spawn = bench::queued_default_stack();
    auto first = spawn([&] {
        for (std::uint64_t i = 0; i < messages / 2; ++i) {
            pings.channel.push(i);
            received += pongs.channel.value_pop();
        }
        pings.channel.close();
    });
    auto second = spawn([&] {
        for (std::uint64_t ping = 0; pings.channel.pop(ping) == channel_op_status::success;) {
            sent_back += ping;
            pongs.channel.push(ping);
        }
    });
    first.join();
    second.join();
    return received + sent_back;
}

std::uint64_t one_way_only(std::uint64_t messages) {
    OneSlot room;
    std::uint64_t received = 0;
    auto spawn = bench::queued_default_stack();
    auto producer = spawn([&] {
        for (std::uint64_t i = 0; i < messages; ++i) room.channel.push(i);
        room.channel.close();
    });
    auto consumer = spawn([&] {
        for (std::uint64_t message = 0; room.channel.pop(message) == channel_op_status::success;)
            received += message;
    });
    producer.join();
    consumer.join();
    return received;
}

void one_slot(benchmark::State& state) {
    bench::time_there_and_back(state, bench::message_count(), there_and_back<OneSlot>);
}
void rendezvous(benchmark::State& state) {
    bench::time_there_and_back(state, bench::message_count(), there_and_back<Rendezvous>);
}
void one_way(benchmark::State& state) { bench::time_one_way(state, bench::message_count(), one_way_only); }

BENCHMARK(one_slot)->Apply(bench::once_by_wall_clock);
BENCHMARK(rendezvous)->Apply(bench::once_by_wall_clock);
BENCHMARK(one_way)->Apply(bench::once_by_wall_clock);

} // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, bench::boost_version()); }
