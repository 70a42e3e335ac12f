#include "stack_arena.hpp"

#include <algorithm>
#include <cstdio>
#include <new>
#include <span>
#include <stdexcept>

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__has_include)
#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#endif
#if defined(FROND_VALGRIND) && __has_include(<valgrind/valgrind.h>)
#include <valgrind/memcheck.h>
#include <valgrind/valgrind.h>
#define FROND_HAS_VALGRIND 1
#endif
#endif

namespace frond::inline v0::detail {
namespace {

// Invariants
// 1. A slab is slots side by side; a slot is, upwards, its guard, its usable pages and up to 1,792 unused
// bytes.
// 2. slabs[0 .. slab_count) are complete and never change or go away, so `find` needs no lock. What does
// change is in
//    the records: `owner` and `guard` are read by `find` at any time, `next` belongs to the arena's lock.
// 3. A record's `guard` is none_yet exactly until the slot was handed out for the first time.
// 4. A slot is on loan, on its class's warm list, on its cold list, or in the hands of a thread that is
// giving its
//    pages back.
// 5. Free lists run through the records, never through the stacks: a free stack need not be resident.

constexpr std::uint32_t no_slot = UINT32_MAX;
constexpr std::size_t slab_capacity = 4096;
constexpr std::size_t max_slab_slots = 65536; // an index is 16 bits of a slot's id
constexpr std::size_t max_slab_bytes = std::size_t{16} << 30;
constexpr std::size_t first_slab_bytes = std::size_t{8} << 20;
constexpr std::size_t first_slab_slots = 64;

// Linux 6.13; Debian 12's headers do not have it yet.
constexpr int madv_guard_install = 102;

// Equal offsets in a page share a set of the L1 cache; a scheduler that visits the tops of many stacks would
// use one set only. Eight steps of 256 bytes, not sixteen: the rest of the page must hold what a shallow
// parked fiber needs, or each would cost two pages.
constexpr std::size_t colours = 8;
constexpr std::size_t colour_step = 256;

constexpr std::size_t kib = 1024;
constexpr std::size_t nominal_bytes[stack_class_count] = {64 * kib, 256 * kib, 1024 * kib, 8192 * kib};

// Stacks of each class that stay warm when free, and how many are trimmed at once when there are more:
// neighbours share one system call. A larger mark makes bursts cheaper, and costs memory for good.
constexpr std::size_t low_water[stack_class_count] = {512, 64, 16, 4};
constexpr std::size_t max_trim_batch = 64;
constexpr std::size_t trim_batch[stack_class_count] = {max_trim_batch, 16, 4, 1};

struct SlotRecord {
    void const* owner;  // atomic
    std::uint32_t next; // id of the next slot of the same free list
    std::uint16_t slab;
    GuardKind guard; // atomic
};

struct Slab {
    char* base;
    std::size_t bytes;
    std::size_t slot_bytes;
    std::size_t guard_bytes;
    SlotRecord* records;
    StackClass klass;
};

constinit Slab slabs[slab_capacity] = {};
constinit std::atomic<std::size_t> slab_count{0};
constinit std::atomic<StackClass> default_class{StackClass::kib64};

struct Geometry {
    std::size_t guard_bytes;
    std::size_t slot_bytes;
};

std::size_t page_bytes() noexcept {
    static std::size_t const bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return bytes;
}

// Four small pages of guard cost no memory, 0.1 us once, and stop frames of up to 16 KiB that skip a page.
// The number of pages of a slot is odd, so that the tops of stacks spread over the sets of the larger caches
// too.
Geometry geometry_of(StackClass klass) noexcept {
    std::size_t const page = page_bytes();
    std::size_t const guard = page <= 4096 ? 4 : 1;
    std::size_t const usable = (stack_class_bytes(klass) + (colours - 1) * colour_step + page - 1) / page;
    std::size_t const pages = (guard + usable) | 1;
    return {guard * page, pages * page};
}

constexpr std::size_t index_of(StackClass klass) noexcept { return static_cast<std::size_t>(klass); }
constexpr std::size_t slab_of(std::uint32_t id) noexcept { return id >> 16; }
constexpr std::size_t place_of(std::uint32_t id) noexcept { return id & 0xFFFF; }
constexpr std::uint32_t id_of(std::size_t slab, std::size_t place) noexcept {
    return static_cast<std::uint32_t>(slab << 16 | place);
}
SlotRecord& record_of(std::uint32_t id) noexcept { return slabs[slab_of(id)].records[place_of(id)]; }

Stack stack_at(Slab const& slab, std::size_t place) noexcept {
    char* const low = slab.base + place * slab.slot_bytes;
    std::size_t const size = slab.slot_bytes - slab.guard_bytes - place % colours * colour_step;
    return {low + slab.guard_bytes + size, size, slab.records + place, slab.klass};
}

// Needed by what tells a sanitizer or valgrind about stacks.
[[maybe_unused]] char* usable_low(Stack const& stack) noexcept {
    return static_cast<char*>(stack.top) - stack.size;
}

void* map_pages(std::size_t bytes, int extra_flags) noexcept {
    void* const at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | extra_flags, -1, 0);
    return at == MAP_FAILED ? nullptr : at;
}

// After mlockall(MCL_FUTURE) a new mapping is resident at once: slabs of gigabytes would be fatal. Only
// locked memory refuses MADV_DONTNEED, which tells it from a kernel that does not know guards.
bool new_mappings_are_locked() noexcept {
    void* const probe = map_pages(page_bytes(), 0);
    if (probe == nullptr) return false;
    bool const locked = ::madvise(probe, page_bytes(), MADV_DONTNEED) != 0;
    ::munmap(probe, page_bytes());
    return locked;
}

// A guard by mprotect splits off two mappings. An eighth of what the process may have stays for everybody
// else: without any left, threads cannot start and malloc fails.
std::size_t guards_affordable_by_mprotect() noexcept {
    unsigned long mappings = 65530;
    if (std::FILE* const file = std::fopen("/proc/sys/vm/max_map_count", "re")) {
        if (std::fscanf(file, "%lu", &mappings) != 1) mappings = 65530;
        std::fclose(file);
    }
    return (mappings - mappings / 8) / 2;
}

std::size_t first_slots(std::size_t slot_bytes) noexcept {
    return std::clamp<std::size_t>(first_slab_bytes / slot_bytes, 1, first_slab_slots);
}

// The stack's former user left its frames' poison behind, and defined bytes.
void forget_former_frames([[maybe_unused]] Stack const& stack) noexcept {
#if defined(ASAN_UNPOISON_MEMORY_REGION)
    if constexpr (under_address_sanitizer) ASAN_UNPOISON_MEMORY_REGION(usable_low(stack), stack.size);
#endif
#if defined(FROND_HAS_VALGRIND)
    VALGRIND_MAKE_MEM_UNDEFINED(usable_low(stack), stack.size);
#endif
}

} // namespace

StackClass stack_class_for(std::size_t bytes) {
    if (bytes == 0) return default_stack_class();
    for (std::size_t i = 0; i < stack_class_count; ++i)
        if (bytes <= nominal_bytes[i]) return static_cast<StackClass>(i);
    throw std::invalid_argument("frond: a stack of more than 8 MiB was asked for");
}

std::size_t stack_class_bytes(StackClass klass) noexcept {
    std::size_t const nominal = nominal_bytes[index_of(klass)];
    if constexpr (under_address_sanitizer || under_thread_sanitizer) return std::max(4 * nominal, 512 * kib);
    return nominal;
}

StackClass default_stack_class() noexcept { return default_class.load(std::memory_order_relaxed); }
void set_default_stack_class(StackClass klass) noexcept {
    default_class.store(klass, std::memory_order_relaxed);
}

StackArena& StackArena::instance() {
    static StackArena* const arena =
        new StackArena; // never deleted: stacks are given back until the very end
    return *arena;
}

StackArena::StackArena() : mprotect_budget_(guards_affordable_by_mprotect()) {
    for (std::size_t i = 0; i < stack_class_count; ++i) {
        std::size_t const slots = first_slots(geometry_of(static_cast<StackClass>(i)).slot_bytes);
        classes_[i] = {no_slot, no_slot, 0, 0, 0, 0, 0, slots};
    }
    // fork() may come while another thread, which the child will not have, holds the lock.
    auto const lock = [] { instance().mutex_.lock(); };
    auto const unlock = [] { instance().mutex_.unlock(); };
    if (::pthread_atfork(lock, unlock, unlock) != 0) throw std::bad_alloc();
}

// One lock for all, and no cache per thread: a fiber asks for a stack only when its thread's idle ones are
// used up, and a cache would have to hand its stacks back when its thread ends, after which fibers still give
// some back.
Stack StackArena::allocate(StackClass klass) {
    std::uint32_t const id = take_slot(klass);
    SlotRecord& record = record_of(id);
    Stack const stack = stack_at(slabs[slab_of(id)], place_of(id));
    if (std::atomic_ref(record.guard).load(std::memory_order_relaxed) == GuardKind::none_yet) {
        guard(id);
#if defined(FROND_HAS_VALGRIND)
        VALGRIND_STACK_REGISTER(usable_low(stack), stack.top);
#endif
    }
    forget_former_frames(stack);
    return stack;
}

std::uint32_t StackArena::take_slot(StackClass klass) {
    std::lock_guard const lock(mutex_);
    if (in_use_ >= limit_) throw std::bad_alloc();
    ClassState& state = classes_[index_of(klass)];
    std::uint32_t id = no_slot;
    if (state.warm != no_slot) {
        id = state.warm;
        state.warm = record_of(id).next;
        --state.warm_count;
    } else if (state.cold != no_slot) {
        id = state.cold;
        state.cold = record_of(id).next;
        --state.cold_count;
    } else {
        if (state.cut == state.slab_slots) add_slab(klass, state);
        id = id_of(state.slab, state.cut++);
        record_of(id).slab = static_cast<std::uint16_t>(state.slab);
    }
    ++in_use_;
    return id;
}

// Slabs double, so that few stacks reserve little and a million need some thirty mappings. Where there is no
// room for one (a limit on address space, strict overcommit), half of it will do.
void StackArena::add_slab(StackClass klass, ClassState& state) {
    std::size_t const number = slab_count.load(std::memory_order_relaxed);
    if (number == slab_capacity) throw std::bad_alloc();
    Geometry const geometry = geometry_of(klass);
    std::size_t slots = new_mappings_are_locked() ? first_slots(geometry.slot_bytes) : state.next_slab_slots;
    void* base = nullptr;
    void* records = nullptr;
    for (;; slots /= 2) {
        if (slots == 0) throw std::bad_alloc();
        base = map_pages(slots * geometry.slot_bytes, MAP_STACK);
        if (base == nullptr) continue;
        records = map_pages(slots * sizeof(SlotRecord), 0);
        if (records != nullptr) break;
        ::munmap(base, slots * geometry.slot_bytes);
    }
    std::size_t const bytes = slots * geometry.slot_bytes;
    if (::madvise(base, bytes, MADV_NOHUGEPAGE) != 0) ++huge_page_refusals_;
    slabs[number] = {static_cast<char*>(base),          bytes, geometry.slot_bytes, geometry.guard_bytes,
                     static_cast<SlotRecord*>(records), klass};
    slab_count.store(number + 1, std::memory_order_release); // pairs with the load in find
    reserved_bytes_ += bytes;
    state.slab = number;
    state.cut = 0;
    state.slab_slots = slots;
    bool const may_double = slots * 2 <= max_slab_slots && bytes * 2 <= max_slab_bytes;
    state.next_slab_slots = may_double ? slots * 2 : slots;
}

// Every install is checked, not only the first: it also fails in memory that is locked, which may be so for
// some slabs and not for others.
void StackArena::guard(std::uint32_t id) noexcept {
    Slab const& slab = slabs[slab_of(id)];
    void* const at = slab.base + place_of(id) * slab.slot_bytes;
    GuardKind kind = GuardKind::missing;
    if (!madvise_forbidden_.load(std::memory_order_relaxed) &&
        ::madvise(at, slab.guard_bytes, madv_guard_install) == 0) {
        kind = GuardKind::madvise;
        guarded_by_madvise_.fetch_add(1, std::memory_order_relaxed);
    } else if (guarded_by_mprotect_.fetch_add(1, std::memory_order_relaxed) < mprotect_budget_ &&
               ::mprotect(at, slab.guard_bytes, PROT_NONE) == 0) {
        kind = GuardKind::mprotect;
    } else {
        guarded_by_mprotect_.fetch_sub(1, std::memory_order_relaxed);
        unguarded_.fetch_add(1, std::memory_order_relaxed);
    }
    std::atomic_ref(record_of(id).guard).store(kind, std::memory_order_relaxed);
}

void StackArena::deallocate(Stack const& stack) noexcept {
    set_owner(stack, nullptr);
    auto& record = *static_cast<SlotRecord*>(stack.slot);
    std::size_t const klass = index_of(stack.klass);
    ClassState& state = classes_[klass];
    std::uint32_t batch[max_trim_batch];
    std::size_t count = 0;
    {
        std::lock_guard const lock(mutex_);
        --in_use_;
        record.next = state.warm;
        state.warm = id_of(record.slab, static_cast<std::size_t>(&record - slabs[record.slab].records));
        if (++state.warm_count <= low_water[klass]) return;
        for (; count < trim_batch[klass]; ++count) {
            batch[count] = state.warm;
            state.warm = record_of(state.warm).next;
        }
        state.warm_count -= count;
    }
    std::sort(batch, batch + count);
    give_back_pages(batch, count);
    std::lock_guard const lock(mutex_);
    for (std::uint32_t const id : std::span(batch, count)) {
        record_of(id).next = state.cold;
        state.cold = id;
    }
    state.cold_count += count;
}

// Guards of either kind survive MADV_DONTNEED, so neighbouring slots go in one call.
void StackArena::give_back_pages(std::uint32_t* ids, std::size_t count) noexcept {
    for (std::size_t first = 0, past = 0; first < count; first = past) {
        past = first + 1;
        while (past < count && ids[past] == ids[past - 1] + 1 && slab_of(ids[past]) == slab_of(ids[first]))
            ++past;
        Slab const& slab = slabs[slab_of(ids[first])];
        char* const low = slab.base + place_of(ids[first]) * slab.slot_bytes + slab.guard_bytes;
        std::size_t const bytes = (past - first) * slab.slot_bytes - slab.guard_bytes;
        // Locked memory stays as its owner wanted it: resident.
        if (::madvise(low, bytes, MADV_DONTNEED) == 0)
            trimmed_bytes_.fetch_add(bytes, std::memory_order_relaxed);
    }
}

StackArenaStats StackArena::stats() const noexcept {
    StackArenaStats stats;
    stats.guarded_by_madvise = guarded_by_madvise_.load(std::memory_order_relaxed);
    stats.guarded_by_mprotect = guarded_by_mprotect_.load(std::memory_order_relaxed);
    stats.unguarded = unguarded_.load(std::memory_order_relaxed);
    stats.trimmed_bytes = trimmed_bytes_.load(std::memory_order_relaxed);
    if (stats.unguarded > 0)
        stats.guard = GuardKind::missing;
    else if (stats.guarded_by_mprotect > 0)
        stats.guard = GuardKind::mprotect;
    else if (stats.guarded_by_madvise > 0)
        stats.guard = GuardKind::madvise;
    stats.slots = stats.guarded_by_madvise + stats.guarded_by_mprotect + stats.unguarded;
    std::lock_guard const lock(mutex_);
    stats.in_use = in_use_;
    for (ClassState const& state : classes_) stats.cached += state.warm_count + state.cold_count;
    stats.reserved_bytes = reserved_bytes_;
    stats.huge_page_refusals = huge_page_refusals_;
    return stats;
}

void StackArena::set_owner(Stack const& stack, void const* owner) noexcept {
    auto& record = *static_cast<SlotRecord*>(stack.slot);
    std::atomic_ref(record.owner).store(owner, std::memory_order_release); // pairs with the load in find
}

bool StackArena::find(void const* address, Stack& out, void const*& owner, bool& in_guard) noexcept {
    auto const wanted = reinterpret_cast<std::uintptr_t>(address);
    std::size_t const count = slab_count.load(std::memory_order_acquire);
    for (Slab const& slab : std::span(slabs, count)) {
        std::uintptr_t const offset = wanted - reinterpret_cast<std::uintptr_t>(slab.base);
        if (offset >= slab.bytes) continue;
        std::size_t const place = offset / slab.slot_bytes;
        SlotRecord& record = slab.records[place];
        if (std::atomic_ref(record.guard).load(std::memory_order_relaxed) == GuardKind::none_yet)
            return false;
        out = stack_at(slab, place);
        owner = std::atomic_ref(record.owner).load(std::memory_order_acquire);
        in_guard = offset % slab.slot_bytes < slab.guard_bytes;
        return true;
    }
    return false;
}

void StackArena::limit_for_tests(std::size_t max_stacks_in_use) noexcept {
    std::lock_guard const lock(mutex_);
    limit_ = max_stacks_in_use;
}

void StackArena::forbid_madvise_guard_for_tests(bool forbidden) noexcept {
    madvise_forbidden_.store(forbidden, std::memory_order_relaxed);
}

} // namespace frond::inline v0::detail
