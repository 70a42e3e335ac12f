#pragma once

#include <frond/errors.hpp>
#include <frond/group.hpp>
#include <frond/runtime.hpp>
#include <frond/this_task.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace frond::test {

/// What one worker of a crowd decides, always the same.
class Whims {
public:
    explicit Whims(unsigned seed) : dice_{seed + 1} {}

    unsigned below(unsigned n) { return std::uniform_int_distribution<unsigned>{0, n - 1}(dice_); }
    /// As short as what it is to collide with.
    std::chrono::microseconds moment() { return std::chrono::microseconds{below(60)}; }
    /// Lets others go on, for a while or for a turn.
    void dawdle() {
        if (below(4) == 0)
            sleep_for(moment());
        else
            yield();
    }
    /// Calls `f` in a task that is cancelled after a moment, wherever it then is.
    template <class F>
    void cut_short(F f) {
        Group group;
        auto const task = group.spawn(f);
        dawdle();
        task.request_cancel();
        task.wait();
    }

private:
    std::minstd_rand dice_;
};

/// Workers that use one thing at the same time, with deadlines and cancellations that collide with what they
/// wait for. The parameter: threads of a runtime; 0: three threads with schedulers of their own.
class SyncStress : public testing::TestWithParam<std::size_t> {
protected:
    static constexpr unsigned workers = 9;

    /// Calls `body(whims, number)` in so many tasks, and returns after all of them.
    template <class F>
    static void crowd(F const& body) {
        auto const work = [&body](unsigned first, unsigned step) {
            Group group;
            for (unsigned i = first; i < workers; i += step)
                group.spawn([&body, i] {
                    Whims whims{i};
                    body(whims, i);
                });
            group.join();
        };
        if (GetParam() > 0) {
            Runtime{{.threads = GetParam()}}.run([&] { work(0, 1); });
            return;
        }
        std::vector<std::thread> threads;
        for (unsigned t = 0; t < 3; ++t) threads.emplace_back(work, t, 3U);
        for (auto& t : threads) t.join();
    }
};

inline auto stress_places() {
    return testing::Values(std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{4});
}
inline std::string stress_place_name(testing::TestParamInfo<std::size_t> const& place) {
    return place.param == 0 ? "ThreeThreads" : "RuntimeOf" + std::to_string(place.param);
}

} // namespace frond::test
