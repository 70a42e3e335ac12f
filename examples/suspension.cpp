#include <frond/frond.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>

using namespace std::chrono_literals;

namespace {

// Cancellation is a state, not an event: to swallow the exception does not end it.
void a_level() {
    frond::Group group;
    auto const stubborn = group.spawn([] {
        int thrown = 0;
        for (int i = 0; i < 3; ++i) {
            try {
                frond::sleep_for(10s);
            } catch (frond::Cancelled const&) {
                ++thrown;
            }
        }
        return thrown;
    });
    frond::yield();
    bool const ended_cancelled = stubborn.cancel();
    std::cout << "thrown " << stubborn.get() << " times, ended cancelled: " << ended_cancelled << '\n';
}

int flaky(int attempt) {
    if (attempt < 3) throw std::runtime_error{"connection reset"};
    return attempt;
}

// Tries again after errors. Cancelled is no std::exception, so the loop ends when the task is to stop.
int with_retries() {
    for (int attempt = 1;; ++attempt) {
        try {
            return flaky(attempt);
        } catch (std::exception const&) {
            if (attempt == 5) throw;
        }
        frond::sleep_for(1ms);
    }
}

struct Ledger {
    int entries = 0;
    int booked = 0;

    void roll_back() {
        frond::sleep_for(1ms); // stands for I/O
        entries = booked;
    }
};

// catch (...) sees errors and stops alike: it puts things in order and throws on.
void book(Ledger& ledger) {
    try {
        ++ledger.entries;
        frond::sleep_for(10s);
        ledger.booked = ledger.entries;
    } catch (...) {
        frond::Shield const shield{1s}; // without it the wait in roll_back would throw Cancelled
        ledger.roll_back();
        throw;
    }
}

void handlers() {
    frond::Group group;
    std::cout << "attempt " << group.run(with_retries) << '\n';
    Ledger ledger;
    auto const booking = group.spawn([&ledger] { book(ledger); });
    frond::yield();
    booking.cancel();
    std::cout << "entries left: " << ledger.entries << '\n';
}

// A destructor that waits: nothing from outside ends that early, it has a limit of its own, and lets nothing
// out. What left it would end the program.
class Session {
public:
    explicit Session(std::string name) : name_{std::move(name)} {}
    Session(Session const&) = delete;
    Session& operator=(Session const&) = delete;
    ~Session() {
        frond::Shield const shield;
        try {
            frond::with_timeout(1s, [] { frond::sleep_for(1ms); }); // stands for an exchange of messages
            std::cout << name_ << ": closed\n";
        } catch (...) {
            std::cout << name_ << ": not closed properly\n"; // the peer has not answered
        }
    }

private:
    std::string name_;
};

void destructors() {
    frond::Group group;
    auto const task = group.spawn([] {
        Session const outer{"outer"};
        try {
            Session const inner{"inner"}; // dies by the exception
            frond::sleep_for(10s);
        } catch (frond::Cancelled const&) {
            std::cout << "stopping\n";
        }
    }); // the outer one dies at a normal exit, in a task that is cancelled
    frond::yield();
    task.cancel();
}

// What computes does not wait, so it has to ask.
void computing() {
    bool const in_time = frond::move_on_after(5ms, [] {
                             for (;;) frond::this_task::check(); // stands for a long computation
                         }).has_value();
    std::cout << "computed in time: " << in_time << '\n';
}

// A call on another thread cannot be interrupted, but it can be told.
void blocking_calls() {
    frond::Event begun;
    bool returned = false;
    frond::Group group;
    auto const search = group.spawn([&] {
        frond::blocking([&](std::stop_token const& stop) {
            begun.set();
            while (!stop.stop_requested()) std::this_thread::sleep_for(1ms); // stands for the search
            returned = true;
        });
    });
    begun.wait();
    search.cancel(); // waits for the call to return
    std::cout << "search has returned: " << returned << '\n';
}

} // namespace

int main() {
    std::cout << std::boolalpha;
    a_level();
    handlers();
    destructors();
    computing();
    blocking_calls();
}
