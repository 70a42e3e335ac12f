#include "support/parallel_circles.hpp"

#include "support/parallel_compute.hpp"

#include <frond/errors.hpp>
#include <frond/runtime.hpp>
#include <frond/this_task.hpp>

namespace frond::test {

std::string Circles::go() {
    Runtime runtime{{.threads = threads_}};
    runtime.run([this] {
        Pool pool{between(1, 4)};
        Gate all_spawned;
        auto const count = between(1, 3);
        for (std::size_t i = 0; i < count; ++i) add_ring(pool, all_spawned);
        for (auto n = between(0, 6); n > 0; --n) add_onlooker(pool, all_spawned);
        all_spawned.open();
        for (auto& m : members_) m.group.join();
        if (pool.stats().active != 0) complaints_ += "a slot is lost\n";
    });
    for (std::size_t i = 0; i < rings_.size(); ++i)
        if (rings_[i] != 1)
            complaints_ +=
                "ring " + std::to_string(i) + ": " + std::to_string(rings_[i]) + " tasks got Deadlock\n";
    return complaints_;
}

void Circles::add_ring(Pool& pool, Gate const& all_spawned) {
    auto& deadlocks = rings_.emplace_back(0);
    auto const first = members_.size();
    auto const size = between(1, 5);
    for (std::size_t i = 0; i < size; ++i) add_member(pool);
    for (std::size_t i = 0; i < size; ++i) {
        auto& next = members_[first + (i + 1) % size];
        members_[first + i].task = members_[first + i].group.spawn([&, habits = draw_habits()] {
            all_spawned.pass();
            try {
                wait_for(next, habits);
            } catch (Deadlock const&) {
                ++deadlocks;
            }
            return 1;
        });
    }
}

void Circles::add_onlooker(Pool& pool, Gate const& all_spawned) {
    auto& target = members_[between(0, members_.size() - 1)];
    auto& me = add_member(pool);
    me.task = me.group.spawn([&, habits = draw_habits()] {
        all_spawned.pass();
        wait_for(target, habits);
        return 1;
    });
}

void Circles::wait_for(Member& other, Habits const& habits) {
    if (habits.sleeps)
        sleep_for(habits.before);
    else
        compute(habits.before);
    switch (habits.how) {
    case 0:
        other.group.join();
        break;
    case 1:
        other.task.wait();
        break;
    case 2:
        while (!other.task.wait_for(std::chrono::hours{1})) {
        }
        break;
    default:
        other.task.get();
    }
}

} // namespace frond::test
