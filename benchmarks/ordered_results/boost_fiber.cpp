// Workers that live as long as the run; the consumer is the main fiber. Two ways to put the results in order.
#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include <boost/fiber/buffered_channel.hpp>
#include <boost/fiber/condition_variable.hpp>
#include <boost/fiber/mutex.hpp>
#include <boost/fiber/operations.hpp>

#include "../boost_fiber_spawner.hpp"
#include "../results_workload.hpp"

namespace {

void yield() { boost::this_fiber::yield(); }

// Starts the workers, and waits for them in the end.
template <class Work>
class Workers {
public:
    explicit Workers(Work const& work) {
        auto spawn = bench::queued_default_stack();
        fibers_.reserve(bench::in_flight);
        for (std::size_t i = 0; i < bench::in_flight; ++i) fibers_.push_back(spawn([&work, i] { work(i); }));
    }
    Workers(Workers const&) = delete;
    Workers& operator=(Workers const&) = delete;
    ~Workers() {
        for (boost::fibers::fiber& fiber : fibers_) fiber.join();
    }

private:
    std::vector<boost::fibers::fiber> fibers_;
};

// Each worker has a channel of one slot and works on every 100th item; the consumer goes round.
void channel_a_worker(std::uint64_t items, bench::InOrder& consumer) {
    struct OneSlot {
        boost::fibers::buffered_channel<std::uint64_t> channel{2};
    };
    std::array<OneSlot, bench::in_flight> slots;
    auto const work = [&](std::size_t place) {
        for (std::uint64_t item = place; item < items; item += bench::in_flight)
            slots[place].channel.push(bench::result_of(item, yield));
    };
    Workers const workers{work};
    for (std::uint64_t item = 0; item < items; ++item)
        consumer(slots[item % bench::in_flight].channel.value_pop());
}

// A worker takes the next item unless that is 200 places or more past the consumer. All on one thread: the
// mutex is there because condition variables ask for one.
void ring_of_slots(std::uint64_t items, bench::InOrder& consumer) {
    constexpr std::size_t window = 2 * bench::in_flight;
    std::array<std::optional<std::uint64_t>, window> ring;
    std::uint64_t next = 0;
    std::uint64_t head = 0;
    boost::fibers::mutex mutex;
    boost::fibers::condition_variable place_free;
    boost::fibers::condition_variable head_ready;
    auto const work = [&](std::size_t) {
        while (next < items) {
            if (next >= head + window) {
                std::unique_lock lock{mutex};
                place_free.wait(lock, [&] { return next < head + window; });
                continue;
            }
            std::uint64_t const item = next++;
            ring[item % window] = bench::result_of(item, yield);
            if (item == head) head_ready.notify_one();
        }
    };
    Workers const workers{work};
    while (head < items) {
        auto& slot = ring[head % window];
        if (!slot) {
            std::unique_lock lock{mutex};
            head_ready.wait(lock, [&] { return slot.has_value(); });
        }
        consumer(*slot);
        slot.reset();
        ++head;
        place_free.notify_one();
    }
}

void ordered_results(benchmark::State& state, void (*run)(std::uint64_t, bench::InOrder&)) {
    bench::time_results<bench::InOrder>(state, bench::item_count(), run);
}

BENCHMARK_CAPTURE(ordered_results, channel_a_worker, channel_a_worker)->Apply(bench::once_by_wall_clock);
BENCHMARK_CAPTURE(ordered_results, ring_of_slots, ring_of_slots)->Apply(bench::once_by_wall_clock);

} // namespace

int main(int argc, char** argv) { return bench::run(argc, argv, bench::boost_version()); }
