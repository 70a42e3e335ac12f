#include <frond/frond.hpp>

#include <chrono>
#include <condition_variable>
#include <iostream>
#include <map>
#include <mutex>
#include <string>

using namespace std::chrono_literals;

namespace {

int ask_server(std::string const& name) {
    frond::sleep_for(1ms); // stands for the request
    return static_cast<int>(name.size());
}

// Mutex: something stays as it is over a wait. Here each name is asked for once, by whoever comes first.
void mutex() {
    frond::Mutex mutex;
    std::map<std::string, int> answers;
    int asked = 0;
    auto const answer_for = [&](std::string const& name) {
        std::lock_guard const lock{mutex};
        if (!answers.contains(name)) {
            ++asked;
            answers[name] = ask_server(name); // only those wait that want an answer, too
        }
        return answers[name];
    };
    frond::Group group;
    for (int i = 0; i < 10; ++i) group.spawn([&] { answer_for("frond"); });
    group.join();
    std::cout << "Mutex: asked " << asked << " time, answer " << answers["frond"] << '\n';
}

// ConditionVariable: wait until what a mutex guards has come to some state.
void condition_variable() {
    frond::Mutex mutex;
    frond::ConditionVariable changed;
    int balance = 0;
    auto const withdraw = [&](int amount) {
        std::unique_lock lock{mutex};
        changed.wait(lock, [&] { return balance >= amount; });
        balance -= amount;
    };
    frond::Group group;
    group.spawn([&] { withdraw(70); });
    group.spawn([&] { withdraw(20); });
    for (int i = 0; i < 10; ++i) {
        group.spawn([&] {
            {
                std::lock_guard const lock{mutex};
                balance += 10;
            }
            changed.notify_all();
        });
    }
    group.join();
    std::cout << "ConditionVariable: " << balance << " left\n";
}

// Event: something has happened, and everybody may know.
void event() {
    frond::Event ready;
    std::string table;
    int readers = 0;
    frond::Group group;
    for (int i = 0; i < 3; ++i) {
        group.spawn([&] {
            ready.wait();
            if (table == "loaded") ++readers;
        });
    }
    std::cout << "Event: there after 1 ms: " << ready.wait_for(1ms);
    table = "loaded";
    ready.set();
    group.join();
    std::cout << ", in the end " << readers << " have read\n";
}

// Barrier: nobody begins a round before all have ended the last one.
void barrier() {
    constexpr int workers = 3;
    frond::Barrier round_over{workers};
    int done = 0;
    bool in_step = true;
    frond::Group group;
    for (int w = 0; w < workers; ++w) {
        group.spawn([&, w] {
            for (int round = 1; round <= 4; ++round) {
                frond::sleep_for(w * 1ms); // some are slower
                ++done;
                round_over.arrive_and_wait();
                in_step = in_step && done >= round * workers;
            }
        });
    }
    group.join();
    std::cout << "Barrier: " << done << " steps, in step: " << in_step << '\n';
}

// RateLimiter: five at once, then one every 5 ms.
void rate_limiter() {
    frond::RateLimiter limiter{{.per_second = 200, .burst = 5}};
    auto const begin = frond::Clock::now();
    frond::Group group;
    for (int i = 0; i < 10; ++i) group.spawn([&] { limiter.acquire(); });
    group.join();
    std::cout << "RateLimiter: ten calls take 25 ms: " << (frond::Clock::now() - begin >= 25ms) << '\n';
}

} // namespace

int main() {
    std::cout << std::boolalpha;
    mutex();
    condition_variable();
    event();
    barrier();
    rate_limiter();
}
