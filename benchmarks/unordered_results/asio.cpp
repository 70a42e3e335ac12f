// Asio's channel, on one thread: between C++20 coroutines (co_spawn), and between stackful ones (spawn). Both
// try without waiting first, which saves a turn through the io_context.
#include <cstddef>
#include <cstdint>
#include <optional>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <boost/version.hpp>

#include "../results_workload.hpp"

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Channel = asio::experimental::channel<void(error_code, std::uint64_t)>;

std::optional<std::uint64_t> try_receive(Channel& channel) {
    std::optional<std::uint64_t> received;
    channel.try_receive([&](error_code, std::uint64_t result) { received = result; });
    return received;
}

asio::awaitable<void> work(Channel& results, std::uint64_t& next, std::uint64_t items) {
    while (next < items) {
        // The loop of bench::result_of, which cannot co_await
        std::uint64_t const result = bench::hash(next++);
        for (std::uint64_t yields = result & 3; yields > 0; --yields)
            co_await asio::post(asio::use_awaitable);
        if (!results.try_send(error_code{}, result))
            co_await results.async_send(error_code{}, result, asio::use_awaitable);
    }
}
asio::awaitable<void> consume(Channel& results, std::uint64_t items, bench::AsTheyCome& consumer) {
    for (std::uint64_t i = 0; i < items; ++i) {
        if (auto const result = try_receive(results))
            consumer(*result);
        else
            consumer(co_await results.async_receive(asio::use_awaitable));
    }
}

void in_coroutines(std::uint64_t items, bench::AsTheyCome& consumer) {
    asio::io_context context{1};
    Channel results{context, bench::in_flight};
    std::uint64_t next = 0;
    for (std::size_t i = 0; i < bench::in_flight; ++i)
        co_spawn(context, work(results, next, items), asio::detached);
    co_spawn(context, consume(results, items, consumer), asio::detached);
    context.run();
}

void on_stacks(std::uint64_t items, bench::AsTheyCome& consumer) {
    asio::io_context context{1};
    Channel results{context, bench::in_flight};
    std::uint64_t next = 0;
    auto const work = [&](asio::yield_context yield) {
        while (next < items) {
            auto const result = bench::result_of(next++, [&] { asio::post(yield); });
            if (!results.try_send(error_code{}, result)) results.async_send(error_code{}, result, yield);
        }
    };
    auto const consume = [&](asio::yield_context yield) {
        for (std::uint64_t i = 0; i < items; ++i) {
            auto const result = try_receive(results);
            consumer(result ? *result : results.async_receive(yield));
        }
    };
    for (std::size_t i = 0; i < bench::in_flight; ++i) asio::spawn(context, work, asio::detached);
    asio::spawn(context, consume, asio::detached);
    context.run();
}

void unordered_results(benchmark::State& state, void (*run)(std::uint64_t, bench::AsTheyCome&)) {
    bench::time_results<bench::AsTheyCome>(state, bench::item_count(), run);
}

BENCHMARK_CAPTURE(unordered_results, co_spawn, in_coroutines)->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(unordered_results, spawn, on_stacks)->Apply(bench::once_by_wall_clock);

} // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, "Boost " BOOST_LIB_VERSION); }
