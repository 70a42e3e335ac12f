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

constexpr std::size_t batch_length = 256;

// The sanitizers know malloc; hiding reuse from them would hide errors.
constexpr bool use_malloc = under_address_sanitizer || under_thread_sanitizer;

struct FreeNode {
    FreeNode* next;
    FreeNode* next_batch;
};

struct FreeList {
    FreeNode* head = nullptr;
    std::size_t count = 0;     ///< batch_length: the next free goes the slow way
    FreeNode* spare = nullptr; ///< a full batch
};

/// Never destroyed: static pools free their nodes late.
struct Store {
    std::mutex lock;
    FreeNode* batches[node_classes] = {};
    FreeNode* odd[node_classes] = {}; ///< single nodes of ended threads
};

Store& store() {
    static auto& s = *new Store;
    return s;
}

constinit thread_local FreeList lists[node_classes] = {};
constinit thread_local bool thread_is_over = false;

FreeNode* carve(std::size_t klass) {
    std::size_t const size = (klass + 1) * node_step;
    auto* const memory = static_cast<std::byte*>(::operator new(batch_length * size));
    FreeNode* head = nullptr;
    for (std::size_t i = batch_length; i-- > 0;) head = ::new (memory + i * size) FreeNode{head, nullptr};
    return head;
}

[[gnu::noinline]] void refill(FreeList& list, std::size_t klass) {
    if (list.spare) {
        list.head = std::exchange(list.spare, nullptr);
        list.count = batch_length;
        return;
    }
    {
        Store& s = store();
        std::lock_guard const lock{s.lock};
        if (FreeNode* const b = s.batches[klass]) {
            s.batches[klass] = b->next_batch;
            list.head = b;
            list.count = batch_length;
            return;
        }
        if (FreeNode* const n = s.odd[klass]) {
            s.odd[klass] = n->next;
            n->next = nullptr;
            list.head = n;
            list.count = 1;
            return;
        }
    }
    list.head = carve(klass);
    list.count = batch_length;
}

[[gnu::noinline]] void spill(FreeList& list, std::size_t klass) noexcept {
    FreeNode* const full = std::exchange(list.spare, list.head);
    list.head = nullptr;
    list.count = 0;
    if (!full) return;
    Store& s = store();
    std::lock_guard const lock{s.lock};
    full->next_batch = s.batches[klass];
    s.batches[klass] = full;
}

} // namespace

void* allocate_node(TaskOps const& ops) {
    if (use_malloc || ops.memory_class == node_classes)
        return ::operator new(ops.size, std::align_val_t{ops.align});
    FreeList& list = lists[ops.memory_class];
    if (!list.head) refill(list, ops.memory_class);
    FreeNode* const n = list.head;
    list.head = n->next;
    --list.count;
    return n;
}

void free_node(void* p, TaskOps const& ops) noexcept {
    if (use_malloc || ops.memory_class == node_classes) {
        ::operator delete(p, std::align_val_t{ops.align});
        return;
    }
    FreeList& list = lists[ops.memory_class];
    if (list.count == batch_length) spill(list, ops.memory_class);
    list.head = ::new (p) FreeNode{list.head, nullptr};
    ++list.count;
    if (thread_is_over) release_node_cache();
}

void release_node_cache() noexcept {
    thread_is_over = true;
    Store& s = store();
    std::lock_guard const lock{s.lock};
    for (std::size_t k = 0; k < node_classes; ++k) {
        for (FreeNode* from : {lists[k].head, lists[k].spare}) {
            while (from) {
                FreeNode* const next = from->next;
                from->next = s.odd[k];
                s.odd[k] = from;
                from = next;
            }
        }
        lists[k] = {};
    }
}

} // namespace frond::inline v0::detail
