// Memory of task nodes: free lists a thread, which exchange whole batches with a common store, so that nodes
// made on one thread and freed on another do not pile up there.

#include "scheduler/node_memory.hpp"

#include "scheduler/stack_arena.hpp"

#include <frond/detail/task_node.hpp>

#include <cstddef>
#include <mutex>
#include <new>
#include <utility>

namespace frond::inline v0::detail {

namespace {

constexpr std::size_t step = 16;
constexpr std::size_t largest = 512;
constexpr std::size_t classes = largest / step;
constexpr std::size_t batch_length = 256;

// The sanitizers know malloc; hiding reuse from them would hide errors.
constexpr bool use_malloc = under_address_sanitizer || under_thread_sanitizer;

struct FreeNode {
    FreeNode* next;
    FreeNode* next_batch;
};

struct FreeList {
    FreeNode* head = nullptr;
    std::size_t count = 0;
};

struct ThreadCache {
    FreeList filling[classes];
    FreeNode* spare[classes];    ///< a full batch
    bool over;                   ///< the thread's end has begun
};

/// Never destroyed: static pools free their nodes late.
struct Store {
    std::mutex lock;
    FreeNode* batches[classes] = {};
    FreeNode* odd[classes] = {};    ///< single nodes of ended threads
};

Store& store() {
    static auto& s = *new Store;
    return s;
}

constinit thread_local ThreadCache cache{};

FreeNode* carve(std::size_t klass) {
    std::size_t const size = (klass + 1) * step;
    auto* const memory = static_cast<std::byte*>(::operator new(batch_length * size));
    FreeNode* head = nullptr;
    for (std::size_t i = batch_length; i-- > 0;) head = ::new (memory + i * size) FreeNode{head, nullptr};
    return head;
}

/// Slow path: another list of free nodes for this thread.
FreeNode* refill(std::size_t klass, std::size_t& count) {
    count = batch_length;
    if (cache.spare[klass]) return std::exchange(cache.spare[klass], nullptr);
    {
        Store& s = store();
        std::lock_guard const lock{s.lock};
        if (FreeNode* const b = s.batches[klass]) {
            s.batches[klass] = b->next_batch;
            return b;
        }
        if (FreeNode* const n = s.odd[klass]) {
            s.odd[klass] = n->next;
            n->next = nullptr;
            count = 1;
            return n;
        }
    }
    return carve(klass);
}

}  // namespace

void* allocate_node(std::size_t size, std::size_t align) {
    if (use_malloc || size > largest || align > step) return ::operator new(size, std::align_val_t{align});
    std::size_t const klass = (size - 1) / step;
    FreeList& list = cache.filling[klass];
    if (!list.head) list.head = refill(klass, list.count);
    FreeNode* const n = list.head;
    list.head = n->next;
    --list.count;
    return n;
}

void free_node(void* p, std::size_t size, std::size_t align) noexcept {
    if (use_malloc || size > largest || align > step) {
        ::operator delete(p, std::align_val_t{align});
        return;
    }
    std::size_t const klass = (size - 1) / step;
    FreeList& list = cache.filling[klass];
    if (list.count == batch_length) {
        if (FreeNode* const full = std::exchange(cache.spare[klass], list.head)) {
            Store& s = store();
            std::lock_guard const lock{s.lock};
            full->next_batch = s.batches[klass];
            s.batches[klass] = full;
        }
        list = {};
    }
    list.head = ::new (p) FreeNode{list.head, nullptr};
    ++list.count;
    if (cache.over) release_node_cache();
}

void release_node_cache() noexcept {
    cache.over = true;
    Store& s = store();
    std::lock_guard const lock{s.lock};
    for (std::size_t k = 0; k < classes; ++k) {
        for (FreeNode* from : {cache.filling[k].head, cache.spare[k]}) {
            while (from) {
                FreeNode* const next = from->next;
                from->next = s.odd[k];
                s.odd[k] = from;
                from = next;
            }
        }
        cache.filling[k] = {};
        cache.spare[k] = nullptr;
    }
}

}  // namespace frond::inline v0::detail
