#pragma once

#include <frond/detail/callable_node.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace frond::inline v0::detail {

/// What is in a ResultBuffer: a task whose result it will get, or one result that was put in. Either is, in
/// the end, a task that has ended.
struct ItemNode : TaskNode {
    using TaskNode::TaskNode;

    ItemNode* item_next = nullptr; ///< before it has its place: what it comes before; nullptr: the end
    ItemNode* item_prev = nullptr;
    std::size_t index = no_index; ///< the number of its task among those of the buffer, from 0
    bool placed = false;          ///< in the buffer's list
    bool ready = false;           ///< it is a result now
    bool held = false;            ///< a task that waits until the buffer lets it in
    bool let_in = false;          ///< a task that may start, and has not
    bool passing = false;         ///< in the list, and let in
    bool served = false;          ///< a relay whose end a reader, who has got a slot for it, is waiting for
    bool is_feeder = false; ///< the task that reads a stream's input: it needs no slot and yields nothing

    static constexpr std::size_t no_index = static_cast<std::size_t>(-1);
};

/// An item with room for its value.
template <class T>
struct ValueNode : ItemNode {
    using ItemNode::ItemNode;
    [[no_unique_address]] ResultSlot<T> result;
};

template <class R>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

/// How the result of a task becomes an item of type T: as it is; if it is engaged; or not at all.
template <class R, class T>
concept MakesItem =
    std::is_void_v<R> || std::constructible_from<T, R> ||
    (is_optional<std::remove_cvref_t<R>> && std::constructible_from<T, decltype(*std::declval<R>())>);

/// Ends the value or error of an item and then the item. Others may hold it a moment longer, as who just ends
/// its task: what is in it must not outlive who reads it. @pre nobody else reads it; taken from the buffer
inline void drop_item(ItemNode& n) noexcept {
    if (n.ops->drop_result && n.state.load(std::memory_order_acquire) == TaskState::done) {
        n.ops->drop_result(n);
        n.marks.fetch_and(static_cast<std::uint8_t>(~TaskNode::yields), std::memory_order_relaxed);
    }
    n.error = nullptr;
    drop_ref(n);
}

/// A task of a buffer whose items are of type T.
template <class T, class F>
struct ItemTask final : ValueNode<T> {
    union {
        F callable;
    };

    template <class G>
    ItemTask(GroupCore& g, Home& h, std::source_location at, G&& f)
        : ValueNode<T>(table(), g, h, g.shared, at), callable(std::forward<G>(f)) {}
    ~ItemTask() = delete; // its parts die one by one, see ops

    static void run(TaskNode& n) {
        auto& self = static_cast<ItemTask&>(n);
        struct Drop {
            F& f;
            ~Drop() { std::destroy_at(std::addressof(f)); }
        } drop{self.callable};
        using R = std::invoke_result_t<F>;
        if constexpr (std::is_void_v<T>) {
            std::move(self.callable)();
            n.marks.fetch_or(TaskNode::yields, std::memory_order_relaxed);
        } else if constexpr (std::is_void_v<R>) {
            std::move(self.callable)();
        } else if constexpr (std::is_reference_v<T> || !is_optional<std::remove_cvref_t<R>> ||
                             std::same_as<std::remove_cvref_t<R>, T>) {
            self.result.fill([&]() -> decltype(auto) { return std::move(self.callable)(); });
            n.marks.fetch_or(TaskNode::yields, std::memory_order_relaxed);
        } else {
            auto&& maybe = std::move(self.callable)();
            if (!maybe) return;
            self.result.fill([&]() -> decltype(auto) { return *std::forward<R>(maybe); });
            n.marks.fetch_or(TaskNode::yields, std::memory_order_relaxed);
        }
    }
    static void drop_callable(TaskNode& n) noexcept {
        std::destroy_at(std::addressof(static_cast<ItemTask&>(n).callable));
    }
    static void drop_result(TaskNode& n) noexcept {
        if (n.is_marked(TaskNode::yields)) static_cast<ItemTask&>(n).result.drop();
    }

    static TaskOps const& table() noexcept {
        static constexpr TaskOps ops{&run,
                                     &drop_callable,
                                     ResultSlot<T>::droppable ? &drop_result : nullptr,
                                     sizeof(ItemTask),
                                     alignof(ItemTask),
                                     node_class(sizeof(ItemTask), alignof(ItemTask))};
        return ops;
    }
};

/// A result that no task returned: never queued, ended from the start.
template <class T>
struct PutItem final : ValueNode<T> {
    template <class U>
    PutItem(GroupCore& g, Home& h, U&& value) : ValueNode<T>(table(), g, h, g.shared, {}) {
        this->result.fill([&]() -> U&& { return std::forward<U>(value); });
        std::construct_at(&this->error);
        this->marks.store(TaskNode::yields, std::memory_order_relaxed);
        this->state.store(TaskState::done, std::memory_order_release);
        // No task refers to it, only the buffer.
        if (g.shared)
            this->foreign_refs.store(1, std::memory_order_relaxed);
        else
            this->refs = 1;
    }
    ~PutItem() = delete;

    static TaskOps const& table() noexcept {
        static constexpr TaskOps ops{
            nullptr, // it never runs
            &drop_result,     ResultSlot<T>::droppable ? &drop_result : nullptr, sizeof(PutItem),
            alignof(PutItem), node_class(sizeof(PutItem), alignof(PutItem))};
        return ops;
    }
    static void drop_result(TaskNode& n) noexcept {
        if (n.is_marked(TaskNode::yields)) static_cast<PutItem&>(n).result.drop();
    }
};

} // namespace frond::inline v0::detail
