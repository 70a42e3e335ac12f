#include "overflow_handler.hpp"

#include "stack_arena.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

namespace frond::inline v0::detail {
namespace {

constinit std::atomic<bool> installed{false};
constinit DescribeOwner describe_owner = nullptr;

// What was there before us. Written before our handler can run, and by it only for SA_RESETHAND.
struct sigaction previous_segv;
struct sigaction previous_bus;

// The flags are an int, but some of their values an unsigned one.
bool has_flag(struct sigaction const& action, unsigned flag) noexcept {
    return (static_cast<unsigned>(action.sa_flags) & flag) != 0;
}

void put(std::string_view text) noexcept {
    while (!text.empty()) {
        ssize_t const written = ::write(STDERR_FILENO, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

void put_number(std::uintptr_t number, unsigned base) noexcept {
    char digits[20];
    char* at = digits + sizeof digits;
    do {
        *--at = "0123456789abcdef"[number % base];
        number /= base;
    } while (number != 0);
    put({at, static_cast<std::size_t>(digits + sizeof digits - at)});
}

void const* stack_pointer_of([[maybe_unused]] void* context) noexcept {
#if defined(__x86_64__)
    auto const* const state = static_cast<ucontext_t*>(context);
    // NOLINTNEXTLINE(performance-no-int-to-ptr): that is what a register holds
    return reinterpret_cast<void const*>(state->uc_mcontext.gregs[REG_RSP]);
#elif defined(__aarch64__)
    auto const* const state = static_cast<ucontext_t*>(context);
    // NOLINTNEXTLINE(performance-no-int-to-ptr): that is what a register holds
    return reinterpret_cast<void const*>(state->uc_mcontext.sp);
#else
    return nullptr;
#endif
}

void put_owner(void const* owner) noexcept {
    if (owner == nullptr || describe_owner == nullptr)
        put("a fiber without a task");
    else
        describe_owner(owner, STDERR_FILENO);
}

// Says what happened if the fault is in a guard; false if it is somebody else's fault.
bool report(siginfo_t const& info, void* context) noexcept {
    if (info.si_code <= 0) return false; // sent by kill or raise: si_addr means nothing
    Stack stack;
    void const* owner = nullptr;
    bool in_guard = false;
    if (!StackArena::find(info.si_addr, stack, owner, in_guard) || !in_guard) return false;

    // A frame may reach far below its stack pointer, and a stray pointer anywhere: whose stack the faulting
    // code runs on tells which of both it was.
    Stack running;
    void const* running_owner = nullptr;
    bool ignored = false;
    void const* const sp = stack_pointer_of(context);
    bool const overflow = sp == nullptr || (StackArena::find(sp, running, running_owner, ignored) &&
                                            running.slot == stack.slot);

    put(overflow ? "frond: stack overflow in " : "frond: invalid access into the guard of the stack of ");
    put_owner(owner);
    put(": ");
    put_number(stack_class_bytes(stack.klass) / 1024, 10);
    put(" KiB stack, address 0x");
    put_number(reinterpret_cast<std::uintptr_t>(info.si_addr), 16);
    put("\n");
    return true;
}

// Runs the handler that ours displaced as the kernel would have. Its changes to the mask end when the signal
// returns.
void call_previous(int signal, struct sigaction& previous, siginfo_t* info, void* context) noexcept {
    struct sigaction const copy = previous;
    if (has_flag(copy, SA_RESETHAND)) {
        previous = {};
        previous.sa_handler = SIG_DFL;
    }
    if (has_flag(copy, SA_NODEFER)) {
        sigset_t self;
        ::sigemptyset(&self);
        ::sigaddset(&self, signal);
        ::pthread_sigmask(SIG_UNBLOCK, &self, nullptr);
    }
    ::pthread_sigmask(SIG_BLOCK, &copy.sa_mask, nullptr);
    if (has_flag(copy, SA_SIGINFO))
        copy.sa_sigaction(signal, info, context);
    else
        copy.sa_handler(signal);
}

void on_fault(int signal, siginfo_t* info, void* context) {
    int const saved_errno = errno;
    struct sigaction& previous = signal == SIGSEGV ? previous_segv : previous_bus;
    bool const reported = report(*info, context);
    bool const has_handler =
        has_flag(previous, SA_SIGINFO) || (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN);
    if (reported || (!has_handler && info->si_code > 0)) {
        // Returning repeats the access, which then meets the previous disposition as if we had never been
        // there.
        ::sigaction(signal, &previous, nullptr);
    } else if (has_handler) {
        call_previous(signal, previous, info, context);
    } else if (previous.sa_handler == SIG_DFL) {
        ::sigaction(signal, &previous, nullptr);
        ::raise(signal); // sent, not caused: nothing would repeat it; blocked until we return
    }
    errno = saved_errno;
}

void install(int signal, struct sigaction& previous) noexcept {
    if (::sigaction(signal, nullptr, &previous) != 0) return;
    struct sigaction ours{};
    ours.sa_sigaction = on_fault;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK | (previous.sa_flags & SA_RESTART);
    ::sigemptyset(&ours.sa_mask);
    ::sigaction(signal, &ours, nullptr);
}

std::size_t page_bytes() noexcept { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

// The kernel's frame alone takes several KiB with wide vector registers, and somebody else's handler may run
// here too.
std::size_t signal_stack_bytes() noexcept {
    std::size_t bytes = std::size_t{64} * 1024;
#if defined(_SC_SIGSTKSZ)
    long const wanted = ::sysconf(_SC_SIGSTKSZ);
    if (wanted > 0) bytes = std::max(bytes, static_cast<std::size_t>(wanted));
#endif
    std::size_t const page = page_bytes();
    return (bytes + page - 1) / page * page;
}

} // namespace

void install_overflow_handler(DescribeOwner describe) noexcept {
    if constexpr (under_address_sanitizer) return;
    if (installed.exchange(true)) return;
    if (std::getenv("FROND_NO_SEGV_HANDLER") != nullptr) return;
    describe_owner = describe;
    install(SIGSEGV, previous_segv);
    install(SIGBUS, previous_bus);
}

void* attach_signal_stack() noexcept {
    stack_t present;
    if (::sigaltstack(nullptr, &present) != 0 || (present.ss_flags & SS_DISABLE) == 0) return nullptr;
    std::size_t const bytes = signal_stack_bytes();
    std::size_t const guard = page_bytes();
    void* const mapping =
        ::mmap(nullptr, guard + bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) return nullptr;
    char* const low = static_cast<char*>(mapping) + guard;
    stack_t ours{};
    ours.ss_sp = low;
    ours.ss_size = bytes;
    if (::mprotect(low, bytes, PROT_READ | PROT_WRITE) == 0 && ::sigaltstack(&ours, nullptr) == 0) return low;
    ::munmap(mapping, guard + bytes);
    return nullptr;
}

void detach_signal_stack(void* attached) noexcept {
    if (attached == nullptr) return;
    stack_t present;
    if (::sigaltstack(nullptr, &present) != 0) return;
    if (present.ss_sp == attached && (present.ss_flags & SS_DISABLE) == 0) {
        stack_t none{};
        none.ss_flags = SS_DISABLE;
        if (::sigaltstack(&none, nullptr) != 0) return; // a handler runs on it at this moment
    }
    std::size_t const guard = page_bytes();
    ::munmap(static_cast<char*>(attached) - guard, guard + signal_stack_bytes());
}

} // namespace frond::inline v0::detail
