// Asio's channels, on one thread: between C++20 coroutines (co_spawn), and between stackful ones (spawn). The
// results go into a ring of slots; the channels only wake who waits: the consumer, or a worker whose next
// item is 200 places or more past it.
#include <array>
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
using Signal = asio::experimental::channel<void(error_code)>;

struct Ring {
    static constexpr std::size_t window = 2 * bench::in_flight;

    explicit Ring(std::uint64_t n, asio::io_context& context)
        : items{n}, head_ready{context, 1}, place_free{context} {}

    bool is_full() const { return next >= head + window; }
    std::optional<std::uint64_t>& slot(std::uint64_t item) { return slots[item % window]; }
    void put(std::uint64_t item, std::uint64_t result) {
        slot(item) = result;
        if (item == head && consumer_waits) head_ready.try_send(error_code{});
    }
    void take(bench::InOrder& consumer) {
        consumer(*slot(head));
        slot(head++).reset();
        place_free.try_send(error_code{});
    }

    std::uint64_t const items;
    std::uint64_t next = 0;
    std::uint64_t head = 0;
    bool consumer_waits = false;
    Signal head_ready;
    Signal place_free;
    std::array<std::optional<std::uint64_t>, window> slots{};
};

asio::awaitable<void> work(Ring& ring) {
    while (ring.next < ring.items) {
        if (ring.is_full()) {
            co_await ring.place_free.async_receive(asio::use_awaitable);
            continue;
        }
        std::uint64_t const item = ring.next++;
        // The loop of bench::result_of, which cannot co_await
        std::uint64_t const result = bench::hash(item);
        for (std::uint64_t yields = result & 3; yields > 0; --yields)
            co_await asio::post(asio::use_awaitable);
        ring.put(item, result);
    }
}
asio::awaitable<void> consume(Ring& ring, bench::InOrder& consumer) {
    while (ring.head < ring.items) {
        if (!ring.slot(ring.head)) {
            ring.consumer_waits = true;
            co_await ring.head_ready.async_receive(asio::use_awaitable);
            ring.consumer_waits = false;
        }
        ring.take(consumer);
    }
}

void in_coroutines(std::uint64_t items, bench::InOrder& consumer) {
    asio::io_context context{1};
    Ring ring{items, context};
    for (std::size_t i = 0; i < bench::in_flight; ++i) co_spawn(context, work(ring), asio::detached);
    co_spawn(context, consume(ring, consumer), asio::detached);
    context.run();
}

void on_stacks(std::uint64_t items, bench::InOrder& consumer) {
    asio::io_context context{1};
    Ring ring{items, context};
    auto const work = [&](asio::yield_context yield) {
        while (ring.next < items) {
            if (ring.is_full()) {
                ring.place_free.async_receive(yield);
                continue;
            }
            std::uint64_t const item = ring.next++;
            ring.put(item, bench::result_of(item, [&] { asio::post(yield); }));
        }
    };
    auto const consume = [&](asio::yield_context yield) {
        while (ring.head < items) {
            if (!ring.slot(ring.head)) {
                ring.consumer_waits = true;
                ring.head_ready.async_receive(yield);
                ring.consumer_waits = false;
            }
            ring.take(consumer);
        }
    };
    for (std::size_t i = 0; i < bench::in_flight; ++i) asio::spawn(context, work, asio::detached);
    asio::spawn(context, consume, asio::detached);
    context.run();
}

void ordered_results(benchmark::State& state, void (*run)(std::uint64_t, bench::InOrder&)) {
    bench::time_results<bench::InOrder>(state, bench::item_count(), run);
}

BENCHMARK_CAPTURE(ordered_results, co_spawn, in_coroutines)->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(ordered_results, spawn, on_stacks)->Apply(bench::once_by_wall_clock);

} // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, "Boost " BOOST_LIB_VERSION); }
