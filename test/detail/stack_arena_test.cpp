#include "scheduler/overflow_handler.hpp"
#include "scheduler/stack_arena.hpp"
#include "support/scale.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace frond::detail {
namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;
constexpr bool sanitized = under_address_sanitizer || under_thread_sanitizer;

StackArena& arena() { return StackArena::instance(); }

char* low_end(Stack const& stack) { return static_cast<char*>(stack.top) - stack.size; }

std::vector<Stack> allocate_many(std::size_t count, StackClass klass = StackClass::kib64) {
    std::vector<Stack> stacks;
    stacks.reserve(count);
    while (stacks.size() < count) stacks.push_back(arena().allocate(klass));
    return stacks;
}

void deallocate_all(std::vector<Stack> const& stacks) {
    for (Stack const& stack : stacks) arena().deallocate(stack);
}

std::size_t mapping_count() {
    std::ifstream maps("/proc/self/maps");
    std::size_t lines = 0;
    for (std::string line; std::getline(maps, line);) ++lines;
    return lines;
}

std::size_t resident_pages(Stack const& stack) {
    std::vector<unsigned char> present(stack.size / page + 1);
    std::size_t count = 0;
    if (::mincore(low_end(stack), stack.size, present.data()) != 0) return SIZE_MAX;
    for (unsigned char const flag : present) count += flag & 1U;
    return count;
}

void touch_all(Stack const& stack) { std::memset(low_end(stack), 1, stack.size); }

// Runs the body in a forked child, whose limits, guards and signal handlers are nobody else's. True or a text
// on stderr.
template <class Body>
::testing::AssertionResult holds_in_child(Body body) {
    pid_t const child = ::fork();
    if (child == 0) {
        char const* const complaint = body();
        if (complaint != nullptr) {
            std::fprintf(stderr, "child: %s (errno %d)\n", complaint, errno);
            std::_Exit(1);
        }
        std::_Exit(0);
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child)
        return ::testing::AssertionFailure() << "no child";
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << "the child ended with status " << status;
}

class StackArenaTest : public ::testing::Test {
protected:
    void SetUp() override { in_use_before_ = arena().stats().in_use; }
    void TearDown() override {
        EXPECT_EQ(arena().stats().in_use, in_use_before_) << "a stack was not given back";
    }

private:
    std::size_t in_use_before_ = 0;
};

TEST(StackClass, RoundsSizesUp) {
    EXPECT_EQ(stack_class_for(1), StackClass::kib64);
    EXPECT_EQ(stack_class_for(64 * kib), StackClass::kib64);
    EXPECT_EQ(stack_class_for(64 * kib + 1), StackClass::kib256);
    EXPECT_EQ(stack_class_for(mib), StackClass::mib1);
    EXPECT_EQ(stack_class_for(mib + 1), StackClass::mib8);
    EXPECT_EQ(stack_class_for(8 * mib), StackClass::mib8);
}

TEST(StackClass, RejectsMoreThanTheLargest) {
    EXPECT_THROW(stack_class_for(8 * mib + 1), std::invalid_argument);
    EXPECT_THROW(stack_class_for(SIZE_MAX), std::invalid_argument);
}

TEST(StackClass, TakesZeroForTheDefault) {
    EXPECT_EQ(stack_class_for(0), StackClass::kib64);
    set_default_stack_class(StackClass::mib1);
    EXPECT_EQ(stack_class_for(0), StackClass::mib1);
    set_default_stack_class(StackClass::kib64);
}

TEST(StackClass, HoldsWhatItsNameSays) {
    std::size_t const factor = sanitized ? 4 : 1;
    EXPECT_EQ(stack_class_bytes(StackClass::kib64), sanitized ? 512 * kib : 64 * kib);
    EXPECT_EQ(stack_class_bytes(StackClass::mib8), factor * 8 * mib);
}

class StackArenaClassTest : public StackArenaTest, public ::testing::WithParamInterface<StackClass> {};

INSTANTIATE_TEST_SUITE_P(Classes, StackArenaClassTest,
                         ::testing::Values(StackClass::kib64, StackClass::kib256, StackClass::mib1,
                                           StackClass::mib8));

TEST_P(StackArenaClassTest, LendsAllOfTheBytes) {
    for (Stack const& stack : allocate_many(9, GetParam())) {
        EXPECT_EQ(stack.klass, GetParam());
        EXPECT_GE(stack.size, stack_class_bytes(GetParam()));
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(stack.top) % 16, 0U);
        touch_all(stack);
        arena().deallocate(stack);
    }
}

TEST_P(StackArenaClassTest, ReusesTheLastOneGivenBackFirst) {
    std::vector<Stack> const stacks = allocate_many(3, GetParam());
    deallocate_all(stacks);
    for (std::size_t i = stacks.size(); i-- > 0;) EXPECT_EQ(arena().allocate(GetParam()).top, stacks[i].top);
    deallocate_all(stacks);
}

TEST_F(StackArenaTest, ColoursTopsWithoutNeedingASecondPage) {
    std::vector<Stack> const stacks = allocate_many(16);
    std::set<std::uintptr_t> offsets;
    for (Stack const& stack : stacks) {
        auto const top = reinterpret_cast<std::uintptr_t>(stack.top);
        offsets.insert(top % page);
        EXPECT_EQ((top - 1) / page, (top - 1900) / page) << "a shallow parked fiber would touch two pages";
    }
    EXPECT_EQ(offsets.size(), 8U);
    deallocate_all(stacks);
}

TEST_F(StackArenaTest, KeepsStacksApart) {
    std::vector<Stack> const stacks = allocate_many(100);
    std::set<char*> ends;
    for (Stack const& stack : stacks) {
        auto const above = ends.upper_bound(low_end(stack));
        EXPECT_TRUE(above == ends.end() || *above - stack.size >= stack.top);
        ends.insert(static_cast<char*>(stack.top));
    }
    EXPECT_EQ(ends.size(), stacks.size());
    deallocate_all(stacks);
}

TEST_F(StackArenaTest, CountsWhatItLendsAndKeeps) {
    StackArenaStats const before = arena().stats();
    std::vector<Stack> const stacks = allocate_many(5);
    EXPECT_EQ(arena().stats().in_use, before.in_use + 5);
    deallocate_all(stacks);
    StackArenaStats const after = arena().stats();
    EXPECT_EQ(after.in_use, before.in_use);
    EXPECT_EQ(after.in_use + after.cached, after.slots);
    EXPECT_EQ(after.guarded_by_madvise + after.guarded_by_mprotect + after.unguarded, after.slots);
    EXPECT_GT(after.reserved_bytes, after.slots * stack_class_bytes(StackClass::kib64));
}

TEST_F(StackArenaTest, RefusesBeyondTheLimitForTests) {
    arena().limit_for_tests(arena().stats().in_use + 2);
    std::vector<Stack> const stacks = allocate_many(2);
    EXPECT_THROW(arena().allocate(StackClass::kib64), std::bad_alloc);
    arena().limit_for_tests(SIZE_MAX);
    deallocate_all(stacks);
}

TEST_F(StackArenaTest, FindsTheOwnerOfAnAddress) {
    Stack const stack = arena().allocate(StackClass::kib64);
    int owner = 0;
    arena().set_owner(stack, &owner);
    Stack found{};
    void const* found_owner = nullptr;
    bool in_guard = true;
    ASSERT_TRUE(StackArena::find(low_end(stack), found, found_owner, in_guard));
    EXPECT_EQ(found.top, stack.top);
    EXPECT_EQ(found.size, stack.size);
    EXPECT_EQ(found.slot, stack.slot);
    EXPECT_EQ(found_owner, &owner);
    EXPECT_FALSE(in_guard);
    ASSERT_TRUE(StackArena::find(low_end(stack) - 1, found, found_owner, in_guard));
    EXPECT_EQ(found.top, stack.top);
    EXPECT_TRUE(in_guard);
    arena().deallocate(stack);
    ASSERT_TRUE(StackArena::find(low_end(stack), found, found_owner, in_guard));
    EXPECT_EQ(found_owner, nullptr) << "the owner of a stack given back must be forgotten";
}

TEST_F(StackArenaTest, FindsNothingOutside) {
    Stack found{};
    void const* owner = nullptr;
    bool in_guard = false;
    EXPECT_FALSE(StackArena::find(&found, found, owner, in_guard));
    EXPECT_FALSE(StackArena::find(nullptr, found, owner, in_guard));
}

TEST_F(StackArenaTest, GivesBackThePagesOfManyIdleStacks) {
    std::vector<Stack> const stacks = allocate_many(1500);
    for (Stack const& stack : stacks) *low_end(stack) = 1;
    deallocate_all(stacks);
    std::size_t resident = 0;
    for (Stack const& stack : stacks) resident += resident_pages(stack) > 0 ? 1 : 0;
    EXPECT_LE(resident, 512U);
    EXPECT_GE(resident, 256U) << "some should stay warm";
    std::vector<Stack> const again = allocate_many(1500);
    for (Stack const& stack : again) touch_all(stack);
    deallocate_all(again);
}

TEST_F(StackArenaTest, TakesStacksBackOnAnotherThread) {
    std::size_t const each = frond::test::scaled(2000);
    std::vector<Stack> stacks = allocate_many(each);
    std::thread first([&] { deallocate_all(stacks); });
    std::vector<Stack> others = allocate_many(each);
    first.join();
    std::thread second([&] { deallocate_all(others); });
    deallocate_all(allocate_many(each));
    second.join();
}

TEST_F(StackArenaTest, WorksInAForkedChildOfABusyProcess) {
    std::atomic<bool> stop{false};
    std::thread busy([&] {
        while (!stop.load()) deallocate_all(allocate_many(3));
    });
    for (std::size_t round = frond::test::scaled(50); round > 0; --round) {
        EXPECT_TRUE(holds_in_child([]() -> char const* {
            std::vector<Stack> const stacks = allocate_many(10);
            for (Stack const& stack : stacks) *low_end(stack) = 1;
            deallocate_all(stacks);
            return nullptr;
        }));
    }
    stop.store(true);
    busy.join();
}

TEST_F(StackArenaTest, GuardsManyStacksWithoutMappings) {
    std::size_t const count = frond::test::scaled(100'000);
    StackArenaStats const before = arena().stats();
    std::size_t const mappings = mapping_count();
    std::vector<Stack> const stacks = allocate_many(count);
    for (Stack const& stack : stacks) *static_cast<char volatile*>(static_cast<char*>(stack.top) - 1) = 1;
    StackArenaStats const stats = arena().stats();
    if (stats.guarded_by_madvise > before.guarded_by_madvise) {
        EXPECT_EQ(stats.guarded_by_mprotect, before.guarded_by_mprotect);
        EXPECT_EQ(stats.unguarded, before.unguarded);
        EXPECT_LE(mapping_count(), mappings + 60);
    } else {
        // A kernel before 6.13: mappings are used up, most of them but not all, and the statistics say so.
        EXPECT_EQ(stats.guarded_by_mprotect + stats.unguarded, stats.slots);
        EXPECT_GT(stats.guarded_by_mprotect, before.guarded_by_mprotect);
    }
    deallocate_all(stacks);
}

TEST_F(StackArenaTest, FallsBackToMprotectAndCountsIt) {
    EXPECT_TRUE(holds_in_child([]() -> char const* {
        arena().forbid_madvise_guard_for_tests(true);
        StackArenaStats const before = arena().stats();
        std::size_t const mappings = mapping_count();
        std::size_t const cached = before.cached;
        allocate_many(cached + 20);
        StackArenaStats const after = arena().stats();
        if (after.guarded_by_mprotect != before.guarded_by_mprotect + 20)
            return "20 guards by mprotect expected";
        if (after.guarded_by_madvise != before.guarded_by_madvise) return "no guard by madvise expected";
        if (after.guard != GuardKind::mprotect) return "the weakest guard is not mprotect";
        if (mapping_count() < mappings + 20) return "where are the guards?";
        return nullptr;
    }));
}

TEST_F(StackArenaTest, LendsUnguardedStacksWhenMappingsRunOut) {
    EXPECT_TRUE(holds_in_child([]() -> char const* {
        arena().forbid_madvise_guard_for_tests(true);
        allocate_many(arena().stats().cached + 1); // the next slot is cut from a slab that is there
        // Every other page of another kind: a mapping each, until there are no more.
        std::size_t const span = std::size_t{200'000} * page;
        auto* const low =
            static_cast<char*>(::mmap(nullptr, span, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        std::size_t offset = 0;
        while (offset < span && ::mprotect(low + offset, page, PROT_NONE) == 0) offset += 2 * page;
        if (offset >= span) return "vm.max_map_count is too large for this test";
        Stack const stack = arena().allocate(StackClass::kib64);
        StackArenaStats const stats = arena().stats();
        if (stats.unguarded != 1) return "one unguarded stack expected";
        if (stats.guard != GuardKind::missing) return "the weakest guard is not 'missing'";
        touch_all(stack);
        return nullptr;
    }));
}

TEST_F(StackArenaTest, LeavesMappingsToOthers) {
    EXPECT_TRUE(holds_in_child([]() -> char const* {
        arena().forbid_madvise_guard_for_tests(true);
        std::size_t limit = 0;
        std::ifstream("/proc/sys/vm/max_map_count") >> limit;
        if (limit > 300'000) return "vm.max_map_count is too large for this test";
        allocate_many(arena().stats().cached + limit / 2 + 1000);
        if (arena().stats().unguarded == 0) return "unguarded stacks expected";
        if (mapping_count() > limit - limit / 16) return "the guards took what others need";
        std::thread([] {}).join();
        return nullptr;
    }));
}

TEST_F(StackArenaTest, GuardsStacksInLockedMemory) {
    EXPECT_TRUE(holds_in_child([]() -> char const* {
        std::size_t const cached = arena().stats().cached;
        // Not mlockall: the sanitizers replace it by one that does nothing.
        if (::syscall(SYS_mlockall, MCL_FUTURE) != 0)
            return "mlockall(MCL_FUTURE) failed: it needs RLIMIT_MEMLOCK or CAP_IPC_LOCK";
        std::size_t const reserved = arena().stats().reserved_bytes;
        // What remains of slabs mapped before is not locked; only new slabs are.
        std::vector<Stack> stacks = allocate_many(cached);
        StackArenaStats const before = arena().stats();
        while (arena().stats().reserved_bytes == reserved)
            stacks.push_back(arena().allocate(StackClass::mib1));
        StackArenaStats const stats = arena().stats();
        if (stats.reserved_bytes - reserved > std::size_t{64} << 20) return "a locked slab must be small";
        if (stats.guarded_by_mprotect != before.guarded_by_mprotect + 1)
            return "a guard by mprotect expected";
        if (stats.unguarded != 0) return "no unguarded stack expected";
        touch_all(stacks.back());
        deallocate_all(stacks);
        return nullptr;
    }));
}

TEST_F(StackArenaTest, ThrowsWithoutAddressSpace) {
    EXPECT_TRUE(holds_in_child([]() -> char const* {
        std::size_t pages_in_use = 0; // terabytes of shadow in sanitizer builds: the limit goes on top
        std::ifstream("/proc/self/statm") >> pages_in_use;
        rlim_t const most = pages_in_use * page + (std::size_t{1} << 30);
        rlimit const limit{most, most};
        if (::setrlimit(RLIMIT_AS, &limit) != 0) return "setrlimit failed";
        std::size_t got = 0;
        try {
            for (; got < 10'000; ++got) (void)arena().allocate(StackClass::mib8);
        } catch (std::bad_alloc const&) {
            return arena().stats().in_use >= got ? nullptr : "the failed one was counted";
        }
        return "bad_alloc expected";
    }));
}

// ---- the message ----

struct Owner {
    char const* name;
};

void describe(void const* owner, int fd) noexcept {
    char const* const name = static_cast<Owner const*>(owner)->name;
    (void)!::write(fd, name, std::strlen(name));
}

// One frame that grows, not a recursion, and not instrumented: nothing but it runs when the stack ends.
// ThreadSanitizer's runtime would else be interrupted now and then, with its locks held.
#if defined(__clang__)
[[clang::disable_sanitizer_instrumentation]]
#else
[[gnu::no_sanitize("thread")]]
#endif
void use_up_the_stack() {
    while (true) *static_cast<char volatile*>(__builtin_alloca(512)) = 1;
}

constexpr Owner parse{"task 'parse' #12 (spawned at crawl.cpp:88)"};

// A thread stands for the fiber: the handler cannot tell, and sanitizers know threads with given stacks.
void run_on_arena_stack(void (*body)(Stack const&), Stack const& stack) {
    struct Call {
        void (*body)(Stack const&);
        Stack stack;
    } call{body, stack};
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstack(&attributes, low_end(stack), stack.size);
    pthread_t thread{};
    auto const start = [](void* raw) -> void* {
        void* const signal_stack = attach_signal_stack();
        auto const& given = *static_cast<Call*>(raw);
        given.body(given.stack);
        detach_signal_stack(signal_stack);
        return nullptr;
    };
    if (::pthread_create(&thread, &attributes, start, &call) != 0) std::abort();
    ::pthread_join(thread, nullptr);
    ::pthread_attr_destroy(&attributes);
}

Stack owned_stack() {
    // Not the smallest: a thread keeps its thread-locals on it, which are large with a sanitizer.
    Stack const stack = arena().allocate(StackClass::mib1);
    arena().set_owner(stack, &parse);
    return stack;
}

bool killed_by_segv(int status) {
    return sanitized ? status != 0 : ::testing::KilledBySignal(SIGSEGV)(status);
}

[[noreturn]] void overflow() {
    install_overflow_handler(&describe);
    run_on_arena_stack([](Stack const&) { use_up_the_stack(); }, owned_stack());
    std::_Exit(0);
}

TEST(OverflowHandlerDeathTest, NamesTheOwnerOfAnOverrunStack) {
    EXPECT_EXIT(overflow(), killed_by_segv,
                under_address_sanitizer ? "AddressSanitizer"
                                        : "frond: stack overflow in task 'parse' #12 \\(spawned at "
                                          "crawl.cpp:88\\): [0-9]+ KiB stack, address 0x[0-9a-f]+\n");
}

TEST(OverflowHandlerDeathTest, TellsAStrayAccessFromAnOverflow) {
    auto const stray = [] {
        install_overflow_handler(&describe);
        *static_cast<char volatile*>(low_end(owned_stack()) - 100) = 1;
    };
    EXPECT_EXIT(stray(), killed_by_segv,
                under_address_sanitizer
                    ? "AddressSanitizer"
                    : "^frond: invalid access into the guard of the stack of task 'parse'");
}

TEST(OverflowHandlerDeathTest, GuardStopsAReadAlsoAfterMprotect) {
    auto const read_guard = [] {
        arena().forbid_madvise_guard_for_tests(true);
        std::vector<Stack> const stacks = allocate_many(arena().stats().cached + 1);
        (void)*static_cast<char volatile*>(low_end(stacks.back()) - 1);
    };
    EXPECT_EXIT(read_guard(), killed_by_segv, "");
}

TEST(OverflowHandlerDeathTest, GuardSurvivesTrimming) {
    auto const read_guard = [] {
        std::vector<Stack> const stacks = allocate_many(1500);
        deallocate_all(stacks);
        (void)*static_cast<char volatile*>(low_end(stacks.back()) - 1);
    };
    EXPECT_EXIT(read_guard(), killed_by_segv, "");
}

void exit_3(int) { std::_Exit(3); }
void write_and_exit_4(int, siginfo_t* info, void*) {
    if (info->si_addr == nullptr) std::_Exit(5);
    (void)!::write(STDERR_FILENO, "previous\n", 9);
    std::_Exit(4);
}

void set_previous(void (*handler)(int, siginfo_t*, void*)) {
    struct sigaction action{};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigaction(SIGSEGV, &action, nullptr);
}

void touch_a_forbidden_page() {
    void* const at = ::mmap(nullptr, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *static_cast<char volatile*>(at) = 1;
}

TEST(OverflowHandlerDeathTest, LeavesTheRestToThePreviousHandler) {
    auto const chained = [] {
        set_previous(&write_and_exit_4);
        overflow();
    };
    EXPECT_EXIT(chained(), ::testing::ExitedWithCode(4),
                under_address_sanitizer ? "^previous\n$" : "^frond: stack overflow in [^\n]*\nprevious\n$");
}

TEST(OverflowHandlerDeathTest, PassesOtherFaultsToThePreviousHandler) {
    auto const forbidden_access = [] {
        set_previous([](int, siginfo_t* info, void*) { std::_Exit(info->si_code == SEGV_ACCERR ? 6 : 7); });
        install_overflow_handler(&describe);
        touch_a_forbidden_page();
    };
    EXPECT_EXIT(forbidden_access(), ::testing::ExitedWithCode(6), "^$");
    auto const plain = [] {
        std::signal(SIGSEGV, &exit_3);
        install_overflow_handler(&describe);
        std::raise(SIGSEGV);
    };
    EXPECT_EXIT(plain(), ::testing::ExitedWithCode(3), "^$");
}

TEST(OverflowHandlerDeathTest, PassesOtherFaultsToTheKernel) {
    auto const forbidden_access = [] {
        std::signal(SIGSEGV, SIG_DFL);
        install_overflow_handler(&describe);
        touch_a_forbidden_page();
    };
    EXPECT_EXIT(forbidden_access(), ::testing::KilledBySignal(SIGSEGV), "^$");
    auto const sent = [] {
        std::signal(SIGSEGV, SIG_DFL);
        install_overflow_handler(&describe);
        std::raise(SIGSEGV);
    };
    EXPECT_EXIT(sent(), ::testing::KilledBySignal(SIGSEGV), "^$");
}

TEST(OverflowHandlerDeathTest, IgnoresASentSignalThatWasIgnored) {
    auto const ignored = [] {
        std::signal(SIGSEGV, SIG_IGN);
        install_overflow_handler(&describe);
        std::raise(SIGSEGV);
        std::raise(SIGSEGV);
        std::_Exit(9);
    };
    EXPECT_EXIT(ignored(), ::testing::ExitedWithCode(9), "^$");
}

TEST(OverflowHandlerDeathTest, CanBeDeclined) {
    auto const declined = [] {
        ::setenv("FROND_NO_SEGV_HANDLER", "1", 1);
        std::signal(SIGSEGV, SIG_DFL);
        overflow();
    };
    EXPECT_EXIT(declined(), ::testing::KilledBySignal(SIGSEGV), "^$");
}

TEST(SignalStack, IsGivenOncePerThreadAndTakenBack) {
    std::thread([] {
        stack_t own{};
        own.ss_flags = SS_DISABLE;
        ::sigaltstack(&own, nullptr); // a sanitizer may have given one
        void* const attached = attach_signal_stack();
        EXPECT_NE(attached, nullptr);
        stack_t present{};
        ::sigaltstack(nullptr, &present);
        EXPECT_EQ(present.ss_sp, attached);
        EXPECT_GE(present.ss_size, 64 * kib);
        EXPECT_EQ(attach_signal_stack(), nullptr) << "one is enough";
        detach_signal_stack(attached);
        ::sigaltstack(nullptr, &present);
        EXPECT_NE(present.ss_flags & SS_DISABLE, 0);
    }).join();
}

TEST(SignalStack, LeavesTheUsersOwnAlone) {
    std::thread([] {
        std::vector<char> memory(128 * kib);
        stack_t own{};
        own.ss_sp = memory.data();
        own.ss_size = memory.size();
        stack_t former{};
        ::sigaltstack(&own, &former);
        void* const attached = attach_signal_stack();
        EXPECT_EQ(attached, nullptr);
        detach_signal_stack(attached);
        stack_t present{};
        ::sigaltstack(nullptr, &present);
        EXPECT_EQ(present.ss_sp, own.ss_sp);
        ::sigaltstack(&former, nullptr);
    }).join();
}

} // namespace
} // namespace frond::detail
