// Asio's channels, on one thread: between C++20 coroutines (co_spawn), and between stackful ones (spawn).
#include <cstddef>
#include <cstdint>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <boost/version.hpp>

#include "workload.hpp"

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Channel = asio::experimental::channel<void(error_code, std::uint64_t)>;

asio::awaitable<void> ping(Channel& pings, Channel& pongs, std::uint64_t rounds, std::uint64_t& received) {
    for (std::uint64_t i = 0; i < rounds; ++i) {
        co_await pings.async_send(error_code{}, i, asio::use_awaitable);
        received += co_await pongs.async_receive(asio::use_awaitable);
    }
}
asio::awaitable<void> pong(Channel& pings, Channel& pongs, std::uint64_t rounds, std::uint64_t& received) {
    for (std::uint64_t i = 0; i < rounds; ++i) {
        auto const message = co_await pings.async_receive(asio::use_awaitable);
        received += message;
        co_await pongs.async_send(error_code{}, message, asio::use_awaitable);
    }
}
asio::awaitable<void> produce(Channel& channel, std::uint64_t messages) {
    for (std::uint64_t i = 0; i < messages; ++i)
        co_await channel.async_send(error_code{}, i, asio::use_awaitable);
}
asio::awaitable<void> consume(Channel& channel, std::uint64_t messages, std::uint64_t& received) {
    for (std::uint64_t i = 0; i < messages; ++i)
        received += co_await channel.async_receive(asio::use_awaitable);
}

auto there_and_back_in_coroutines(std::size_t capacity) {
    return [capacity](std::uint64_t messages) {
        asio::io_context context{1};
        Channel pings{context, capacity};
        Channel pongs{context, capacity};
        std::uint64_t received = 0;
        co_spawn(context, ping(pings, pongs, messages / 2, received), asio::detached);
        co_spawn(context, pong(pings, pongs, messages / 2, received), asio::detached);
        context.run();
        return received;
    };
}
std::uint64_t one_way_in_coroutines(std::uint64_t messages) {
    asio::io_context context{1};
    Channel channel{context, 1};
    std::uint64_t received = 0;
    co_spawn(context, produce(channel, messages), asio::detached);
    co_spawn(context, consume(channel, messages, received), asio::detached);
    context.run();
    return received;
}

auto there_and_back_on_stacks(std::size_t capacity) {
    return [capacity](std::uint64_t messages) {
        asio::io_context context{1};
        Channel pings{context, capacity};
        Channel pongs{context, capacity};
        std::uint64_t received = 0;
        asio::spawn(
            context,
            [&](asio::yield_context yield) {
                for (std::uint64_t i = 0; i < messages / 2; ++i) {
                    pings.async_send(error_code{}, i, yield);
                    received += pongs.async_receive(yield);
                }
            },
            asio::detached);
        asio::spawn(
            context,
            [&](asio::yield_context yield) {
                for (std::uint64_t i = 0; i < messages / 2; ++i) {
                    auto const message = pings.async_receive(yield);
                    received += message;
                    pongs.async_send(error_code{}, message, yield);
                }
            },
            asio::detached);
        context.run();
        return received;
    };
}
std::uint64_t one_way_on_stacks(std::uint64_t messages) {
    asio::io_context context{1};
    Channel channel{context, 1};
    std::uint64_t received = 0;
    asio::spawn(
        context,
        [&](asio::yield_context yield) {
            for (std::uint64_t i = 0; i < messages; ++i) channel.async_send(error_code{}, i, yield);
        },
        asio::detached);
    asio::spawn(
        context,
        [&](asio::yield_context yield) {
            for (std::uint64_t i = 0; i < messages; ++i) received += channel.async_receive(yield);
        },
        asio::detached);
    context.run();
    return received;
}

template <class F>
void one_slot(benchmark::State& state, F exchange) {
    bench::time_there_and_back(state, bench::message_count(), exchange(1));
}
template <class F>
void rendezvous(benchmark::State& state, F exchange) {
    bench::time_there_and_back(state, bench::message_count(), exchange(0));
}
void one_way(benchmark::State& state, std::uint64_t (*exchange)(std::uint64_t)) {
    bench::time_one_way(state, bench::message_count(), exchange);
}

BENCHMARK_CAPTURE(one_slot, co_spawn, there_and_back_in_coroutines)->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(one_slot, spawn, there_and_back_on_stacks)->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(rendezvous, co_spawn, there_and_back_in_coroutines)->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(rendezvous, spawn, there_and_back_on_stacks)->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(one_way, co_spawn, one_way_in_coroutines)->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(one_way, spawn, one_way_on_stacks)->Apply(bench::once_by_wall_clock);

} // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, "Boost " BOOST_LIB_VERSION); }
