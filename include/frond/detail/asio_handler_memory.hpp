#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

namespace frond::inline v0::detail {

/// Memory for what an asynchronous operation allocates, inside the frame of the fiber that waits for it. A
/// composed operation holds several blocks at once; what does not fit comes from the heap.
/// Thread safety: all members may be called from any thread, because the parts of an operation that was
/// started here may end on another thread while others still begin.
class HandlerMemory {
public:
    HandlerMemory() noexcept = default;
    HandlerMemory(HandlerMemory const&) = delete;
    HandlerMemory& operator=(HandlerMemory const&) = delete;

    void* allocate(std::size_t bytes) {
        if (bytes <= sizeof bytes_) {
            std::size_t const count = chunks_for(bytes);
            Mask const wanted = mask(count);
            Mask taken = taken_.load(std::memory_order_relaxed);
            for (std::size_t at = 0; at + count <= chunk_count;) {
                if (taken & (wanted << at)) {
                    ++at;
                    continue;
                }
                // Acquire: pairs with the release of whoever used these chunks before.
                if (taken_.compare_exchange_weak(taken, taken | wanted << at, std::memory_order_acquire,
                                                 std::memory_order_relaxed))
                    return bytes_ + at * chunk_size;
                at = 0;
            }
        }
        return ::operator new(bytes);
    }

    void deallocate(void* p, std::size_t bytes) noexcept {
        auto const offset = reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(bytes_);
        if (offset >= sizeof bytes_) {
            ::operator delete(p);
            return;
        }
        taken_.fetch_and(~(mask(chunks_for(bytes)) << offset / chunk_size), std::memory_order_release);
    }

private:
    using Mask = std::uint32_t;
    static constexpr std::size_t chunk_size = 64;
    static constexpr std::size_t chunk_count = 16;

    static constexpr std::size_t chunks_for(std::size_t bytes) noexcept {
        return bytes == 0 ? 1 : (bytes + chunk_size - 1) / chunk_size;
    }
    static constexpr Mask mask(std::size_t count) noexcept { return (Mask{1} << count) - 1; }

    std::atomic<Mask> taken_{0};
    alignas(std::max_align_t) std::byte bytes_[chunk_size * chunk_count];
};

/// What Asio asks a handler for.
template <class T>
class HandlerAllocator {
public:
    using value_type = T;

    explicit HandlerAllocator(HandlerMemory& memory) noexcept : memory_{&memory} {}
    template <class U>
    HandlerAllocator(HandlerAllocator<U> const& other) noexcept : memory_{other.memory_} {}

    T* allocate(std::size_t n)
        requires(!std::is_void_v<T>)
    {
        if constexpr (alignof(T) > alignof(std::max_align_t))
            return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t{alignof(T)}));
        else
            return static_cast<T*>(memory_->allocate(n * sizeof(T)));
    }
    void deallocate(T* p, std::size_t n) noexcept
        requires(!std::is_void_v<T>)
    {
        if constexpr (alignof(T) > alignof(std::max_align_t))
            ::operator delete(p, std::align_val_t{alignof(T)});
        else
            memory_->deallocate(p, n * sizeof(T));
    }

    template <class U>
    bool operator==(HandlerAllocator<U> const& other) const noexcept {
        return memory_ == other.memory_;
    }

private:
    template <class U>
    friend class HandlerAllocator;

    HandlerMemory* memory_;
};

} // namespace frond::inline v0::detail
