#include <frond/runtime.hpp>

#include "ownership/lifecycle.hpp"
#include "scheduler/guard.hpp"
#include "scheduler/team.hpp"

#include <frond/duration.hpp>

#include <condition_variable>
#include <cstdio>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include <pthread.h>

namespace frond::inline v0 {

using detail::Guard;
using detail::Home;
using detail::HomeState;
using detail::Team;
using detail::Waiter;
using detail::WaitKind;
using detail::WakeReason;

namespace {

constexpr std::size_t threads_at_most = 1024;

/// The threads begin together: none may look for tasks before all others are in the team.
class Start {
public:
    explicit Start(std::size_t threads) : missing_{threads} {}

    /// Called by each thread once. @return whether to go on
    bool arrive(std::exception_ptr const& error) {
        std::unique_lock lock{mutex_};
        if (error) error_ = error;
        --missing_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return decided_; });
        return go_;
    }
    void expect_fewer(std::size_t never_started, std::exception_ptr const& error) {
        std::lock_guard const lock{mutex_};
        missing_ -= never_started;
        error_ = error;
    }
    /// @return what went wrong, or nullptr
    std::exception_ptr wait_for_all() {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return missing_ == 0; });
        return error_;
    }
    void decide(bool go) {
        std::lock_guard const lock{mutex_};
        decided_ = true;
        go_ = go;
        changed_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t missing_;
    std::exception_ptr error_;
    bool decided_ = false;
    bool go_ = false;
};

/// Everything that lives in the runtime.
void cancel_all(Guard& guard, void const* team) noexcept {
    guard.widen();
    for (Home const* h : static_cast<Team const*>(team)->homes)
        for (detail::GroupCore* g = h->groups.head; g; g = g->home_next) detail::cancel_group(guard, *g, {});
}

/// One thread, seen from the Runtime. As a message it tells the thread to end.
struct Worker : detail::Message {
    Waiter until_stopped{WaitKind::stop};
    std::thread thread;
};

void name_this_thread(std::string const& name, std::size_t place) {
    auto const suffix = "-" + std::to_string(place);
    constexpr std::size_t longest = 15;
    pthread_setname_np(pthread_self(), (name.substr(0, longest - suffix.size()) + suffix).c_str());
}

void work(Worker& self, Team& team, std::size_t place, Start& start) {
    std::exception_ptr error;
    try {
        name_this_thread(team.name, place);
        team.homes[place] = &Home::start_in(team, place);
    } catch (...) {
        error = std::current_exception();
    }
    if (start.arrive(error)) team.homes[place]->park(self.until_stopped);
}

} // namespace

struct Runtime::State {
    Team* team;
    Start start; ///< outlives the threads, which may still be leaving it
    std::deque<Worker> workers;
    std::optional<detail::RootGroup> root;

    State(std::size_t threads, std::string name) : team{new Team{threads, std::move(name)}}, start{threads} {
        try {
            for (std::size_t i = 0; i < threads; ++i) {
                Worker& w = workers.emplace_back();
                w.deliver = [](detail::Message& m, Home& h) noexcept {
                    h.wake(static_cast<Worker&>(m).until_stopped, WakeReason::done);
                };
                w.thread = std::thread{[this, &w, i, t = team] { work(w, *t, i, start); }};
            }
        } catch (...) {
            auto const started = workers.size() - (workers.back().thread.joinable() ? 0 : 1);
            start.expect_fewer(threads - started, std::current_exception());
        }
        if (auto const error = start.wait_for_all()) {
            give_up();
            std::rethrow_exception(error);
        }
        team->is_complete.store(true, std::memory_order_release);
        start.decide(true);
        root.emplace(*team->homes.front());
    }

    void give_up() {
        std::erase(team->homes, nullptr);
        bool const nobody_began = team->homes.empty();
        start.decide(false);
        join();
        if (nobody_began) team->drop(); // for the homes, of which there are none
        team->drop();
    }

    void join() {
        for (Worker& w : workers)
            if (w.thread.joinable()) w.thread.join();
    }

    bool is_abandoned() const noexcept {
        if (team->abandoned.load(std::memory_order_acquire)) return true;
        return team->homes.front()->state.load(std::memory_order_acquire) == HomeState::forked;
    }

    bool is_its_own_thread() const noexcept { return detail::this_home && detail::this_home->team == team; }

    /// @return false: the program ends meanwhile, and the threads go on
    bool end() noexcept {
        Home& first = *team->homes.front();
        {
            Guard guard{first};
            guard.widen();
            for (Home* h : team->homes) h->state.store(HomeState::ending, std::memory_order_release);
        }
        Waiter w{WaitKind::team_end, team};
        detail::wait_in_destructor(
            first, w, team->enders,
            [](void const* t) { return static_cast<Team const*>(t)->live_tasks() == 0; }, nullptr,
            &cancel_all);
        if (is_abandoned()) return false;
        root.reset();
        for (std::size_t i = 0; i < workers.size(); ++i) team->homes[i]->post(workers[i]);
        join();
        team->drop();
        return true;
    }
};

Runtime::Runtime(RuntimeOptions options) {
    auto const threads =
        detail::checked_count(options.threads, "frond: RuntimeOptions::threads must be positive");
    if (threads > threads_at_most)
        throw std::invalid_argument("frond: RuntimeOptions::threads must be at most 1024");
    state_ = std::make_unique<State>(threads, std::move(options.name));
}

Runtime::~Runtime() {
    bool const abandoned = state_->is_abandoned();
    if (!abandoned && state_->is_its_own_thread()) {
        std::fputs("frond: a Runtime is destroyed by one of its own tasks, which would wait for itself\n",
                   stderr);
        std::terminate();
    }
    // After a fork, or std::exit in a task: the threads are not ours to join, and nobody may miss what they
    // use.
    State* const left_behind = abandoned || !state_->end() ? state_.release() : nullptr;
    static_cast<void>(left_behind);
}

std::size_t Runtime::threads() const noexcept { return state_->team->homes.size(); }

RuntimeStats Runtime::stats() const noexcept {
    Team const& t = *state_->team;
    return {.threads = t.homes.size(),
            .sleeping = t.sleepers.load(std::memory_order_relaxed),
            .searches = t.searches.load(std::memory_order_relaxed),
            .steals = t.steals.load(std::memory_order_relaxed),
            .stolen = t.stolen.load(std::memory_order_relaxed),
            .wakes = t.wakes.load(std::memory_order_relaxed)};
}

detail::RootGroup& Runtime::root() noexcept { return *state_->root; }

Home& Runtime::thread(std::size_t place) noexcept { return *state_->team->homes[place]; }

} // namespace frond::inline v0
