#pragma once

#include <frond/duration.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

namespace frond::inline v0::detail {

/// First in, first out, and no allocation under the owner's lock: what a step needs is brought along, what it
/// leaves over is taken away.
///
/// Invariants
/// 1. The blocks form a circle: from the head's to the tail's they hold items, the rest are free.
/// 2. A bounded queue has one block, of its capacity, from the start. An unbounded one has one free block at
///    most after a `pop`, and never none at all.
/// 3. `head_` is a place in its block; `tail_` may be just behind the end of its own.
template <class T>
class ItemQueue {
    static_assert(std::is_nothrow_move_constructible_v<T>);

public:
    class Block;
    using OwnBlock = std::unique_ptr<Block>;

    /// @throws std::bad_alloc
    explicit ItemQueue(std::size_t capacity)
        : capacity_{capacity},
          block_size_{capacity == unlimited ? std::max(min_block, block_bytes / sizeof(T)) : capacity} {
        if (block_size_ == 0) return;
        head_block_ = tail_block_ = new_block().release();
        head_block_->next_ = head_block_;
    }
    ItemQueue(ItemQueue const&) = delete;
    ItemQueue& operator=(ItemQueue const&) = delete;
    ~ItemQueue() {
        std::optional<T> item;
        while (!empty()) pop(item);
        if (!head_block_) return;
        OwnBlock block{std::exchange(head_block_->next_, nullptr)};
        while (block) block.reset(block->next_);
    }

    bool empty() const noexcept { return size_ == 0; }
    bool full() const noexcept { return size_ >= capacity_; }
    std::size_t size() const noexcept { return size_; }
    std::size_t capacity() const noexcept { return capacity_; }

    /// An unbounded queue must be given another block before the next `push`.
    bool needs_block() const noexcept {
        return capacity_ == unlimited && tail_ == block_size_ && tail_block_->next_ == head_block_;
    }
    OwnBlock new_block() const { return std::make_unique<Block>(block_size_); }
    void give(OwnBlock block) noexcept {
        block->next_ = tail_block_->next_;
        tail_block_->next_ = block.release();
    }

    /// @pre neither full() nor needs_block()
    void push(T&& item) noexcept {
        if (tail_ == block_size_) {
            tail_block_ = tail_block_->next_;
            tail_ = 0;
        }
        std::construct_at(&tail_block_->places_[tail_++].item, std::move(item));
        ++size_;
    }
    /// Moves the oldest item to `to`. @pre not empty(), and `to` is. @return a block too many
    OwnBlock pop(std::optional<T>& to) noexcept {
        T& item = head_block_->places_[head_].item;
        to.emplace(std::move(item));
        std::destroy_at(&item);
        ++head_;
        if (--size_ != 0) return head_ == block_size_ ? leave_block() : nullptr;
        head_ = tail_ = 0;
        return nullptr;
    }

private:
    static constexpr std::size_t block_bytes = 2048;
    static constexpr std::size_t min_block = 8;

    /// The block at the head has no items left, but there are others.
    OwnBlock leave_block() noexcept {
        Block* const left = std::exchange(head_block_, head_block_->next_);
        head_ = 0;
        Block* const free = tail_block_->next_;
        if (free == left) return nullptr;
        tail_block_->next_ = free->next_;
        return OwnBlock{free};
    }

    std::size_t capacity_;
    std::size_t block_size_;
    std::size_t size_ = 0;
    std::size_t head_ = 0;
    std::size_t tail_ = 0;
    Block* head_block_ = nullptr;
    Block* tail_block_ = nullptr;
};

template <class T>
class ItemQueue<T>::Block {
public:
    explicit Block(std::size_t size) : places_{new Place[size]} {}

private:
    friend class ItemQueue;

    /// Memory for an item: neither makes nor destroys it.
    union Place {
        Place() noexcept {} // NOLINT(modernize-use-equals-default)
        ~Place() {}         // NOLINT(modernize-use-equals-default)
        T item;
    };

    std::unique_ptr<Place[]> places_;
    Block* next_ = nullptr;
};

} // namespace frond::inline v0::detail
