#include <frond/frond.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>

using namespace std::chrono_literals;

namespace {

/// Travels in the callables: how many of them exist.
struct Luggage {
    static inline int alive = 0;
    Luggage() { ++alive; }
    Luggage(Luggage const&) { ++alive; }
    Luggage(Luggage&&) noexcept { ++alive; }
    Luggage& operator=(Luggage const&) = default;
    Luggage& operator=(Luggage&&) = default;
    ~Luggage() { --alive; }
};

// A site of 1,110 pages, simulated: each takes 20 ms to fetch, those of the first two levels have ten links.
struct Site {
    frond::Pool pool{10};
    int begun = 0;
    int fetched = 0;

    void visit(int level) {
        ++begun;
        frond::sleep_for(20ms); // stands for the request
        ++fetched;
        if (level < 3) visit_links(level + 1);
    }

    void visit_links(int level) {
        frond::Group links{pool};
        for (int i = 0; i < 10; ++i) links.spawn([this, level, luggage = Luggage{}] { visit(level); });
        links.join();
    }
};

// The whole crawl would take more than two seconds. Groups inside groups inside groups: one scope ends them.
void around_a_nested_crawl() {
    Site site;
    try {
        frond::with_timeout(210ms, [&] { site.visit_links(1); });
    } catch (frond::TimedOut const&) {
        std::cout << "crawl: timed out\n";
    }
    // There is nothing to clear up: when it arrives here, the last task has ended.
    std::cout << "pages were fetched: " << (site.fetched > 0 && site.fetched < 1'110) << '\n'
              << "tasks left: " << site.pool.stats().live << ", free slots: " << site.pool.free_count()
              << ", callables left: " << Luggage::alive << '\n';
    int const then = site.begun;
    frond::sleep_for(60ms);
    std::cout << "begun since: " << site.begun - then << '\n';
    site.pool.run([] { std::cout << "and the pool works on\n"; });
}

// Where running out of time is no error.
void without_an_exception() {
    auto const slow = frond::move_on_after(5ms, [] {
        frond::sleep_for(10s);
        return 1;
    });
    auto const quick = frond::move_on_after(10s, [] { return 2; });
    std::cout << "move_on_after: " << slow.value_or(0) << ", " << quick.value_or(0) << '\n';
}

// Each scope catches its own: the outer one's end passes through the inner handler.
void nested() {
    auto const call = [](std::chrono::milliseconds outer, std::chrono::milliseconds inner) {
        try {
            frond::with_timeout(outer, [&] {
                try {
                    frond::with_timeout(inner, [] { frond::sleep_for(10s); });
                } catch (frond::TimedOut const&) {
                    std::cout << "the inner one\n";
                }
            });
        } catch (frond::TimedOut const&) {
            std::cout << "the outer one\n";
        }
    };
    call(10s, 5ms);
    call(5ms, 10s);
}

// For a task, the clock runs from its start: time in the queue does not count.
void for_tasks() {
    frond::Pool pool{{.limit = 1, .task_timeout = 5s}};
    pool.spawn([] { frond::sleep_for(10ms); });
    auto const stuck = pool.spawn({.name = "stuck", .timeout = 20ms}, [] { frond::sleep_for(10s); });
    auto const next = pool.spawn([] { return "in time"; });
    std::cout << "after it: " << next.get() << '\n';
    try {
        stuck.get();
    } catch (frond::TimedOut const&) {
        std::cout << stuck.name() << ": timed out\n";
    }
}

// For a group, it runs from the group's making, and `join` tells.
void for_a_group() {
    frond::Group group{{.timeout = 200ms}};
    auto const quick = group.spawn([] { return 1; });
    auto const slow = group.spawn([] { frond::sleep_for(10s); });
    try {
        group.join();
    } catch (frond::TimedOut const& e) {
        std::cout << e.what() << '\n';
    }
    std::cout << "quick: " << quick.get()
              << ", slow cancelled: " << (slow.state() == frond::TaskState::cancelled) << '\n';
}

// To wait no longer than so is something else: nothing is cancelled.
void only_the_wait() {
    frond::Group group;
    auto const task = group.spawn([] {
        frond::sleep_for(50ms);
        return 42;
    });
    std::cout << "there after 1 ms: " << task.wait_for(1ms);
    std::cout << ", in the end: " << task.get() << '\n';
}

} // namespace

int main() {
    std::cout << std::boolalpha;
    around_a_nested_crawl();
    without_an_exception();
    nested();
    for_tasks();
    for_a_group();
    only_the_wait();
}
