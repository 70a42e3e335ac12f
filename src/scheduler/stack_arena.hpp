#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace frond::inline v0::detail {

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool under_address_sanitizer = true;
#else
inline constexpr bool under_address_sanitizer = false;
#endif
#if __has_feature(thread_sanitizer)
inline constexpr bool under_thread_sanitizer = true;
#else
inline constexpr bool under_thread_sanitizer = false;
#endif
#else
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool under_address_sanitizer = true;
#else
inline constexpr bool under_address_sanitizer = false;
#endif
#if defined(__SANITIZE_THREAD__)
inline constexpr bool under_thread_sanitizer = true;
#else
inline constexpr bool under_thread_sanitizer = false;
#endif
#endif

/// The sizes in which stacks come. In sanitizer builds, whose frames are several times larger, each class
/// holds four times its name and at least 512 KiB.
enum class StackClass : std::uint8_t { kib64, kib256, mib1, mib8 };

inline constexpr std::size_t stack_class_count = 4;

/// The smallest class with @p bytes of use; 0 asks for `default_stack_class()`.
/// @throws std::invalid_argument for more than 8 MiB
StackClass stack_class_for(std::size_t bytes);

/// Bytes that a stack of this class can use, at least.
std::size_t stack_class_bytes(StackClass klass) noexcept;

/// What `stack_class_for(0)` gives, in this process: 64 KiB unless changed.
StackClass default_stack_class() noexcept;
void set_default_stack_class(StackClass klass) noexcept;

/// What stops an overrun below a stack. Later enumerators are weaker.
enum class GuardKind : std::uint8_t { none_yet, madvise, mprotect, missing };

/// A stack on loan. It grows down from `top`; the bytes `[top - size, top)` are its user's.
struct Stack {
    void* top;
    std::size_t size;
    void* slot; ///< the arena's record; opaque
    StackClass klass;
};

struct StackArenaStats {
    std::size_t in_use = 0;              ///< stacks on loan
    std::size_t cached = 0;              ///< stacks given back, waiting for reuse
    std::size_t slots = 0;               ///< stacks ever made: in_use + cached, and the sum of the next three
    std::size_t guarded_by_madvise = 0;  ///< stacks with a guard that costs no mapping
    std::size_t guarded_by_mprotect = 0; ///< stacks whose guard costs two of the process's mappings
    std::size_t unguarded = 0;           ///< stacks that neither kind of guard could be had for
    std::size_t reserved_bytes = 0;      ///< address space set aside, touched or not
    std::size_t trimmed_bytes = 0;       ///< address ranges handed back to the kernel so far, resident or not
    std::size_t huge_page_refusals = 0;  ///< slabs that the kernel did not exempt from huge pages
    GuardKind guard = GuardKind::none_yet; ///< the weakest guard that any stack has
};

/// The process's fiber stacks: guarded, coloured, reused last in, first out.
///
/// A million guarded stacks fit under the default `vm.max_map_count`, because stacks are cut from large slabs
/// and guarded by page-table markers (`MADV_GUARD_INSTALL`) where the kernel has them. Where it refuses
/// (before Linux 6.13, or in locked memory), the guard is an inaccessible mapping as long as there are
/// mappings to spare; a stack that gets neither is handed out all the same, and `stats()` says so.
///
/// Lifetime: made at first use, never destroyed. A forked child goes on with a working arena of its own, in
/// which the stacks of the parent's other threads stay on loan.
///
/// Thread safety: every member may be called from any thread.
///
/// Cost: `allocate` and `deallocate` are O(1): an uncontended lock and, from the cache, no system call. A new
/// stack costs one system call for its guard; a stack given back beyond the low-water mark its share of one
/// `madvise`. 16 bytes of records a stack. Stack pages are touched only by who runs on them.
class StackArena {
public:
    static StackArena& instance();

    /// Lends a stack: the one given back last, else a new one.
    /// @throws std::bad_alloc without memory or address space, or beyond the limit set for tests
    Stack allocate(StackClass klass);

    /// Takes a stack back, its owner cleared. Of each class a limited number stays warm; what is beyond gives
    /// its pages back to the kernel.
    void deallocate(Stack const& stack) noexcept;

    /// A moment's view; the figures may be from slightly different instants while other threads allocate.
    StackArenaStats stats() const noexcept;

    /// Notes who runs on the stack, for `find`; nullptr clears. Async-signal-safe.
    void set_owner(Stack const& stack, void const* owner) noexcept;

    /// Tells which stack an address belongs to, its owner, and whether the address lies in its guard. False
    /// if it is in none that was ever handed out. Async-signal-safe and lock-free.
    static bool find(void const* address, Stack& out, void const*& owner, bool& in_guard) noexcept;

    /// Makes `allocate` fail while this many stacks are on loan; SIZE_MAX: no limit.
    void limit_for_tests(std::size_t max_stacks_in_use) noexcept;

    /// Behaves as if the kernel did not know MADV_GUARD_INSTALL. Guards already installed stay.
    void forbid_madvise_guard_for_tests(bool forbidden) noexcept;

private:
    struct ClassState {
        std::uint32_t warm; // list heads, see SlotRecord::next
        std::uint32_t cold;
        std::size_t warm_count;
        std::size_t cold_count;
        std::size_t slab;       // the slab that new slots are cut from
        std::size_t cut;        // how many of it are
        std::size_t slab_slots; // of that slab; 0 before the first
        std::size_t next_slab_slots;
    };

    StackArena();
    std::uint32_t take_slot(StackClass klass);
    void add_slab(StackClass klass, ClassState& state);
    void guard(std::uint32_t id) noexcept;
    bool guard_by_mprotect(void* at) noexcept;
    void give_back_pages(std::uint32_t* ids, std::size_t count) noexcept;

    // Guarded by mutex_. Held for pointer operations, and for mmap when a slab is added; never while a guard
    // is installed or pages are given back.
    mutable std::mutex mutex_;
    ClassState classes_[stack_class_count];
    std::size_t in_use_ = 0;
    std::size_t limit_ = SIZE_MAX;
    std::size_t reserved_bytes_ = 0;
    std::size_t huge_page_refusals_ = 0;

    // Counters, relaxed.
    std::atomic<std::size_t> guarded_by_madvise_{0};
    std::atomic<std::size_t> guarded_by_mprotect_{0};
    std::atomic<std::size_t> unguarded_{0};
    std::atomic<std::size_t> trimmed_bytes_{0};
    std::atomic<bool> madvise_forbidden_{false};
    std::size_t mprotect_budget_;
};

} // namespace frond::inline v0::detail
