#include <frond/frond.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <stop_token>
#include <thread>

using namespace std::chrono_literals;

namespace {

// Cancelling a group: what runs is thrown out of its wait, what is queued never starts.
void a_group() {
    frond::Pool pool{2};
    frond::Group group{pool};
    int started = 0;
    auto const work = [&started] {
        ++started;
        frond::sleep_for(10s);
    };
    auto const first = group.spawn(work);
    for (int i = 1; i < 5; ++i) group.spawn(work);
    frond::yield();                                               // two start
    std::size_t const reached = group.cancel("no longer needed"); // waits for their end
    std::cout << started << " started, " << reached << " cancelled, " << pool.free_count() << " slots free\n";
    try {
        first.get();
    } catch (frond::Cancelled const& c) {
        std::cout << "get: cancelled, " << c.reason() << '\n';
    }
    group.join(); // throws nothing: a cancelled task is no error
    std::cout << "the group goes on: " << group.run([] { return "yes"; }) << '\n';
}

// Clean-up that waits although its task is to stop.
void clean_up() {
    frond::Group group;
    auto const task = group.spawn([] {
        try {
            frond::sleep_for(10s);
        } catch (frond::Cancelled const&) {
            frond::Shield const shield{1s}; // for a second at most, waits are as ever
            frond::sleep_for(1ms);          // stands for a last message to a server
            std::cout << "said goodbye\n";
            throw; // who catches it throws it on
        }
    });
    frond::yield();
    bool const ended_cancelled = task.cancel();
    std::cout << "ended cancelled: " << ended_cancelled << '\n';
}

// A task that has tasks of its own: its groups die by the exception, and take theirs along.
void a_tree() {
    frond::Group group;
    int waiting = 0;
    int cancelled = 0;
    auto const leaf = [&] {
        ++waiting;
        try {
            frond::sleep_for(10s);
        } catch (frond::Cancelled const&) {
            ++cancelled;
            throw;
        }
    };
    auto const root = group.spawn([&leaf] {
        frond::Group branches;
        for (int i = 0; i < 3; ++i) {
            branches.spawn([&leaf] {
                frond::Group leaves;
                for (int k = 0; k < 3; ++k) leaves.spawn(leaf);
                leaves.join();
            });
        }
        branches.join();
    });
    while (waiting < 9) frond::yield();
    root.cancel();
    std::cout << "leaves cancelled: " << cancelled << '\n';
}

// One error ends the work of all.
void all_or_nothing() {
    frond::Group group{{.on_error = frond::OnError::cancel}};
    auto const other = group.spawn([] { frond::sleep_for(10s); });
    group.spawn([] { throw std::runtime_error{"disk full"}; });
    try {
        group.join();
    } catch (std::runtime_error const& e) {
        bool const cancelled = other.state() == frond::TaskState::cancelled;
        std::cout << "join: " << e.what() << ", the other one cancelled: " << cancelled << '\n';
    }
}

// A stop token from elsewhere: here that of a std::jthread, which has tasks of its own.
void from_outside() {
    std::jthread const worker{[](std::stop_token const& stop) {
        frond::Group group{{.stop = stop}};
        auto const task = group.spawn([] { frond::sleep_for(10s); });
        group.join();
        std::cout << "stop token: " << (task.state() == frond::TaskState::cancelled) << '\n';
    }};
} // ~jthread asks the thread to stop, and waits for it

// The end of a service: no more spawns, some time for what is under way, then cancellation.
void shutting_down() {
    frond::Pool pool{8};
    frond::Group requests{pool};
    auto const quick = requests.spawn([] { frond::sleep_for(1ms); });
    auto const stuck = requests.spawn([] { frond::sleep_for(10s); });
    bool const all_finished = pool.shutdown(100ms);
    std::cout << "all finished: " << all_finished
              << ", the quick one: " << (quick.state() == frond::TaskState::done) << '\n';
}

} // namespace

int main() {
    std::cout << std::boolalpha;
    a_group();
    clean_up();
    a_tree();
    all_or_nothing();
    from_outside();
    shutting_down();
}
