#pragma once

#include <frond/detail/held.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

namespace frond::inline v0 {

/// What came of a task: its value, or the exception that came instead. A task that was cancelled has
/// `Cancelled` as its error.
///
/// What a function given to `Task::then` gets refers to the task's own result: moving from it takes the value
/// away from those who `get` it later; copying or moving the outcome makes one that owns its value.
///
/// Example:
///     for (frond::Outcome<Page>&& page : bag.outcomes())
///         if (page) store(*page);
///         else log(page.error());
///
/// Thread safety: as a `std::optional`. Cost: that of a `T` and two words.
template <class T>
class Outcome {
    using Value = detail::Held<T>;
    static constexpr bool is_void = std::is_void_v<T>;

public:
    using value_type = T;
    /// What `index` is for a result that belongs to no task.
    static constexpr std::size_t no_index = static_cast<std::size_t>(-1);

    /// Nothing, where that is the value.
    explicit Outcome(std::size_t index = no_index) noexcept
        requires is_void
        : index_{index} {}
    /// A value.
    template <class U>
        requires(!is_void && std::constructible_from<Value, U> &&
                 !std::same_as<std::remove_cvref_t<U>, Outcome>)
    explicit(!std::convertible_to<U, Value>) Outcome(U&& value, std::size_t index = no_index)
        : Outcome{std::in_place, std::forward<U>(value), index} {}
    template <class U>
        requires(!is_void && std::constructible_from<Value, U>)
    Outcome(std::in_place_t, U&& value, std::size_t index = no_index)
        : content_{std::in_place_index<0>, std::forward<U>(value)}, index_{index} {}
    /// An error. @pre it is not null
    explicit Outcome(std::exception_ptr error, std::size_t index = no_index) noexcept
        : content_{std::in_place_index<2>, std::move(error)}, index_{index} {}

    Outcome(Outcome const& other)
        requires std::copy_constructible<Value>
        : content_{other.has_value() ? Content{std::in_place_index<0>, other.held()}
                                     : Content{std::in_place_index<2>, other.error()}},
          index_{other.index_} {}
    Outcome(Outcome&& other) noexcept(std::is_nothrow_move_constructible_v<Value>)
        : content_{other.has_value() ? Content{std::in_place_index<0>, std::move(other.held())}
                                     : Content{std::in_place_index<2>, other.error()}},
          index_{other.index_} {}
    Outcome& operator=(Outcome other) noexcept(std::is_nothrow_move_constructible_v<Value>)
        requires std::movable<Value>
    {
        if (other.has_value())
            content_.template emplace<0>(std::move(other.held()));
        else
            content_.template emplace<2>(other.error());
        index_ = other.index_;
        return *this;
    }
    ~Outcome() = default;

    bool has_value() const noexcept { return content_.index() < 2; }
    explicit operator bool() const noexcept { return has_value(); }

    /// The value. @throws the error instead
    decltype(auto) value() & {
        if (!has_value()) std::rethrow_exception(error());
        return get(*this);
    }
    decltype(auto) value() const& {
        if (!has_value()) std::rethrow_exception(error());
        return get(*this);
    }
    T value() && {
        if (!has_value()) std::rethrow_exception(error());
        if constexpr (!is_void) return static_cast<T>(std::move(held()));
    }

    /// The value. @pre has_value()
    decltype(auto) operator*() & noexcept { return get(*this); }
    decltype(auto) operator*() const& noexcept { return get(*this); }
    T operator*() && noexcept(is_void || std::is_nothrow_move_constructible_v<Value>) {
        if constexpr (!is_void) return static_cast<T>(std::move(held()));
    }
    auto operator->() noexcept
        requires(!is_void)
    {
        return std::addressof(get(*this));
    }
    auto operator->() const noexcept
        requires(!is_void)
    {
        return std::addressof(get(*this));
    }

    /// nullptr where there is a value.
    std::exception_ptr error() const noexcept {
        auto const* const e = std::get_if<2>(&content_);
        return e ? *e : nullptr;
    }
    /// Of a stream: the position of the input that it comes from, from 0. Of a bag: how many tasks were
    /// spawned before the one it comes from. `no_index` where it comes from none.
    std::size_t index() const noexcept { return index_; }

    /// Refers to a value that somebody else owns.
    static Outcome borrowed(Value& value, std::size_t index = no_index) noexcept {
        return Outcome{Borrow{}, value, index};
    }

private:
    using Content = std::variant<Value, Value*, std::exception_ptr>;

    struct Borrow {};
    Outcome(Borrow, Value& value, std::size_t index) noexcept
        : content_{std::in_place_index<1>, std::addressof(value)}, index_{index} {}

    Value& held() noexcept {
        return content_.index() == 0 ? *std::get_if<0>(&content_) : **std::get_if<1>(&content_);
    }
    Value const& held() const noexcept {
        return content_.index() == 0 ? *std::get_if<0>(&content_) : **std::get_if<1>(&content_);
    }
    template <class Self>
    static decltype(auto) get(Self& self) noexcept {
        if constexpr (std::is_reference_v<T>)
            return static_cast<std::remove_reference_t<T>&>(self.held().get());
        else if constexpr (!is_void)
            return (self.held());
    }

    Content content_{std::in_place_index<0>};
    std::size_t index_ = no_index;
};

} // namespace frond::inline v0
