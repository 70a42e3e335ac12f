#include "support/parallel_spawner.hpp"

#include <frond/errors.hpp>

#include <chrono>
#include <string>
#include <thread>

namespace frond::test {

/// In the callable, so that the books learn how that died.
class ParallelSpawner::Body {
public:
    Body(ParallelSpawner& spawner, std::uint32_t task) : spawner_{&spawner}, task_{task} {
        spawner.scene_.books.offered(task);
    }
    Body(Body&& other) noexcept
        : spawner_{std::exchange(other.spawner_, nullptr)}, task_{other.task_}, called_{other.called_} {}
    Body& operator=(Body&&) = delete;
    ~Body() {
        if (spawner_) spawner_->scene_.books.callable_died(task_, called_);
    }
    int operator()() {
        called_ = true;
        return spawner_->call_(task_);
    }

private:
    ParallelSpawner* spawner_;
    std::uint32_t task_;
    bool called_ = false;
};

void ParallelSpawner::spawn(std::uint32_t me, Step const& step) {
    auto const child = step.index;
    auto const index = scene_.program.tasks[child].group;
    if (!scene_.groups[index].is_open()) return;
    auto& group = *scene_.groups[index];
    auto& books = scene_.books;
    auto const& dice = scene_.extras.dice;
    SpawnOptions options{.name = std::to_string(child),
                         .priority = static_cast<int>(dice.below(3, Dice::priorities, child)),
                         .pinned = dice.chance(15, Dice::pinned, child)};
    if (options.pinned && !scene_.extras.is_outside(me)) books.pinned_to(child, std::this_thread::get_id());
    try {
        switch (step.kind) {
        case Step::Kind::try_spawn:
            if (auto task = group.try_spawn(std::move(options), Body{*this, child}))
                spawned(child, std::move(*task));
            else
                books.refused(child);
            break;
        case Step::Kind::spawn_wait: {
            scene_.waits.through(
                me, [&] { spawned(child, group.spawn_wait(std::move(options), Body{*this, child})); });
            break;
        }
        case Step::Kind::run:
            run(me, group, child);
            break;
        default: {
            // A full backlog makes it wait.
            scene_.waits.through(
                me, [&] { spawned(child, spawn_now_or_later(group, std::move(options), child)); });
            break;
        }
        }
    } catch (Closed const&) {
        books.refused(child);
        books.closed_unasked(index);
    }
}

void ParallelSpawner::spawned(std::uint32_t child, Task<int> handle) {
    scene_.books.spawned(child);
    if (scene_.extras.dice.chance(10, Dice::dropped_handle, child)) return;
    scene_.handles.keep(child, std::move(handle));
}

Task<int> ParallelSpawner::spawn_now_or_later(Group& group, SpawnOptions options, std::uint32_t child) {
    auto const& dice = scene_.extras.dice;
    if (!dice.chance(10, Dice::delayed, child)) return group.spawn(std::move(options), Body{*this, child});
    scene_.books.forget_pin(child);
    return group.spawn_after(std::chrono::microseconds{dice.below(200, Dice::delay, child)},
                             Body{*this, child});
}

/// Its task is as good as spawned when the call is over, whatever comes out.
void ParallelSpawner::run(std::uint32_t me, Group& group, std::uint32_t child) {
    auto& books = scene_.books;
    books.forget_pin(child);
    books.takes(child);
    scene_.waits.watch(me, child, [&] {
        try {
            int const value = group.run(Body{*this, child});
            books.spawned(child);
            books.took(child);
            return value;
        } catch (Closed const&) {
            throw;
        } catch (...) {
            books.spawned(child);
            throw;
        }
    });
}

} // namespace frond::test
