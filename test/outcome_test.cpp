#include <frond/outcome.hpp>

#include "support/lives.hpp"
#include "support/what_of.hpp"

#include <gtest/gtest.h>

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using frond::Outcome;
using frond::test::Lives;
using frond::test::Mortal;
using frond::test::what_is_thrown_by;
using frond::test::what_of;

namespace {

using Owner = std::unique_ptr<int>;

static_assert(std::is_same_v<decltype(std::declval<Outcome<int>&>().value()), int&>);
static_assert(std::is_same_v<decltype(std::declval<Outcome<int> const&>().value()), int const&>);
static_assert(std::is_same_v<decltype(std::declval<Outcome<int>>().value()), int>);
static_assert(std::is_same_v<decltype(*std::declval<Outcome<int>&>()), int&>);
static_assert(std::is_same_v<decltype(*std::declval<Outcome<int> const&>()), int const&>);
static_assert(std::is_same_v<decltype(*std::declval<Outcome<int>>()), int>);
static_assert(std::is_same_v<decltype(std::declval<Outcome<int&> const&>().value()), int&>);
static_assert(std::is_same_v<decltype(*std::declval<Outcome<int&>>()), int&>);
static_assert(std::is_void_v<decltype(std::declval<Outcome<void>&>().value())>);
static_assert(std::is_void_v<decltype(*std::declval<Outcome<void> const&>())>);
static_assert(std::is_same_v<Outcome<void>::value_type, void>);
static_assert(!std::is_default_constructible_v<Outcome<int>>);
static_assert(std::is_copy_constructible_v<Outcome<int>> && std::is_copy_assignable_v<Outcome<int>>);
static_assert(!std::is_copy_constructible_v<Outcome<Owner>> && std::is_move_constructible_v<Outcome<Owner>>);
static_assert(std::is_nothrow_move_constructible_v<Outcome<Owner>>);
static_assert(std::is_convertible_v<int, Outcome<int>> && !std::is_convertible_v<int, Outcome<Owner>>);
static_assert(std::is_convertible_v<char const*, Outcome<std::string>>);
static_assert(!std::is_convertible_v<Outcome<int>, bool>);

/// Copies of it may fail, and so may moves.
struct Fragile {
    int value = 0;
    bool breaks = false;

    Fragile(int v, bool b) : value{v}, breaks{b} {}
    Fragile(Fragile const& other) : value{other.value}, breaks{other.breaks} {
        if (breaks) throw std::runtime_error("broken");
    }
    // NOLINTNEXTLINE(performance-noexcept-move-constructor): that is what it is for
    Fragile(Fragile&& other) : Fragile{static_cast<Fragile const&>(other)} { other.value = -1; }
    Fragile& operator=(Fragile const&) = default;
    Fragile& operator=(Fragile&&) = default;
    ~Fragile() = default;
};
static_assert(!std::is_nothrow_move_constructible_v<Outcome<Fragile>>);

std::exception_ptr failure(char const* text) { return std::make_exception_ptr(std::runtime_error(text)); }

template <class T>
class OutcomeOfAnything : public testing::Test {};
using Anything = testing::Types<int, std::string, Owner, int&, void, std::vector<int> const&>;
TYPED_TEST_SUITE(OutcomeOfAnything, Anything);

TYPED_TEST(OutcomeOfAnything, WithAnErrorHasNoValueAndThrowsIt) {
    Outcome<TypeParam> outcome{failure("no value"), 7};
    EXPECT_FALSE(outcome);
    EXPECT_FALSE(outcome.has_value());
    EXPECT_EQ(what_of(outcome.error()), "no value");
    EXPECT_EQ(outcome.index(), 7U);
    EXPECT_THROW(outcome.value(), std::runtime_error);
    EXPECT_THROW(std::as_const(outcome).value(), std::runtime_error);
    EXPECT_THROW(std::move(outcome).value(), std::runtime_error);
}

TYPED_TEST(OutcomeOfAnything, MovedItKeepsItsErrorAndItsIndex) {
    Outcome<TypeParam> from{failure("no value"), 7};
    Outcome<TypeParam> const moved{std::move(from)};
    EXPECT_EQ(what_of(moved.error()), "no value");
    EXPECT_EQ(moved.index(), 7U);
}

TEST(Outcome, WithAValueHasNoError) {
    Outcome<int> const outcome{3};
    EXPECT_TRUE(outcome);
    EXPECT_TRUE(outcome.has_value());
    EXPECT_EQ(outcome.error(), nullptr);
    EXPECT_EQ(outcome.value(), 3);
    EXPECT_EQ(*outcome, 3);
}

TEST(Outcome, BelongsToNoTaskUnlessToldWhich) {
    EXPECT_EQ(Outcome<int>{1}.index(), Outcome<int>::no_index);
    EXPECT_EQ(Outcome<void>{}.index(), Outcome<void>::no_index);
    EXPECT_EQ(Outcome<int>(1, 5).index(), 5U);
    EXPECT_EQ(Outcome<void>{5}.index(), 5U);
}

TEST(Outcome, KeepsTheTypeOfTheException) {
    Outcome<int> const outcome{std::make_exception_ptr(5)};
    EXPECT_THROW(outcome.value(), int);
}

TEST(Outcome, GivesAccessToItsValueForChanges) {
    Outcome<std::string> outcome{"one"};
    *outcome += " two";
    outcome.value() += " three";
    outcome->append(" four");
    EXPECT_EQ(*std::as_const(outcome), "one two three four");
    EXPECT_EQ(std::as_const(outcome)->size(), 18U);
}

TEST(Outcome, ATemporaryGivesItsValueAway) {
    Outcome<Owner> first{std::make_unique<int>(1)};
    Outcome<Owner> second{std::make_unique<int>(2)};
    EXPECT_EQ(*std::move(first).value(), 1);
    Owner const taken = *std::move(second);
    EXPECT_EQ(*taken, 2);
}

TEST(Outcome, OfNothingHasAValueAndCanBeAskedForIt) {
    Outcome<void> outcome;
    EXPECT_TRUE(outcome);
    EXPECT_EQ(outcome.error(), nullptr);
    EXPECT_NO_THROW(outcome.value());
    EXPECT_NO_THROW(std::move(outcome).value());
}

TEST(Outcome, OfAReferenceRefersAndDoesNotCopy) {
    std::string text = "one";
    Outcome<std::string&> const outcome{std::in_place, text};
    EXPECT_EQ(&outcome.value(), &text);
    EXPECT_EQ(&*outcome, &text);
    EXPECT_EQ(outcome->size(), 3U);
    auto const copy = outcome;
    *copy += "!";
    EXPECT_EQ(text, "one!");
}

TEST(Outcome, CopiesOwnTheirValues) {
    Outcome<std::string> const original{"one", 4};
    auto copy = original;
    *copy = "two";
    EXPECT_EQ(*original, "one");
    EXPECT_EQ(copy.index(), 4U);
}

TEST(Outcome, AssignmentReplacesAllOfIt) {
    Outcome<std::string> outcome{"one", 4};
    outcome = Outcome<std::string>{failure("no value"), 5};
    EXPECT_EQ(what_of(outcome.error()), "no value");
    EXPECT_EQ(outcome.index(), 5U);
    outcome = Outcome<std::string>{"two", 6};
    EXPECT_EQ(outcome.error(), nullptr);
    EXPECT_EQ(*outcome, "two");
    EXPECT_EQ(outcome.index(), 6U);
}

TEST(Outcome, OfWhatOnlyMovesIsAssigned) {
    Outcome<Owner> outcome{failure("no value")};
    outcome = Outcome<Owner>{std::make_unique<int>(3)};
    EXPECT_EQ(**outcome, 3);
}

TEST(Outcome, ABorrowedOneRefersToSomebodyElsesValue) {
    std::string text = "one";
    auto outcome = Outcome<std::string>::borrowed(text, 3);
    EXPECT_TRUE(outcome);
    EXPECT_EQ(outcome.error(), nullptr);
    EXPECT_EQ(&*outcome, &text);
    EXPECT_EQ(&outcome.value(), &text);
    EXPECT_EQ(outcome.operator->(), &text);
    EXPECT_EQ(outcome.index(), 3U);
}

TEST(Outcome, ACopyOfABorrowedOneOwnsItsValue) {
    std::string text = "one";
    auto const outcome = Outcome<std::string>::borrowed(text, 3);
    auto const copy = outcome;
    text = "two";
    EXPECT_EQ(*outcome, "two");
    EXPECT_EQ(*copy, "one");
    EXPECT_EQ(copy.index(), 3U);
}

TEST(Outcome, MovingABorrowedOneTakesTheValueFromItsOwner) {
    auto mine = std::make_unique<int>(1);
    auto outcome = Outcome<Owner>::borrowed(mine);
    auto const moved = std::move(outcome);
    EXPECT_EQ(mine, nullptr);
    EXPECT_EQ(**moved, 1);
}

TEST(Outcome, AValueTakenFromABorrowedTemporaryIsTakenFromItsOwner) {
    auto mine = std::make_unique<int>(1);
    EXPECT_EQ(*Outcome<Owner>::borrowed(mine).value(), 1);
    EXPECT_EQ(mine, nullptr);
}

TEST(Outcome, AssigningToABorrowedOneLeavesTheOwnersValueAlone) {
    std::string text = "one";
    auto outcome = Outcome<std::string>::borrowed(text);
    outcome = Outcome<std::string>{"two"};
    EXPECT_EQ(*outcome, "two");
    EXPECT_EQ(text, "one");
}

TEST(Outcome, AMoveThatThrowsLeavesAnErrorFreeOutcomeBehind) {
    Outcome<Fragile> outcome{std::in_place, Fragile{1, false}};
    outcome->breaks = true;
    EXPECT_EQ(what_is_thrown_by([&] { Outcome<Fragile> const moved{std::move(outcome)}; }), "broken");
    EXPECT_EQ(what_is_thrown_by([&] { Outcome<Fragile> const copy{outcome}; }), "broken");
    EXPECT_TRUE(outcome);
    EXPECT_EQ(outcome->value, 1);
}

TEST(Outcome, OfWhatMayThrowMovesWhileItDoesNot) {
    Outcome<Fragile> from{std::in_place, Fragile{1, false}, 2};
    Outcome<Fragile> to{failure("no value")};
    to = std::move(from);
    EXPECT_EQ(to->value, 1);
    EXPECT_EQ(to.index(), 2U);
}

TEST(Outcome, DestroysEachValueOnceAndABorrowedOneNever) {
    Lives lives;
    {
        Mortal mine{lives};
        auto const borrowed = Outcome<Mortal>::borrowed(mine);
        Outcome<Mortal> owned{std::in_place, Mortal{lives}};
        auto const copy = borrowed;
        owned = copy;
        owned = Outcome<Mortal>{failure("no value")};
    }
    EXPECT_GT(lives.born, 3);
    EXPECT_EQ(lives.alive(), 0);
}

} // namespace
