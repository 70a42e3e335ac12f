#pragma once

#include <frond/detail/group_core.hpp>
#include <frond/detail/task_value.hpp>
#include <frond/this_task.hpp>

#include <functional>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <tuple>
#include <type_traits>
#include <utility>

namespace frond::inline v0::detail {

/// It wants the task's stop token before its arguments, as `std::jthread` gives it.
template <class F, class... A>
concept TakesToken = std::invocable<std::decay_t<F>, std::stop_token, std::decay_t<A>...>;

/// What can be spawned with these arguments: a copy of it, called once, as an rvalue.
template <class F, class... A>
concept Spawnable =
    std::constructible_from<std::decay_t<F>, F> && (std::constructible_from<std::decay_t<A>, A> && ...) &&
    (std::invocable<std::decay_t<F>, std::decay_t<A>...> || TakesToken<F, A...>);

/// An rvalue reference is kept as a value: what it refers to may be an argument, which dies with the call.
template <class R>
using Kept = std::conditional_t<std::is_rvalue_reference_v<R>, std::remove_reference_t<R>, R>;

template <class F, class... A>
struct ResultOfCall : std::invoke_result<std::decay_t<F>, std::decay_t<A>...> {};
template <class F, class... A>
    requires TakesToken<F, A...>
struct ResultOfCall<F, A...> : std::invoke_result<std::decay_t<F>, std::stop_token, std::decay_t<A>...> {};

template <class F, class... A>
using ResultOf = Kept<typename ResultOfCall<F, A...>::type>;

/// Room for a result that is not there yet. References are kept as pointers, void takes no room.
template <class R>
struct ResultSlot {
    union {
        R value;
    };
    ResultSlot() noexcept {}
    ~ResultSlot() {}
    template <class Call>
    void fill(Call&& call) {
        ::new (static_cast<void*>(std::addressof(value))) R(std::forward<Call>(call)());
    }
    R& get() noexcept { return value; }
    void drop() noexcept { std::destroy_at(std::addressof(value)); }
    static constexpr bool droppable = !std::is_trivially_destructible_v<R>;
};

template <class R>
struct ResultSlot<R&> {
    R* value;
    template <class Call>
    void fill(Call&& call) {
        value = std::addressof(std::forward<Call>(call)());
    }
    R& get() noexcept { return *value; }
    void drop() noexcept {}
    static constexpr bool droppable = false;
};

template <>
struct ResultSlot<void> {
    template <class Call>
    void fill(Call&& call) {
        std::forward<Call>(call)();
    }
    void get() noexcept {}
    void drop() noexcept {}
    static constexpr bool droppable = false;
};

/// The part of a node that a handle can see without knowing the callable: the result stands first.
template <class R>
struct ResultNode : TaskNode {
    using TaskNode::TaskNode;
    [[no_unique_address]] ResultSlot<R> result;
};

template <class R, class F>
struct CallableNode final : ResultNode<R> {
    union {
        F callable;
    };

    template <class G>
    CallableNode(GroupCore& g, Home& h, std::source_location at, G&& f)
        : ResultNode<R>(table(), g, h, g.shared, at), callable(std::forward<G>(f)) {}
    ~CallableNode() = delete; // its parts die one by one, see ops

    static void run(TaskNode& n) {
        auto& self = static_cast<CallableNode&>(n);
        struct Drop {
            F& f;
            ~Drop() { std::destroy_at(std::addressof(f)); }
        } drop{self.callable};
        self.result.fill([&]() -> R { return std::move(self.callable)(); });
    }
    static void drop_callable(TaskNode& n) noexcept {
        std::destroy_at(std::addressof(static_cast<CallableNode&>(n).callable));
    }
    static void drop_result(TaskNode& n) noexcept { static_cast<CallableNode&>(n).result.drop(); }

    static TaskOps const& table() noexcept {
        static constexpr TaskOps ops{&run,
                                     &drop_callable,
                                     ResultSlot<R>::droppable ? &drop_result : nullptr,
                                     sizeof(CallableNode),
                                     alignof(CallableNode),
                                     node_class(sizeof(CallableNode), alignof(CallableNode))};
        return ops;
    }
};

/// A callable with its arguments, decay-copied like `std::thread`'s.
template <class F, class... A>
struct Bound {
    F f;
    std::tuple<A...> args;
    decltype(auto) operator()() && {
        return std::apply(
            [this](A&&... a) -> decltype(auto) { return std::invoke(std::move(f), std::move(a)...); },
            std::move(args));
    }
};

/// A callable that is given the token of the task that runs it.
template <class F>
struct WithToken {
    F f;
    template <class... A>
    decltype(auto) operator()(A&&... args) && {
        return std::invoke(std::move(f), this_task::stop_token(), std::forward<A>(args)...);
    }
};

/// True for a null function pointer and an empty `std::function` or its like.
template <class F>
bool is_empty_callable(F const& f) noexcept {
    if constexpr (std::is_member_pointer_v<F> || std::is_assignable_v<F&, std::nullptr_t>)
        return f == nullptr;
    else
        return false;
}

/// The callable that a task keeps: `f` itself where it needs no more, else `f` with what it is called with.
template <class F, class... A>
decltype(auto) bind_call(F&& f, A&&... args) {
    if constexpr (TakesToken<F, A...>) {
        using Call = WithToken<std::decay_t<F>>;
        if constexpr (sizeof...(A) == 0)
            return Call{std::forward<F>(f)};
        else
            return Bound<Call, std::decay_t<A>...>{Call{std::forward<F>(f)},
                                                   std::tuple<std::decay_t<A>...>(std::forward<A>(args)...)};
    } else if constexpr (sizeof...(A) == 0 && !std::is_member_pointer_v<std::decay_t<F>>) {
        return std::forward<F>(f);
    } else {
        return Bound<std::decay_t<F>, std::decay_t<A>...>{
            std::forward<F>(f), std::tuple<std::decay_t<A>...>(std::forward<A>(args)...)};
    }
}

/// Memory and construction of a node. @throws std::bad_alloc, and what the constructor throws
template <class Node, class... A>
Node& build_node(A&&... args) {
    static_assert(alignof(Node) <= 4096, "frond: a callable or result aligned to more than a page");
    void* const memory = allocate_node(Node::table());
    try {
        return *::new (memory) Node(std::forward<A>(args)...);
    } catch (...) {
        free_node(memory, Node::table());
        throw;
    }
}

/// @throws std::invalid_argument
template <class F>
void check_callable(F const& f) {
    if (is_empty_callable(f)) throw std::invalid_argument("frond: spawn of an empty callable");
}

/// Makes a node; the group counts it only when it is submitted. @throws std::invalid_argument for an empty
/// callable
template <class F, class... A>
auto* make_bare_node(GroupCore& g, Home& h, std::source_location at, F&& f, A&&... args) {
    using R = ResultOf<F, A...>;
    check_callable(f);
    using Node =
        CallableNode<R, std::decay_t<decltype(bind_call(std::forward<F>(f), std::forward<A>(args)...))>>;
    auto& node = build_node<Node>(g, h, at, bind_call(std::forward<F>(f), std::forward<A>(args)...));
    return static_cast<ResultNode<R>*>(&node);
}

/// The same, with copies of what the calling task hands down. @throws also what that copying throws
template <class F, class... A>
auto* make_node(GroupCore& g, Home& h, std::source_location at, F&& f, A&&... args) {
    auto* const n = make_bare_node(g, h, at, std::forward<F>(f), std::forward<A>(args)...);
    hand_down_values(*n);
    return n;
}

} // namespace frond::inline v0::detail
