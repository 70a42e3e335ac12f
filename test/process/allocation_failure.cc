// exit: 0
// stdout: ^[0-9]+ allocations failed, each once: ok
// sanitizers: off The sanitizers have an operator new of their own, which cannot be replaced

// Fails every allocation of a program once: the n-th one, for n = 1, 2, ... until it needs no more. Whatever
// throws then is std::bad_alloc, every task that was spawned runs or fails in its place, and nothing stays
// behind. A program of its own, because it replaces operator new.

#include <frond/frond.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <vector>

namespace {

bool armed = false;
long until_failure = 0; // counts down while armed; the one that reaches 0 fails

// Not inlined: next to a call of free the compiler would take the pair for a mistake.
[[gnu::noinline]] void* allocate(std::size_t size, std::size_t align) noexcept {
    if (armed && --until_failure == 0) return nullptr;
    if (align <= alignof(std::max_align_t)) return std::malloc(size > 0 ? size : 1);
    return std::aligned_alloc(align, (size + align - 1) / align * align);
}

[[gnu::noinline]] void deallocate(void* p) noexcept { std::free(p); }

} // namespace

void* operator new(std::size_t size) {
    if (void* const p = allocate(size, 1)) return p;
    throw std::bad_alloc{};
}
void* operator new(std::size_t size, std::nothrow_t const&) noexcept { return allocate(size, 1); }
void* operator new(std::size_t size, std::align_val_t align) {
    if (void* const p = allocate(size, static_cast<std::size_t>(align))) return p;
    throw std::bad_alloc{};
}
void operator delete(void* p) noexcept { deallocate(p); }
void operator delete(void* p, std::size_t) noexcept { deallocate(p); }
void operator delete(void* p, std::align_val_t) noexcept { deallocate(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { deallocate(p); }

namespace {

void check(bool holds, char const* what, long n) {
    if (holds) return;
    std::printf("allocation %ld: %s\n", n, what);
    std::exit(1);
}

struct Book {
    int accepted = 0; // spawn returned
    int ran = 0;
    int failed = 0; // bad_alloc in its place
};

void settle(Book& book, frond::Task<int> const& task) {
    try {
        task.get();
    } catch (std::bad_alloc const&) {
        ++book.failed;
    }
}

/// One program that uses everything; `life` counts the callables that are alive.
void scenario(Book& book, std::shared_ptr<int> const& life) {
    frond::Pool pool{
        {.limit = 2, .order = frond::Order::priority, .name = "a pool whose name needs an allocation"}};
    frond::Group group{pool};
    std::vector<frond::Task<int>> tasks;
    tasks.reserve(20);
    auto const work = [&book, life] {
        frond::yield();
        return ++book.ran;
    };
    auto const keep = [&](frond::Task<int> task) {
        ++book.accepted;
        tasks.push_back(std::move(task));
    };
    struct Settle { // what was accepted is accounted for even when this function ends by an exception
        Book& book;
        std::vector<frond::Task<int>>& tasks;
        ~Settle() {
            for (auto& task : tasks) {
                try {
                    settle(book, task);
                } catch (std::bad_alloc const&) { // the wait itself
                    --book.accepted;
                }
            }
        }
    } const settle_all{book, tasks};

    keep(group.spawn(work));
    keep(group.spawn({.name = "a name that is too long to be kept in place", .priority = 7}, work));
    keep(pool.spawn({.priority = 3}, work));
    keep(pool.spawn_wait(work));
    keep(group.spawn_after(std::chrono::microseconds{10}, work));
    keep(pool.spawn([big = std::vector<char>(1000), work] { return work(); }));
    if (auto task = pool.try_spawn(work)) keep(std::move(*task));
    keep(group.spawn([&book, &pool, life] {
        try {
            pool.run([life] { frond::sleep_for(std::chrono::microseconds{10}); });
        } catch (std::bad_alloc const&) {
        } // of the inner task or of the wait for it
        return ++book.ran;
    }));
    tasks.front().wait_for(std::chrono::microseconds{1});
    group.join_for(std::chrono::microseconds{1});
    group.join();
    pool.join();
}

} // namespace

int main() {
    {
        Book book;
        scenario(book,
                 std::make_shared<int>(0)); // the first use of frond makes what lives as long as the thread
    }
    long n = 0;
    for (bool failed = true; failed;) {
        ++n;
        auto life = std::make_shared<int>(0);
        Book book;
        until_failure = n;
        armed = true;
        try {
            scenario(book, life);
        } catch (std::bad_alloc const&) {
        }
        armed = false;
        failed = until_failure <= 0;
        check(life.use_count() == 1, "a callable was leaked", n);
        check(book.ran + book.failed >= book.accepted, "a task was lost", n);
        check(book.failed <= 1, "more than one task paid for one failure", n);
        frond::Group after;
        check(after.run([] { return 7; }) == 7, "the scheduler does not work any more", n);
        check(n < 10'000, "there is no end", n);
    }
    std::printf("%ld allocations failed, each once: ok\n", n - 1);
}
